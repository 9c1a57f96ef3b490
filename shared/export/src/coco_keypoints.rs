//! COCO keypoints: one data set of all items, as pycocotools reads it; `annotations` by itself is also a list of results.
use crate::ExportError;
use crate::writer::{FrameRecord, Writer};
use framefleet_media::skeleton::{POINTS, coco_category};
use framefleet_media::{Item, Pose};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

/// Name of the file.
const FILE: &str = "coco-keypoints.json";
/// A point of this visibility is visible (COCO's 2); above [`GUESSED`] it is in the picture, but hidden (1); else it is not
/// labelled (0).
const VISIBLE: f32 = 0.5;
const GUESSED: f32 = 0.2;

/// The writer. Annotations go to the file as they come, images to a temporary one that is appended at the end.
pub(crate) struct CocoKeypoints {
    path: PathBuf,
    file: BufWriter<File>,
    images: BufWriter<File>,
    image_count: u64,
    annotation_count: u64,
}

impl CocoKeypoints {
    pub fn create(folder: &Path) -> Result<Self, ExportError> {
        let path = folder.join(FILE);
        let mut file = BufWriter::new(File::create(&path).map_err(ExportError::write(&path))?);
        file.write_all(b"{\"annotations\": [").map_err(ExportError::write(&path))?;
        let images = BufWriter::new(tempfile::tempfile().map_err(ExportError::write(&path))?);
        Ok(Self { path, file, images, image_count: 0, annotation_count: 0 })
    }

    fn add_image(&mut self, record: &FrameRecord<'_>) -> Result<(), ExportError> {
        let image = json!({
            "id": self.image_count + 1,
            "file_name": file_name(record.item, record.number),
            "width": record.item.width,
            "height": record.item.height,
            "video": record.item.name,
            "frame_id": record.number,
            "seconds": record.pts_ns as f64 / 1e9,
        });
        add(&mut self.images, self.image_count, &image).map_err(ExportError::write(&self.path))?;
        self.image_count += 1;
        Ok(())
    }
}

impl Writer for CocoKeypoints {
    fn frame(&mut self, record: &FrameRecord<'_>) -> Result<(), ExportError> {
        if !record.has_result() {
            return Ok(());
        }
        self.add_image(record)?;
        for pose in record.of::<Pose>("pose")? {
            let Some(annotation) = annotation(&pose, self.annotation_count + 1, self.image_count) else { continue };
            add(&mut self.file, self.annotation_count, &annotation).map_err(ExportError::write(&self.path))?;
            self.annotation_count += 1;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>, ExportError> {
        let Self { path, mut file, images, .. } = *self;
        let complete = move || -> std::io::Result<()> {
            file.write_all(b"\n],\n\"images\": [")?;
            let mut images = images.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            images.rewind()?;
            std::io::copy(&mut images, &mut file)?;
            write!(file, "\n],\n\"categories\": [{}]}}\n", coco_category(1))?;
            file.flush()
        };
        complete().map_err(ExportError::write(&path))?;
        Ok(vec![path])
    }
}

/// Appends an element to a list that has `count` already.
fn add(file: &mut impl Write, count: u64, element: &Value) -> std::io::Result<()> {
    write!(file, "{}\n{element}", if count == 0 { "" } else { "," })
}

/// The person as COCO has it; `None` for one without a box or keypoints.
fn annotation(pose: &Pose, id: u64, image: u64) -> Option<Value> {
    let [x0, y0, x1, y1] = pose.r#box[..] else { return None };
    if pose.keypoints.len() != 3 * POINTS.len() {
        return None;
    }
    let mut keypoints = Vec::with_capacity(pose.keypoints.len());
    let mut labelled = 0;
    for point in pose.keypoints.as_chunks::<3>().0 {
        let flag = if point[2] >= VISIBLE { 2 } else { i32::from(point[2] >= GUESSED) };
        labelled += i32::from(flag > 0);
        let place = |value: f32| if flag > 0 { hundredths(value) } else { 0.0 };
        keypoints.extend([json!(place(point[0])), json!(place(point[1])), json!(flag)]);
    }
    let (width, height) = (x1 - x0, y1 - y0);
    Some(json!({
        "id": id,
        "image_id": image,
        "category_id": 1,
        "keypoints": keypoints,
        "num_keypoints": labelled,
        "bbox": [hundredths(x0), hundredths(y0), hundredths(width), hundredths(height)],
        "area": hundredths(width * height),
        "iscrowd": 0,
        "score": pose.score,
        "track_id": pose.track,
        "interpolated": pose.interpolated.unwrap_or(false),
    }))
}

fn hundredths(value: f32) -> f64 {
    (f64::from(value) * 100.0).round() / 100.0
}

/// The image itself where frames are files, else a name made of the item and the frame's number.
fn file_name(item: &Item, frame: u64) -> String {
    let file = framefleet_media::item::file(item, frame);
    file.map(|file| file.name.clone()).unwrap_or_else(|| format!("{}/{frame:06}.png", item.name))
}

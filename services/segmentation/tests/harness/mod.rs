//! Runs the stage on pictures the way the runner does: batches with their halo, then finish over all of it.
#![allow(dead_code)]
use framefleet_infer::{Model, Network, Networks, Precision, SessionOptions};
use framefleet_media::annotation::Value;
use framefleet_media::{
    Annotation, Frame, FrameRange, Image, Item, ItemKind, Mask, MaskTrack, Outcome, PixelFormat, Pose, Rational,
    Rendition, ScopedAnnotation, Shot,
};
use framefleet_stage::{Audio, AudioSource, Batch, Host, Job, Outputs, Record, Records, RecordsError, Stage};
use framefleet_testkit::Picture;
use framefleet_vision::run_lengths::Runs;
use opencv::core::{self, Mat, Point, Scalar, Vector};
use opencv::prelude::*;
use opencv::{imgcodecs, imgproc};
use segmentation::{SegmentationSettings, SegmentationStage};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Frames per second of the footage.
pub const RATE: i64 = 25;

/// Footage and how it is handed to the stage.
pub struct Footage {
    pub item: Item,
    pub pictures: Vec<Picture>,
    pub poses: BTreeMap<u64, Vec<Pose>>,
    pub shots: Vec<u64>,
    pub batch: u64,
    pub every: u64,
    pub absent: Vec<u64>,
}

/// What the stage made.
#[derive(Default)]
pub struct Results {
    pub masks: BTreeMap<u64, Vec<Mask>>,
    /// Track by frame and instance.
    pub tracks: BTreeMap<(u64, u32), u64>,
    pub published: Vec<(FrameRange, MaskTrack)>,
    pub failed: Vec<(u64, String)>,
    pub artifacts: BTreeMap<String, Vec<u8>>,
    pub statistics: serde_json::Value,
}

impl Results {
    /// All masks of a frame together, 0 or 255.
    pub fn union(&self, frame: u64) -> Mat {
        let masks = self.masks[&frame].iter().map(picture);
        masks
            .reduce(|a, b| {
                let mut both = Mat::default();
                core::max(&a, &b, &mut both).unwrap();
                both
            })
            .unwrap()
    }
}

/// A mask as a picture.
pub fn picture(mask: &Mask) -> Mat {
    Runs::parse(mask.run_lengths.as_ref().unwrap()).unwrap().picture().unwrap()
}

/// A host whose network for persons is `networks/brightness.onnx`: coverage is how bright a pixel is, so that the truth is known.
pub fn brightness() -> Host {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/networks/brightness.onnx");
    let sha256 = "432166f5a51ab4d74aa59a402b829717a093b217649bf8d11128c880d50664ef".to_owned();
    let model = Model { name: "brightness".to_owned(), path, sha256, precision: Precision::Fp32 };
    let options = SessionOptions { micro_batch: Some(1), ..SessionOptions::default() };
    let networks = BTreeMap::from([(segmentation::PERSON.to_owned(), Network { model, options })]);
    Host::default().with(Arc::new(Networks::new(framefleet_testkit_models::engine().unwrap(), networks)))
}

/// The host that the settings need, with its networks.
pub fn host(settings: &SegmentationSettings) -> Host {
    framefleet_testkit_models::host("segmentation", &SegmentationStage::needs(settings)).unwrap()
}

impl Footage {
    /// A video of these pictures, all of one size.
    pub fn new(pictures: Vec<Picture>) -> Self {
        let (width, height) = pictures.first().map_or((64, 64), |picture| (picture.width, picture.height));
        let item = Item {
            name: "clip.mp4".to_owned(),
            kind: ItemKind::Video.into(),
            width,
            height,
            frame_rate: Some(Rational { num: RATE, den: 1 }),
            ..Item::default()
        };
        Self { item, pictures, poses: BTreeMap::new(), shots: Vec::new(), batch: 32, every: 1, absent: Vec::new() }
    }

    /// The same with a person in a box, on every frame.
    pub fn with_persons(mut self, boxes: &[[f32; 4]]) -> Self {
        let pose = |corners: &[f32; 4]| Pose { r#box: corners.to_vec(), score: 1.0, ..Pose::default() };
        let poses: Vec<Pose> = boxes.iter().map(pose).collect();
        self.poses = (0..self.pictures.len() as u64).map(|frame| (frame, poses.clone())).collect();
        self
    }

    /// Runs both halves.
    pub fn run(&self, settings: &SegmentationSettings) -> Results {
        self.run_on(&host(settings), settings)
    }

    /// The same on a host that is there already.
    pub fn run_on(&self, host: &Host, settings: &SegmentationSettings) -> Results {
        opencv::core::set_num_threads(1).unwrap();
        let stage = SegmentationStage::load(host, settings).unwrap();
        let halo = SegmentationStage::needs(settings).halo;
        let scratch = tempfile::tempdir().unwrap();
        let job = self.job(scratch.path());
        let mut results = Results::default();
        let mut records = Kept::default();
        for start in (0..self.pictures.len() as u64).step_by(self.batch as usize) {
            let folder = scratch.path().join(start.to_string());
            std::fs::create_dir(&folder).unwrap();
            let mut out = Outputs::new(&folder);
            let batch = self.batch_at(start, halo.before);
            stage.process(&job, &batch, &mut out).unwrap();
            self.collect(batch.frames(), out, &mut results, &mut records);
        }
        records.records.sort_by_key(|record| record.frame);
        let mut out = Outputs::new(scratch.path());
        stage.finish(&job, &records, &mut out).unwrap();
        collect_finish(out, &mut results);
        results
    }

    /// The batch that begins at a frame.
    fn batch_at(&self, start: u64, before: u64) -> Batch {
        let end = (start + self.batch).min(self.pictures.len() as u64);
        let window = FrameRange { start: start.saturating_sub(before), end };
        let frames = (start..end).filter(|n| n % self.every == 0 && !self.absent.contains(n)).collect();
        let times = (window.start..end).map(pts_ns).collect();
        let mut batch = Batch::new(self.item.clone(), FrameRange { start, end }, window, frames, times);
        for number in (window.start..end).filter(|number| !self.absent.contains(number)) {
            batch.insert_frame(Rendition::Full, self.frame(number));
            for (instance, pose) in (0..).zip(self.poses.get(&number).into_iter().flatten()) {
                let annotation = Annotation { instance, value: Some(Value::Pose(pose.clone())) };
                batch.insert_annotation("pose", number, annotation);
            }
        }
        batch
    }

    fn frame(&self, number: u64) -> Frame {
        let picture = &self.pictures[number as usize];
        let image = Image::new(PixelFormat::Rgb8, picture.width, picture.height, picture.rgb.clone()).unwrap();
        Frame { number, pts_ns: pts_ns(number), image }
    }

    fn job(&self, scratch: &Path) -> Job {
        let shot = |(number, start): (u32, &u64)| ScopedAnnotation {
            item: self.item.name.clone(),
            range: Some(FrameRange { start: *start, end: u64::MAX }),
            annotation: Some(Annotation {
                instance: number,
                value: Some(Value::Shot(Shot { number, ..Shot::default() })),
            }),
        };
        Job {
            step: "segmentation".to_owned(),
            items: vec![self.item.clone()],
            seed: 7,
            scoped: (0..).zip(&self.shots).map(shot).collect(),
            edits: Vec::new(),
            audio: Arc::new(Silence),
            scratch: scratch.to_owned(),
        }
    }

    /// Takes over what one task made.
    fn collect(&self, frames: &[u64], out: Outputs, results: &mut Results, records: &mut Kept) {
        let made = out.into_made();
        let has_masks = |frame: &u64| made.annotations.frames.iter().any(|with| with.frame == *frame);
        let failed = |frame: &u64| made.outcomes.failed.iter().any(|failure| failure.frame == *frame);
        for frame in frames.iter().filter(|frame| !has_masks(frame) && !failed(frame)) {
            records.add(&self.item, *frame, Outcome::Result, Vec::new());
        }
        for frame in &made.annotations.frames {
            let masks = frame.annotations.iter().map(|annotation| match &annotation.value {
                Some(Value::Mask(mask)) => mask.clone(),
                other => panic!("process makes masks, not {other:?}"),
            });
            results.masks.insert(frame.frame, masks.collect());
            records.add(&self.item, frame.frame, Outcome::Result, frame.annotations.clone());
        }
        for failure in made.outcomes.failed {
            results.failed.push((failure.frame, failure.reason.clone()));
            let outcome = Outcome::Failed { code: failure.code, reason: failure.reason };
            records.add(&self.item, failure.frame, outcome, Vec::new());
        }
        for artifact in made.artifacts {
            results.artifacts.insert(artifact.name().to_owned(), std::fs::read(artifact.path()).unwrap());
        }
        assert!(made.outcomes.skipped.is_empty() && made.attachments.is_empty());
    }
}

/// Takes over what finish made.
fn collect_finish(out: Outputs, results: &mut Results) {
    let made = out.into_made();
    results.statistics = serde_json::from_str(&made.annotations.statistics).unwrap();
    for amendment in made.annotations.amendments {
        let fields: serde_json::Value = serde_json::from_str(&amendment.json).unwrap();
        results.tracks.insert((amendment.frame, amendment.instance), fields["track"].as_u64().unwrap());
    }
    for scoped in made.annotations.scoped {
        let Some(Value::MaskTrack(track)) = scoped.annotation.unwrap().value else { panic!("finish makes tracks") };
        results.published.push((scoped.range.unwrap(), track));
    }
}

/// Presentation time of a frame.
pub fn pts_ns(number: u64) -> i64 {
    number as i64 * 1_000_000_000 / RATE
}

/// A picture file.
pub fn read(path: &Path) -> Picture {
    let bgr = imgcodecs::imread(path.to_str().unwrap(), imgcodecs::IMREAD_COLOR).unwrap();
    assert!(bgr.cols() > 0, "{} cannot be read", path.display());
    let mut rgb = Mat::default();
    imgproc::cvt_color_def(&bgr, &mut rgb, imgproc::COLOR_BGR2RGB).unwrap();
    of_mat(&rgb)
}

pub fn of_mat(rgb: &Mat) -> Picture {
    Picture { width: rgb.cols() as u32, height: rgb.rows() as u32, rgb: rgb.data_bytes().unwrap().to_vec() }
}

pub fn to_mat(picture: &Picture) -> Mat {
    let mut mat =
        Mat::new_rows_cols_with_default(picture.height as i32, picture.width as i32, core::CV_8UC3, Scalar::default())
            .unwrap();
    mat.data_bytes_mut().unwrap().copy_from_slice(&picture.rgb);
    mat
}

/// The same picture in another size.
pub fn resize(picture: &Picture, width: i32, height: i32) -> Picture {
    let mut scaled = Mat::default();
    let size = core::Size::new(width, height);
    imgproc::resize(&to_mat(picture), &mut scaled, size, 0.0, 0.0, imgproc::INTER_AREA).unwrap();
    of_mat(&scaled)
}

/// The inside of polygons, 0 or 255.
pub fn polygons(of: &[&[[i32; 2]]], width: i32, height: i32) -> Mat {
    let mut mask = Mat::new_rows_cols_with_default(height, width, core::CV_8UC1, Scalar::default()).unwrap();
    for polygon in of {
        let points: Vector<Point> = polygon.iter().map(|[x, y]| Point::new(*x, *y)).collect();
        imgproc::fill_poly_def(&mut mask, &points, Scalar::all(255.0)).unwrap();
    }
    mask
}

/// Intersection over union of two masks.
pub fn iou(a: &Mat, b: &Mat) -> f32 {
    Runs::of(a).unwrap().iou(&Runs::of(b).unwrap())
}

/// Boundary F (Martin et al. 2004, as DAVIS has it): of the outlines, what lies within `distance` pixels of the other's.
pub fn boundary_f(found: &Mat, truth: &Mat, distance: i32) -> f64 {
    let outline = |mask: &Mat| {
        let (mut eroded, mut edge) = (Mat::default(), Mat::default());
        let square = imgproc::get_structuring_element_def(imgproc::MORPH_RECT, core::Size::new(3, 3)).unwrap();
        imgproc::erode_def(mask, &mut eroded, &square).unwrap();
        core::subtract_def(mask, &eroded, &mut edge).unwrap();
        edge
    };
    let near = |edge: &Mat| {
        let mut wide = Mat::default();
        let size = core::Size::new(2 * distance + 1, 2 * distance + 1);
        let disc = imgproc::get_structuring_element_def(imgproc::MORPH_ELLIPSE, size).unwrap();
        imgproc::dilate_def(edge, &mut wide, &disc).unwrap();
        wide
    };
    let share = |edge: &Mat, of: &Mat| {
        let mut both = Mat::default();
        core::min(edge, of, &mut both).unwrap();
        f64::from(core::count_non_zero(&both).unwrap()) / f64::from(core::count_non_zero(edge).unwrap().max(1))
    };
    let (found, truth) = (outline(found), outline(truth));
    let (precision, recall) = (share(&found, &near(&truth)), share(&truth, &near(&found)));
    2.0 * precision * recall / (precision + recall).max(1e-9)
}

/// Records in memory.
#[derive(Default)]
struct Kept {
    records: Vec<Record>,
}

impl Kept {
    fn add(&mut self, item: &Item, frame: u64, outcome: Outcome, annotations: Vec<Annotation>) {
        self.records.push(Record { item: item.name.clone(), frame, pts_ns: pts_ns(frame), outcome, annotations });
    }
}

impl Records for Kept {
    fn read(&self) -> Box<dyn Iterator<Item = Result<Record, RecordsError>> + '_> {
        Box::new(self.records.iter().cloned().map(Ok))
    }

    fn attachments(&self, _: &str) -> Result<Vec<(String, String, PathBuf)>, RecordsError> {
        Ok(Vec::new())
    }
}

/// No audio.
struct Silence;

impl AudioSource for Silence {
    fn read(&self, _: &Item, _: Range<i64>, _: u32) -> Result<Option<Audio>, String> {
        Ok(None)
    }
}

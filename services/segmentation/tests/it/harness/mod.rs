//! Runs the stage on images and sorts what comes out.
#![allow(dead_code)]
use framefleet_frames::annotation::Value;
use framefleet_frames::{FrameRange, Item, Mask, MaskTrack, Pose, Shot};
use framefleet_infer::{Model, SessionOptions, StepModel, StepModels};
use framefleet_masks::Rle;
use framefleet_stage::{Host, Stage};
use framefleet_testkit::Picture;
use framefleet_testkit_stage::{Film, Found, Step, on_range, only, rgb8};
use opencv::core::{self, Mat, Point, Scalar, Vector};
use opencv::prelude::*;
use opencv::{imgcodecs, imgproc};
use segmentation::{SegmentationSettings, SegmentationStage};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

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

/// A mask as an image.
pub fn picture(mask: &Mask) -> Mat {
    Rle::parse(mask.run_lengths.as_ref().unwrap()).unwrap().picture().unwrap()
}

/// A host whose model for persons gives how bright a pixel is as its soft mask, so that the truth is known.
pub fn brightness() -> Host {
    framefleet_testkit_models::brightness(segmentation::PERSON).unwrap()
}

/// A host whose model for persons is `models/pair.onnx`: the soft mask is how bright a pixel is, times half the number of images that
/// the model sees at once: `images`.
pub fn pair(images: usize) -> Host {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/pair.onnx");
    let sha256 = "11a218daa58c3da270b0e841bdf7d6fef0ee71c829fd40095527c517cfca40d5".to_owned();
    let model = Model { name: "pair".to_owned(), path, sha256 };
    let options = SessionOptions { micro_batch: Some(images), ..SessionOptions::default() };
    let models = BTreeMap::from([(segmentation::PERSON.to_owned(), StepModel { model, options })]);
    Host::default().with(Arc::new(StepModels::new(framefleet_testkit_models::engine().unwrap(), models)))
}

/// The host that the settings need, with its models.
pub fn host(settings: &SegmentationSettings) -> Host {
    framefleet_testkit_models::host("segmentation", &SegmentationStage::needs(settings)).unwrap()
}

impl Footage {
    /// A video of these images, all of one size.
    pub fn new(pictures: Vec<Picture>) -> Self {
        let item = Film::new(pictures.iter().take(1).map(rgb8).collect()).item;
        Self { item, pictures, poses: BTreeMap::new(), shots: Vec::new(), batch: 32, every: 1, absent: Vec::new() }
    }

    /// The same as stills, each of its own size.
    pub fn stills(mut self) -> Self {
        self.item = self.film().stills().item;
        self
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
        let step = Step::<SegmentationStage>::load(host, settings).unwrap();
        let (processed, finished) = step.run(&[self.film()]).unwrap();
        let tracks = finished.amended().unwrap().into_iter();
        let masks = processed.records.each(only!(Mask)).map(|(record, masks)| (record.frame, masks));
        Results {
            masks: masks.filter(|(_, masks)| !masks.is_empty()).collect(),
            tracks: tracks.map(|(frame, at, fields)| ((frame, at), fields["track"].as_u64().unwrap())).collect(),
            published: finished.on_frames(only!(MaskTrack)),
            failed: processed.records.failed(),
            artifacts: processed.artifacts,
            statistics: finished.statistics,
        }
    }

    pub fn film(&self) -> Film {
        let poses = |(frame, poses): (&u64, &Vec<Pose>)| (*frame, poses.iter().cloned().map(Value::Pose).collect());
        let shots = (0..).zip(&self.shots).map(|(number, start)| {
            on_range(&self.item.name, *start..u64::MAX, number, Value::Shot(Shot { number, ..Shot::default() }))
        });
        Film {
            item: self.item.clone(),
            found: vec![Found::new("pose", "pose", self.poses.iter().map(poses))],
            scoped: shots.collect(),
            absent: self.absent.clone(),
            every: self.every,
            batch: self.batch,
            ..Film::new(self.pictures.iter().map(rgb8).collect())
        }
    }
}

/// An image file.
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

/// The same image in another size.
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
    Rle::of(a).unwrap().iou(&Rle::of(b).unwrap())
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

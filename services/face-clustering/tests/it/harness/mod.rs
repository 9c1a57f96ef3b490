//! Runs the stage, with the catalogue's models, on images and sorts what comes out.
#![allow(dead_code)]
pub mod agreement;

use face_clustering::{FaceClusteringSettings, FaceClusteringStage};
use framefleet_frames::{Face, FaceTrack, FrameRange, Identity, Image, PixelFormat};
use framefleet_stage::Stage;
use framefleet_testkit::sample;
use framefleet_testkit_stage::{Film, Kept, Step, only};
use opencv::core::{Mat, Rect, Scalar, Size};
use opencv::prelude::*;
use opencv::{imgcodecs, imgproc};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The stage with the models that its settings ask for.
pub fn step(settings: &FaceClusteringSettings) -> Step<FaceClusteringStage> {
    let host =
        framefleet_testkit_models::host(FaceClusteringStage::NAME, &FaceClusteringStage::needs(settings)).unwrap();
    Step::load(&host, settings).unwrap()
}

/// A portrait or group of the samples, RGB.
pub fn photograph(name: &str) -> Mat {
    picture(&format!("faces/{name}"))
}

/// An image of the samples, RGB.
pub fn picture(name: &str) -> Mat {
    let path = sample(name).unwrap();
    let bgr = imgcodecs::imread(path.to_str().unwrap(), imgcodecs::IMREAD_COLOR).unwrap();
    let mut rgb = Mat::default();
    imgproc::cvt_color_def(&bgr, &mut rgb, imgproc::COLOR_BGR2RGB).unwrap();
    rgb
}

/// At another size.
pub fn resized(picture: &Mat, width: i32, height: i32) -> Mat {
    let mut result = Mat::default();
    imgproc::resize(picture, &mut result, Size::new(width, height), 0.0, 0.0, imgproc::INTER_AREA).unwrap();
    result
}

/// Scaled so that its long side is so many pixels.
pub fn fitted(picture: &Mat, side: i32) -> Mat {
    let scale = f64::from(side) / f64::from(picture.cols().max(picture.rows()));
    let length = |length: i32| (f64::from(length) * scale).round() as i32;
    resized(picture, length(picture.cols()), length(picture.rows()))
}

/// A part of an image.
pub fn part(picture: &Mat, x: i32, y: i32, width: i32, height: i32) -> Mat {
    picture.roi(Rect::new(x, y, width, height)).unwrap().try_clone().unwrap()
}

/// Grey of a size.
pub fn canvas(width: i32, height: i32) -> Mat {
    Mat::new_rows_cols_with_default(height, width, opencv::core::CV_8UC3, Scalar::all(110.0)).unwrap()
}

/// Puts an image onto another, cut at its borders.
pub fn put(onto: &mut Mat, picture: &Mat, x: i32, y: i32) {
    let (left, top) = (x.max(0), y.max(0));
    let (right, bottom) = ((x + picture.cols()).min(onto.cols()), (y + picture.rows()).min(onto.rows()));
    if right <= left || bottom <= top {
        return;
    }
    let from = picture.roi(Rect::new(left - x, top - y, right - left, bottom - top)).unwrap();
    let mut to = onto.roi_mut(Rect::new(left, top, right - left, bottom - top)).unwrap();
    from.copy_to(&mut to).unwrap();
}

/// A video of these images.
pub fn video(name: &str, pictures: Vec<Mat>) -> Film {
    let image = |picture: &Mat| {
        let bytes = picture.data_bytes().unwrap().to_vec();
        Image::new(PixelFormat::Rgb8, picture.cols() as u32, picture.rows() as u32, bytes).unwrap()
    };
    Film::new(pictures.iter().map(image).collect()).named(name)
}

/// What the stage made.
pub struct Results {
    /// By item and frame.
    pub faces: BTreeMap<(String, u64), Vec<Face>>,
    pub failed: Vec<(u64, String)>,
    pub tracks: Vec<(FrameRange, FaceTrack)>,
    pub identities: Vec<Identity>,
    pub statistics: Json,
    /// Amended fields by item, frame and instance.
    pub amended: BTreeMap<(String, u64, u32), Json>,
    pub artifacts: BTreeMap<String, Vec<u8>>,
}

impl Results {
    /// Identities of the faces of a frame, by instance.
    pub fn who(&self, item: &str, frame: u64) -> Vec<Option<u64>> {
        let of = self.amended.range((item.to_owned(), frame, 0)..(item.to_owned(), frame + 1, 0));
        of.map(|(_, fields)| fields["identity"].as_u64()).collect()
    }
}

/// Both halves.
pub fn run(settings: &FaceClusteringSettings, films: &[Film]) -> Results {
    let step = step(settings);
    finish(&step, films, &step.process(films).unwrap().records)
}

/// The finish half over what process made.
pub fn finish(step: &Step<FaceClusteringStage>, films: &[Film], records: &Kept) -> Results {
    let finished = step.finish(films, records).unwrap();
    let amended = finished.amendments.iter().map(|of| {
        let fields = serde_json::from_str(&of.json).unwrap();
        ((of.item.clone(), of.frame, of.instance), fields)
    });
    let faces = records.each(only!(Face)).map(|(record, faces)| ((record.item.clone(), record.frame), faces));
    Results {
        faces: faces.collect(),
        failed: records.failed(),
        tracks: finished.on_frames(only!(FaceTrack)),
        amended: amended.collect(),
        identities: finished.each(only!(Identity)).into_iter().map(|(_, identity)| identity).collect(),
        statistics: finished.statistics,
        artifacts: finished.artifacts,
    }
}

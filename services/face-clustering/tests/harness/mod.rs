//! Runs the stage on pictures the way the runner does, with the catalogue's networks: batches, then finish over all of it.
#![allow(dead_code)]
pub mod agreement;

use face_clustering::{FaceClustering, FaceClusteringSettings};
use framefleet_media::annotation::Value;
use framefleet_media::{
    Edit, Face, FaceTrack, Frame, FrameRange, Identity, Image, Item, ItemKind, Outcome, PixelFormat, Rational,
    Rendition, ScopedAnnotation, proxy_size,
};
use framefleet_stage::{Audio, AudioSource, Batch, Job, Outputs, Record, Records, RecordsError, Stage};
use framefleet_testkit::sample;
use opencv::core::{Mat, Rect, Scalar, Size};
use opencv::prelude::*;
use opencv::{imgcodecs, imgproc};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// Frames per second of the footage.
pub const RATE: i64 = 25;

/// The stage with the networks that its settings ask for.
pub fn stage(settings: &FaceClusteringSettings) -> FaceClustering {
    opencv::core::set_num_threads(1).unwrap();
    let host = framefleet_testkit_models::host(FaceClustering::NAME, &FaceClustering::needs(settings)).unwrap();
    FaceClustering::load(&host, settings).unwrap()
}

/// A picture of the samples, RGB.
pub fn photograph(name: &str) -> Mat {
    let path = sample(&format!("faces/{name}")).unwrap();
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

/// A part of a picture.
pub fn part(picture: &Mat, x: i32, y: i32, width: i32, height: i32) -> Mat {
    picture.roi(Rect::new(x, y, width, height)).unwrap().try_clone().unwrap()
}

/// Grey of a size.
pub fn canvas(width: i32, height: i32) -> Mat {
    Mat::new_rows_cols_with_default(height, width, opencv::core::CV_8UC3, Scalar::all(110.0)).unwrap()
}

/// Puts a picture onto another, cut at its borders.
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

/// One item's frames.
pub struct Footage {
    pub item: Item,
    pub pictures: Vec<Mat>,
    /// Frames of the batches it is cut into.
    pub batch: u64,
}

impl Footage {
    /// A video.
    pub fn video(name: &str, pictures: Vec<Mat>) -> Self {
        let (width, height) =
            pictures.first().map_or((64, 64), |picture| (picture.cols() as u32, picture.rows() as u32));
        let item = Item {
            name: name.to_owned(),
            kind: ItemKind::Video.into(),
            width,
            height,
            frame_rate: Some(Rational { num: RATE, den: 1 }),
            ..Item::default()
        };
        Self { item, pictures, batch: 32 }
    }

    /// Pictures that have nothing to do with each other, no larger than a proxy.
    pub fn stills(name: &str, pictures: Vec<Mat>) -> Self {
        let mut footage = Self::video(name, pictures);
        footage.item.kind = ItemKind::Stills.into();
        footage
    }

    fn frame(&self, number: u64, rendition: Rendition) -> Frame {
        let picture = &self.pictures[number as usize];
        let (width, height) = (picture.cols() as u32, picture.rows() as u32);
        let (w, h) = if rendition == Rendition::Proxy { proxy_size(width, height) } else { (width, height) };
        let pixels = if (w, h) == (width, height) { picture.clone() } else { resized(picture, w as i32, h as i32) };
        let image = Image::new(PixelFormat::Rgb8, w, h, pixels.data_bytes().unwrap().to_vec()).unwrap();
        Frame { number, pts_ns: pts_ns(number), image }
    }

    /// The batch that begins at a frame.
    pub fn batch_at(&self, start: u64, full: bool) -> Batch {
        let end = (start + self.batch).min(self.pictures.len() as u64);
        let range = FrameRange { start, end };
        let mut batch =
            Batch::new(self.item.clone(), range, range, (start..end).collect(), (start..end).map(pts_ns).collect());
        for number in start..end {
            batch.insert_frame(Rendition::Proxy, self.frame(number, Rendition::Proxy));
            if full {
                batch.insert_frame(Rendition::Full, self.frame(number, Rendition::Full));
            }
        }
        batch
    }
}

/// What the stage made.
#[derive(Default)]
pub struct Results {
    /// By item and frame.
    pub faces: BTreeMap<(String, u64), Vec<Face>>,
    pub failed: Vec<(u64, String)>,
    pub tracks: Vec<(String, FrameRange, FaceTrack)>,
    pub identities: Vec<Identity>,
    pub statistics: serde_json::Value,
    /// Amendments as JSON by item, frame and instance.
    pub amended: BTreeMap<(String, u64, u32), serde_json::Value>,
    pub artifacts: BTreeMap<String, Vec<u8>>,
}

impl Results {
    /// Identities of the faces of a frame, by instance.
    pub fn who(&self, item: &str, frame: u64) -> Vec<Option<u64>> {
        let of = self.amended.range((item.to_owned(), frame, 0)..(item.to_owned(), frame + 1, 0));
        of.map(|(_, fields)| fields["identity"].as_u64()).collect()
    }
}

/// A job over items that can be finished several times.
pub struct Run {
    pub footage: Vec<Footage>,
    pub settings: FaceClusteringSettings,
    pub shots: Vec<ScopedAnnotation>,
    pub edits: Vec<Edit>,
}

impl Run {
    pub fn new(footage: Vec<Footage>) -> Self {
        Self { footage, settings: FaceClusteringSettings::default(), shots: Vec::new(), edits: Vec::new() }
    }

    /// Both halves.
    pub fn results(&self) -> Results {
        let stage = stage(&self.settings);
        let scratch = tempfile::tempdir().unwrap();
        let records = self.process(&stage, &scratch);
        self.finish(&stage, &records, &scratch)
    }

    /// The process half over all batches.
    pub fn process(&self, stage: &FaceClustering, scratch: &TempDir) -> Kept {
        let mut records = Kept::default();
        for footage in &self.footage {
            for start in (0..footage.pictures.len() as u64).step_by(footage.batch as usize) {
                let folder = scratch.path().join(format!("{}-{start}", footage.item.name));
                std::fs::create_dir(&folder).unwrap();
                let mut out = Outputs::new(&folder);
                let batch = footage.batch_at(start, self.settings.small_faces);
                stage.process(&self.job(scratch), &batch, &mut out).unwrap();
                records.collect(&footage.item, &batch, out);
            }
        }
        records
    }

    /// The finish half over what process made.
    pub fn finish(&self, stage: &FaceClustering, records: &Kept, scratch: &TempDir) -> Results {
        let folder = tempfile::tempdir_in(scratch.path()).unwrap();
        let mut out = Outputs::new(folder.path());
        stage.finish(&self.job(scratch), records, &mut out).unwrap();
        let made = out.into_made();
        let mut results = Results { failed: records.failed.clone(), ..Results::default() };
        for record in &records.records {
            let faces = record.annotations.iter().map(|annotation| match &annotation.value {
                Some(Value::Face(face)) => face.clone(),
                other => panic!("process made {other:?}"),
            });
            results.faces.insert((record.item.clone(), record.frame), faces.collect());
        }
        results.statistics = serde_json::from_str(&made.annotations.statistics).unwrap();
        for amendment in made.annotations.amendments {
            let fields = serde_json::from_str(&amendment.json).unwrap();
            results.amended.insert((amendment.item, amendment.frame, amendment.instance), fields);
        }
        for scoped in made.annotations.scoped {
            match scoped.annotation.unwrap().value.unwrap() {
                Value::FaceTrack(track) => results.tracks.push((scoped.item, scoped.range.unwrap(), track)),
                Value::Identity(identity) => results.identities.push(identity),
                other => panic!("finish made {other:?}"),
            }
        }
        for artifact in made.artifacts {
            results.artifacts.insert(artifact.name().to_owned(), std::fs::read(artifact.path()).unwrap());
        }
        results
    }

    fn job(&self, scratch: &TempDir) -> Job {
        Job {
            step: "faces".to_owned(),
            items: self.footage.iter().map(|footage| footage.item.clone()).collect(),
            seed: 7,
            scoped: self.shots.clone(),
            edits: self.edits.clone(),
            audio: Arc::new(Silence),
            scratch: scratch.path().to_owned(),
        }
    }
}

/// Presentation time of a frame.
pub fn pts_ns(number: u64) -> i64 {
    number as i64 * 1_000_000_000 / RATE
}

/// Records in memory.
#[derive(Default)]
pub struct Kept {
    pub records: Vec<Record>,
    pub failed: Vec<(u64, String)>,
    attachments: Vec<(String, String, PathBuf)>,
}

impl Kept {
    fn collect(&mut self, item: &Item, batch: &Batch, out: Outputs) {
        let made = out.into_made();
        let failed: BTreeMap<u64, &str> =
            made.outcomes.failed.iter().map(|failure| (failure.frame, failure.code.as_str())).collect();
        self.failed.extend(failed.iter().map(|(frame, code)| (*frame, (*code).to_owned())));
        for &frame in batch.frames() {
            let annotations = made.annotations.frames.iter().find(|on| on.frame == frame);
            let outcome = match failed.get(&frame) {
                Some(code) => Outcome::Failed { code: (*code).to_owned(), reason: String::new() },
                None => Outcome::Result,
            };
            let annotations = annotations.map(|on| on.annotations.clone()).unwrap_or_default();
            self.records.push(Record { item: item.name.clone(), frame, pts_ns: pts_ns(frame), outcome, annotations });
        }
        for attachment in made.attachments {
            let (name, path) = (attachment.name().to_owned(), attachment.path().to_owned());
            self.attachments.push((item.name.clone(), name, path));
        }
    }
}

impl Records for Kept {
    fn read(&self) -> Box<dyn Iterator<Item = Result<Record, RecordsError>> + '_> {
        Box::new(self.records.iter().cloned().map(Ok))
    }

    fn attachments(&self, prefix: &str) -> Result<Vec<(String, String, PathBuf)>, RecordsError> {
        Ok(self.attachments.iter().filter(|(_, name, _)| name.starts_with(prefix)).cloned().collect())
    }
}

/// No audio.
struct Silence;

impl AudioSource for Silence {
    fn read(&self, _: &Item, _: Range<i64>, _: u32) -> Result<Option<Audio>, String> {
        Ok(None)
    }
}

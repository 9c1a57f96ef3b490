//! Runs the stage, with its real networks, on pictures the way the runner does: batches, then finish over all of it.
#![allow(dead_code)]
use framefleet_media::annotation::Value;
use framefleet_media::{
    Amendment, Annotation, Frame, FrameRange, Image, Item, ItemKind, Outcome, PersonTrack, PixelFormat, Pose, Rational,
    ScopedAnnotation, Shot,
};
use framefleet_stage::{Audio, AudioSource, Batch, Job, Outputs, Record, Records, RecordsError, Stage};
use framefleet_testkit::Picture;
use pose::{PoseSettings, PoseStage};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Footage and how it is handed to the stage.
pub struct Footage {
    pub item: Item,
    pub pictures: Vec<Picture>,
    pub rate: i64,
    pub batch: u64,
    pub absent: Vec<u64>,
    pub cuts: Vec<u64>,
}

/// What the stage made.
#[derive(Default)]
pub struct Results {
    pub poses: BTreeMap<u64, Vec<Pose>>,
    pub failed: Vec<(u64, String)>,
    pub amendments: Vec<(u64, u32, Json)>,
    pub tracks: Vec<(FrameRange, PersonTrack)>,
    pub statistics: Json,
}

/// The stage with its networks.
pub fn stage(settings: &PoseSettings) -> PoseStage {
    opencv::core::set_num_threads(1).unwrap();
    let host = framefleet_testkit_models::host("pose", &PoseStage::needs(settings)).unwrap();
    PoseStage::load(&host, settings).unwrap()
}

/// A picture file in 8-bit RGB.
pub fn picture(path: &Path) -> Picture {
    let rgb = image::open(path).unwrap().to_rgb8();
    Picture { width: rgb.width(), height: rgb.height(), rgb: rgb.into_raw() }
}

/// Frames of a video, from one on.
pub fn frames(path: &Path, start: u64, count: u64, width: u32, height: u32) -> Vec<Picture> {
    let select = format!("select=between(n\\,{start}\\,{})", start + count - 1);
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-vf", &select, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let size = (width * height * 3) as usize;
    let pictures: Vec<Picture> =
        output.stdout.chunks_exact(size).map(|rgb| Picture { width, height, rgb: rgb.to_vec() }).collect();
    assert_eq!(pictures.len() as u64, count, "frames of {}", path.display());
    pictures
}

impl Footage {
    /// A video of these pictures, all of one size.
    pub fn new(pictures: Vec<Picture>, rate: i64) -> Self {
        let (width, height) = pictures.first().map_or((64, 64), |picture| (picture.width, picture.height));
        let item = Item {
            name: "clip.mp4".to_owned(),
            kind: ItemKind::Video.into(),
            width,
            height,
            frame_rate: Some(Rational { num: rate, den: 1 }),
            ..Item::default()
        };
        Self { item, pictures, rate, batch: 32, absent: Vec::new(), cuts: Vec::new() }
    }

    /// One still.
    pub fn still(picture: Picture) -> Self {
        let mut footage = Self::new(vec![picture], 1);
        footage.item.kind = ItemKind::Stills.into();
        footage
    }

    /// Runs both halves.
    pub fn run(&self, settings: &PoseSettings) -> Results {
        self.run_with(&stage(settings), settings)
    }

    /// Runs both halves of a loaded stage.
    pub fn run_with(&self, stage: &PoseStage, settings: &PoseSettings) -> Results {
        let scratch = tempfile::tempdir().unwrap();
        let job = self.job(scratch.path());
        let mut results = Results::default();
        let mut records = Kept::default();
        for start in (0..self.pictures.len() as u64).step_by(self.batch as usize) {
            let mut out = Outputs::new(scratch.path());
            stage.process(&job, &self.batch_at(start, settings), &mut out).unwrap();
            self.collect(out, start, &mut results, &mut records);
        }
        let mut out = Outputs::new(scratch.path());
        stage.finish(&job, &records, &mut out).unwrap();
        collect_finish(out, &mut results);
        results
    }

    /// The batch that begins at a frame.
    pub fn batch_at(&self, start: u64, settings: &PoseSettings) -> Batch {
        let end = (start + self.batch).min(self.pictures.len() as u64);
        let range = FrameRange { start, end };
        let frames: Vec<u64> = (start..end).collect();
        let times = frames.iter().map(|number| self.pts_ns(*number)).collect();
        let rendition = PoseStage::needs(settings).renditions[0];
        let mut batch = Batch::new(self.item.clone(), range, range, frames, times);
        for number in (start..end).filter(|number| !self.absent.contains(number)) {
            let picture = &self.pictures[number as usize];
            let image = Image::new(PixelFormat::Rgb8, picture.width, picture.height, picture.rgb.clone()).unwrap();
            batch.insert_frame(rendition, Frame { number, pts_ns: self.pts_ns(number), image });
        }
        batch
    }

    /// A job over the footage, whose shots begin at the cuts.
    pub fn job(&self, scratch: &Path) -> Job {
        let ends = self.cuts.iter().copied().chain([self.pictures.len() as u64]);
        let shots = [0].into_iter().chain(self.cuts.iter().copied()).zip(ends);
        let shot = |(start, end)| ScopedAnnotation {
            item: self.item.name.clone(),
            range: Some(FrameRange { start, end }),
            annotation: Some(Annotation { instance: 0, value: Some(Value::Shot(Shot::default())) }),
        };
        Job {
            step: "pose".to_owned(),
            items: vec![self.item.clone()],
            seed: 7,
            scoped: if self.cuts.is_empty() { Vec::new() } else { shots.map(shot).collect() },
            edits: Vec::new(),
            audio: Arc::new(Silence),
            scratch: scratch.to_owned(),
        }
    }

    fn pts_ns(&self, number: u64) -> i64 {
        number as i64 * 1_000_000_000 / self.rate
    }

    /// Takes over what one task made.
    fn collect(&self, out: Outputs, start: u64, results: &mut Results, records: &mut Kept) {
        let made = out.into_made();
        let end = (start + self.batch).min(self.pictures.len() as u64);
        let failed: BTreeMap<u64, _> =
            made.outcomes.failed.into_iter().map(|failure| (failure.frame, failure)).collect();
        let annotated: BTreeMap<u64, Vec<Annotation>> =
            made.annotations.frames.into_iter().map(|frame| (frame.frame, frame.annotations)).collect();
        for number in start..end {
            let annotations = annotated.get(&number).cloned().unwrap_or_default();
            let outcome = match failed.get(&number) {
                Some(failure) => Outcome::Failed { code: failure.code.clone(), reason: failure.reason.clone() },
                None => Outcome::Result,
            };
            if let Outcome::Failed { reason, .. } = &outcome {
                results.failed.push((number, reason.clone()));
            } else {
                let poses = annotations.iter().map(|annotation| match &annotation.value {
                    Some(Value::Pose(pose)) => pose.clone(),
                    other => panic!("process made {other:?}"),
                });
                results.poses.insert(number, poses.collect());
            }
            let (item, pts_ns) = (self.item.name.clone(), self.pts_ns(number));
            records.0.push(Record { item, frame: number, pts_ns, outcome, annotations });
        }
    }
}

/// Takes over what finish made.
fn collect_finish(out: Outputs, results: &mut Results) {
    let made = out.into_made();
    results.statistics = serde_json::from_str(&made.annotations.statistics).unwrap();
    for Amendment { frame, instance, json, .. } in made.annotations.amendments {
        results.amendments.push((frame, instance, serde_json::from_str(&json).unwrap()));
    }
    for scoped in made.annotations.scoped {
        match scoped.annotation.unwrap().value.unwrap() {
            Value::PersonTrack(track) => results.tracks.push((scoped.range.unwrap(), track)),
            other => panic!("finish made {other:?}"),
        }
    }
}

/// Records in memory.
#[derive(Default)]
struct Kept(Vec<Record>);

impl Records for Kept {
    fn read(&self) -> Box<dyn Iterator<Item = Result<Record, RecordsError>> + '_> {
        Box::new(self.0.iter().cloned().map(Ok))
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

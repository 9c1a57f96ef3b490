//! Runs the stage on pictures the way the runner does: batches with their halo, then finish over all of it.
#![allow(dead_code)]
use framefleet_media::annotation::Value;
use framefleet_media::{
    Action, Annotation, Frame, FrameRange, Image, Item, ItemKind, Motion, Outcome, PixelFormat, Rational, Rendition,
    Shot, Trajectory,
};
use framefleet_stage::{Audio, AudioSource, Batch, Host, Job, Outputs, Record, Records, RecordsError, Stage};
use framefleet_testkit::Picture;
use motion::{MotionSettings, MotionStage};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// Frames per second of the footage.
pub const RATE: i64 = 25;

/// Footage and how it is handed to the stage.
pub struct Footage {
    pub item: Item,
    pub pictures: Vec<Picture>,
    pub batch: u64,
    pub every: u64,
    pub absent: Vec<u64>,
}

/// What the stage made.
#[derive(Default)]
pub struct Results {
    pub motions: BTreeMap<u64, Motion>,
    pub failed: Vec<(u64, String)>,
    pub skipped: Vec<(u64, String)>,
    pub artifacts: BTreeMap<String, Vec<u8>>,
    pub shots: Vec<(FrameRange, Shot)>,
    pub actions: Vec<(FrameRange, Action)>,
    pub trajectories: Vec<(FrameRange, Trajectory)>,
    pub statistics: serde_json::Value,
    /// Everything that finish published, as bytes of debug text: to compare runs.
    pub scoped: String,
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
        Self { item, pictures, batch: 32, every: 1, absent: Vec::new() }
    }

    /// Paints `count` frames.
    pub fn painted(count: u64, paint: impl FnMut(u64) -> Picture) -> Self {
        Self::new((0..count).map(paint).collect())
    }

    /// Runs both halves.
    pub fn run(&self, settings: &MotionSettings) -> Results {
        opencv::core::set_num_threads(1).unwrap();
        let stage = MotionStage::load(&Host::default(), settings).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let job = self.job(&scratch);
        let mut results = Results::default();
        let mut records = Kept::default();
        for start in (0..self.pictures.len() as u64).step_by(self.batch as usize) {
            let folder = scratch.path().join(start.to_string());
            std::fs::create_dir(&folder).unwrap();
            let mut out = Outputs::new(&folder);
            stage.process(&job, &self.batch_at(start), &mut out).unwrap();
            self.collect(out, &mut results, &mut records);
        }
        records.records.sort_by_key(|record| record.frame);
        let mut out = Outputs::new(scratch.path());
        stage.finish(&job, &records, &mut out).unwrap();
        collect_scoped(out, &mut results);
        results
    }

    /// The batch that begins at a frame.
    fn batch_at(&self, start: u64) -> Batch {
        let end = (start + self.batch).min(self.pictures.len() as u64);
        let window = FrameRange { start: start.saturating_sub(1), end };
        let frames = (start..end).filter(|n| n % self.every == 0 && !self.absent.contains(n)).collect();
        let times = (window.start..end).map(pts_ns).collect();
        let mut batch = Batch::new(self.item.clone(), FrameRange { start, end }, window, frames, times);
        for number in (window.start..end).filter(|number| !self.absent.contains(number)) {
            batch.insert_frame(Rendition::Proxy, self.frame(number));
        }
        batch
    }

    /// A frame as a proxy.
    fn frame(&self, number: u64) -> Frame {
        let picture = &self.pictures[number as usize];
        let image = Image::new(PixelFormat::Rgb8, picture.width, picture.height, picture.rgb.clone()).unwrap();
        Frame { number, pts_ns: pts_ns(number), image }
    }

    fn job(&self, scratch: &TempDir) -> Job {
        Job {
            step: "motion".to_owned(),
            items: vec![self.item.clone()],
            seed: 7,
            scoped: Vec::new(),
            edits: Vec::new(),
            audio: Arc::new(Silence),
            scratch: scratch.path().to_owned(),
        }
    }

    /// Takes over what one task made.
    fn collect(&self, out: Outputs, results: &mut Results, records: &mut Kept) {
        let made = out.into_made();
        for frame in &made.annotations.frames {
            let [Annotation { value: Some(Value::Motion(motion)), .. }] = &frame.annotations[..] else {
                panic!("process makes one motion per frame: {:?}", frame.annotations);
            };
            results.motions.insert(frame.frame, motion.clone());
            records.add(&self.item, frame.frame, Outcome::Result, frame.annotations.clone());
        }
        for failure in made.outcomes.failed {
            results.failed.push((failure.frame, failure.reason.clone()));
            let outcome = Outcome::Failed { code: failure.code, reason: failure.reason };
            records.add(&self.item, failure.frame, outcome, Vec::new());
        }
        for skip in made.outcomes.skipped {
            results.skipped.push((skip.range.unwrap().start, skip.rule.clone()));
            records.add(&self.item, skip.range.unwrap().start, Outcome::Skipped { rule: skip.rule }, Vec::new());
        }
        for artifact in made.artifacts {
            results.artifacts.insert(artifact.name().to_owned(), std::fs::read(artifact.path()).unwrap());
        }
        for attachment in made.attachments {
            records.attachments.push((
                self.item.name.clone(),
                attachment.name().to_owned(),
                attachment.path().to_owned(),
            ));
        }
    }
}

/// Takes over what finish made.
fn collect_scoped(out: Outputs, results: &mut Results) {
    let made = out.into_made();
    results.scoped = format!("{:?}", made.annotations.scoped);
    results.statistics = serde_json::from_str(&made.annotations.statistics).unwrap();
    for scoped in made.annotations.scoped {
        let range = scoped.range.unwrap();
        match scoped.annotation.unwrap().value.unwrap() {
            Value::Shot(shot) => results.shots.push((range, shot)),
            Value::Action(action) => results.actions.push((range, action)),
            Value::Trajectory(trajectory) => results.trajectories.push((range, trajectory)),
            other => panic!("finish made {other:?}"),
        }
    }
}

/// Presentation time of a frame.
pub fn pts_ns(number: u64) -> i64 {
    number as i64 * 1_000_000_000 / RATE
}

/// Records in memory.
#[derive(Default)]
struct Kept {
    records: Vec<Record>,
    attachments: Vec<(String, String, PathBuf)>,
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

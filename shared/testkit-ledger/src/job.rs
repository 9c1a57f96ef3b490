//! A small job with known results: two items, one step, an artifact per task, attachments, a finish.
use bytes::Bytes;
use framefleet_frames::times::Times;
use framefleet_frames::{
    Amendment, Annotation, FrameAnnotations, FrameFailure, FrameRange, FrameSkip, Item, Lighting, Outcomes,
    ScopedAnnotation, Shot,
};
use framefleet_ledger::{
    AnnotationBlock, CommitFile, Entry, KeyHasher, LeaseTiming, Ledger, LedgerError, OpenOptions, Output, PartKind,
    SourceIdentity, StepManifest, TaskKey,
};
use framefleet_proto::v1::{Extension, FrameTimes, TaskId, TaskKind, TaskResult, annotation};
use std::time::Duration;

/// Frames of a batch.
pub const BATCH: u64 = 4;
/// Batches of an item.
pub const BATCHES: u64 = 3;
/// Names of the items.
pub const ITEMS: [&str; 2] = ["a/one.mp4", "two [x] #1.mp4"];
/// The frame of every item that failed.
pub const FAILED: u64 = 5;

/// A lease that is over at once and never renewed: what is left by a process that was killed long ago.
pub const EXPIRED: LeaseTiming = LeaseTiming { lasts: Duration::ZERO, renewed_every: Duration::from_secs(3600) };

/// How the job opens its output.
pub fn options() -> OpenOptions {
    let items = ITEMS.iter().map(|item| ((*item).to_owned(), "digest".to_owned())).collect();
    OpenOptions { fresh: false, build: "test".to_owned(), source: SourceIdentity { source: "films".to_owned(), items } }
}

/// Opens an output for the job, whose lease is over at once: the next call takes it over.
pub async fn open(output: &Output) -> Result<Ledger, LedgerError> {
    Ledger::open_timed(output.clone(), options(), EXPIRED).await
}

/// A task ready to be committed.
#[derive(Clone)]
pub struct Task {
    /// Its key.
    pub key: TaskKey,
    /// Its entry, without what the ledger fills in.
    pub entry: Entry,
    /// Its annotations.
    pub block: AnnotationBlock,
    /// Kind, name and bytes of its files.
    pub files: Vec<(PartKind, String, Vec<u8>)>,
}

/// The job of a step under one value of its settings: other values give other keys, other results and artifacts of the
/// same names with other bytes.
pub struct Job {
    /// Name of the step.
    pub step: String,
    /// The value.
    pub setting: u64,
}

impl Job {
    /// The job as step "light".
    pub fn new(setting: u64) -> Self {
        Self { step: "light".to_owned(), setting }
    }

    /// Its process tasks.
    pub fn process(&self) -> Vec<Task> {
        ITEMS.iter().flat_map(|item| (0..BATCHES).map(|batch| self.batch(item, batch))).collect()
    }

    /// Its process tasks and finish.
    pub fn tasks(&self) -> Vec<Task> {
        let mut tasks = self.process();
        tasks.push(self.finish());
        tasks
    }

    fn batch(&self, item: &str, batch: u64) -> Task {
        let range = FrameRange { start: batch * BATCH, end: (batch + 1) * BATCH };
        let key = KeyHasher::new("process")
            .field_u64("setting", self.setting)
            .field("item", item.as_bytes())
            .field_u64("batch", batch)
            .finish();
        let failed = (range.start..range.end).contains(&FAILED).then(|| FrameFailure {
            frame: FAILED,
            code: "dark".to_owned(),
            reason: "nothing to see".to_owned(),
        });
        let skipped = (batch == 2)
            .then(|| FrameSkip { range: Some(FrameRange { start: 9, end: 11 }), rule: "sampling".to_owned() });
        let frames = (range.start..range.end).filter(|&frame| frame != FAILED && !(9..11).contains(&frame));
        let frames = frames.map(|frame| FrameAnnotations { frame, annotations: vec![self.lighting(frame)] }).collect();
        Task {
            key,
            entry: Entry {
                key: Bytes::copy_from_slice(key.as_bytes()),
                id: Some(TaskId {
                    kind: TaskKind::Process.into(),
                    step: self.step.clone(),
                    item: item.to_owned(),
                    range: Some(range),
                    ..Default::default()
                }),
                stage: "lighting".to_owned(),
                outcomes: Some(Outcomes {
                    failed: failed.into_iter().collect(),
                    skipped: skipped.into_iter().collect(),
                }),
                ..Default::default()
            },
            block: AnnotationBlock { frames, ..Default::default() },
            files: vec![
                (
                    PartKind::Artifact,
                    format!("{item}/{batch}.png"),
                    format!("picture {} {item} {batch}", self.setting).into_bytes(),
                ),
                (
                    PartKind::Attachment,
                    "crop.bin".to_owned(),
                    format!("crop {} {item} {batch}", self.setting).into_bytes(),
                ),
            ],
        }
    }

    fn lighting(&self, frame: u64) -> Annotation {
        let exposure_ev = frame as f32 + self.setting as f32 / 4.0;
        Annotation {
            instance: 0,
            value: Some(annotation::Value::Lighting(Lighting { exposure_ev, ..Default::default() })),
        }
    }

    /// Amends frame 1 of the first item and finds one shot on it.
    pub fn finish(&self) -> Task {
        let key = KeyHasher::new("finish").field_u64("setting", self.setting).finish();
        let shot = Shot { number: 7, start_ns: 0, end_ns: 480, ..Default::default() };
        Task {
            key,
            entry: Entry {
                key: Bytes::copy_from_slice(key.as_bytes()),
                id: Some(TaskId { kind: TaskKind::Finish.into(), step: self.step.clone(), ..Default::default() }),
                stage: "lighting".to_owned(),
                kinds: vec!["shot".to_owned(), "trajectory".to_owned()],
                ..Default::default()
            },
            block: AnnotationBlock {
                scoped: vec![ScopedAnnotation {
                    item: ITEMS[0].to_owned(),
                    range: Some(FrameRange { start: 0, end: 12 }),
                    annotation: Some(Annotation { instance: 0, value: Some(annotation::Value::Shot(shot)) }),
                }],
                amendments: vec![Amendment {
                    item: ITEMS[0].to_owned(),
                    frame: 1,
                    instance: 0,
                    kind: "lighting".to_owned(),
                    json: r#"{"scene": 3}"#.to_owned(),
                }],
                statistics: r#"{"mean": 1.5}"#.to_owned(),
                ..Default::default()
            },
            files: Vec::new(),
        }
    }

    /// What the step shows when all tasks are done.
    pub fn results(&self) -> Results {
        let tasks = self.process();
        let of = |name: &&str| {
            let tasks = tasks.iter().filter(|task| task.entry.id.as_ref().is_some_and(|id| id.item == **name));
            (Item { name: (*name).to_owned(), ..Default::default() }, tasks.map(result).collect())
        };
        let head = StepManifest {
            step: self.step.clone(),
            stage: "lighting".to_owned(),
            finish_key: Bytes::copy_from_slice(self.finish().key.as_bytes()),
            complete: true,
            kinds: vec!["lighting".to_owned()],
            ..Default::default()
        };
        Results { head, items: ITEMS.iter().map(of).collect() }
    }
}

/// The results of a step before they are written down.
#[derive(Clone)]
pub struct Results {
    /// The manifest without its documents.
    pub head: StepManifest,
    /// Items with their tasks.
    pub items: Vec<(Item, Vec<TaskResult>)>,
}

impl Results {
    /// The manifest of them.
    pub async fn write(&self, ledger: &Ledger) -> Result<StepManifest, LedgerError> {
        let mut writer = ledger.write_manifest();
        for (item, tasks) in &self.items {
            writer.item(item).await?;
            for task in tasks {
                writer.task(task.clone()).await?;
            }
        }
        writer.finish(self.head.clone()).await
    }
}

/// What a manifest says of a task.
pub fn result(task: &Task) -> TaskResult {
    let range = task.entry.id.as_ref().and_then(|id| id.range).unwrap_or_default();
    let pts_ns: Vec<i64> = (range.start..range.end).map(|frame| frame as i64 * 40_000_000).collect();
    let times = Some(FrameTimes::from(&Times::new(&pts_ns)));
    TaskResult { key: task.entry.key.clone(), range: Some(range), times, ..Default::default() }
}

/// An annotation of a kind that the wire format has no type for.
pub fn extension(instance: u32, json: &str) -> Annotation {
    let value = Extension { kind: "other".to_owned(), json: json.to_owned() };
    Annotation { instance, value: Some(annotation::Value::Extension(value)) }
}

/// Commits a task.
pub async fn commit(ledger: &Ledger, task: &Task) -> Result<(), LedgerError> {
    let failed = |source| LedgerError::Access { action: "write", path: std::env::temp_dir(), source };
    let scratch = tempfile::tempdir().map_err(failed)?;
    let mut files = Vec::new();
    for (number, (kind, name, bytes)) in task.files.iter().enumerate() {
        let path = scratch.path().join(number.to_string());
        std::fs::write(&path, bytes).map_err(failed)?;
        files.push(CommitFile { kind: *kind, name: name.clone(), frame: None, path });
    }
    ledger.commit(task.entry.clone(), task.block.clone(), files).await.map(drop)
}

/// Commits the tasks of a job that the ledger does not know.
pub async fn commit_missing(ledger: &Ledger, job: &Job) -> Result<(), LedgerError> {
    for task in job.tasks() {
        if ledger.entry(&task.key).is_none() {
            commit(ledger, &task).await?;
        }
    }
    Ok(())
}

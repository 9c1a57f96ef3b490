//! Runs one task: fetches its inputs, lets the stage work on a thread that may compute, commits what it made.
use crate::blobs::{self, BlobSink};
use crate::failure::TaskFailure;
use crate::inputs;
use crate::locate::{Located, locate};
use crate::records::LedgerRecords;
use crate::worker::Shared;
use bytes::Bytes;
use framefleet_bus::{Message, Subject};
use framefleet_ledger::CommitFile;
use framefleet_media::{AnnotationBlock, FrameFailure, FrameRange, FrameSkip, Item, Outcomes};
use framefleet_proto::v1::{
    Done, Entry, Event, FinishWork, Indexed, IngestWork, PartKind, Pixels, ProcessWork, StepManifest, Task,
    event::What, task::Work,
};
use framefleet_stage::{Artifact, AudioSource, Batch, IngestRequest, Job, LoadedStage, Made, Outputs, SourceStage};
use prost::Message as _;
use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tempfile::TempDir;
use tokio::runtime::Handle;

/// Runs a task to its end and tells what came of it. `None` when the task tells its own events (index).
pub(crate) async fn execute(shared: &Arc<Shared>, task: &Task) -> Result<Option<Done>, TaskFailure> {
    let began = Instant::now();
    let mut done = match task.work.as_ref().ok_or_else(|| TaskFailure::malformed("work"))? {
        Work::Index(work) => return index(shared, task, work.batch_frames).await.map(|()| None),
        Work::Ingest(work) => ingest(shared, task, work).await?,
        Work::Process(work) => process(shared, task, work).await?,
        Work::Finish(work) => finish(shared, task, work).await?,
    };
    done.total_seconds = began.elapsed().as_secs_f64();
    Ok(Some(done))
}

/// Finds the batches of an item, telling them as they are found. What an unchanged file gave before is read from the output.
async fn index(shared: &Arc<Shared>, task: &Task, batch_frames: u32) -> Result<(), TaskFailure> {
    let item = item_of(task)?;
    let cache = index_cache_name(&item, task);
    if let Some(bytes) = shared.ledger.read_cache(&cache).await?
        && let Ok(indexed) = Indexed::decode(bytes)
    {
        return shared.tell(task, What::Indexed(indexed)).await;
    }
    let (found, mut batches) = tokio::sync::mpsc::unbounded_channel();
    let source = Arc::clone(&shared.source);
    let indexing = {
        let item = item.clone();
        compute(shared, move || {
            source.index(&item, u64::from(batch_frames), &mut |batches| found.send(batches).is_ok())
        })
    };
    let mut all = Indexed::default();
    let telling = async {
        while let Some(some) = batches.recv().await {
            let from = all.batches.len() as u64;
            all.batches.extend(some.iter().cloned());
            shared.tell(task, What::Indexed(Indexed { batches: some, from, ..Indexed::default() })).await?;
        }
        Ok::<(), TaskFailure>(())
    };
    let (indexed, told) = tokio::join!(indexing, telling);
    told?;
    let (item, damage) = indexed.0??;
    all.complete = true;
    all.item = Some(item);
    all.damage = damage.unwrap_or_default();
    shared.ledger.write_cache(&cache, Bytes::from(all.encode_to_vec())).await?;
    let last = Indexed { from: all.batches.len() as u64, batches: Vec::new(), ..all };
    shared.tell(task, What::Indexed(last)).await
}

/// Where an item's index is kept: a name that changes with its files (path, size, time, inode) and the ingest settings.
fn index_cache_name(item: &Item, task: &Task) -> String {
    let mut key = framefleet_ledger::KeyHasher::new("index")
        .field("settings", task.settings.as_bytes())
        .field_u64("version", u64::from(task.version));
    let location = Path::new(&item.location);
    let files = item.files.iter().map(|file| location.join(file));
    for path in std::iter::once(location.to_owned()).chain(files) {
        key = key.field("path", path.as_os_str().as_encoded_bytes());
        if let Ok(found) = std::fs::metadata(&path) {
            use std::os::unix::fs::MetadataExt as _;
            key = key.field_u64("size", found.len()).field_u64("inode", found.ino());
            key =
                key.field("time", &found.mtime().to_le_bytes()).field("nanoseconds", &found.mtime_nsec().to_le_bytes());
        }
    }
    format!("index/{}", key.finish())
}

/// Decodes a batch into blobs.
async fn ingest(shared: &Arc<Shared>, task: &Task, work: &IngestWork) -> Result<Done, TaskFailure> {
    let item = item_of(task)?;
    let range = range_of(task)?;
    let batch = work.batch.clone().ok_or_else(|| TaskFailure::malformed("a batch"))?;
    let wanted: BTreeSet<u64> = work.proxy.iter().chain(&work.full).copied().collect();
    let request = IngestRequest { batch, proxy: work.proxy.clone(), full: work.full.clone() };
    let prefix = blob_key(task);
    let sink = BlobSink::new(Arc::clone(&shared.blobs), Handle::current(), prefix);
    let source = Arc::clone(&shared.source);
    let (result, seconds) = compute(shared, move || {
        let mut sink = sink;
        let (frames, failures) = source.ingest(&item, &request, &mut sink)?;
        Ok::<_, TaskFailure>((sink.finish(&frames)?, failures))
    })
    .await;
    // A source that cannot be read at all fails every frame that was asked for: nothing is lost silently.
    let (made, failed) = match result? {
        Ok(done) => done,
        Err(failure) if failure.can_be_located() => {
            (Vec::new(), wanted.iter().map(|&frame| blame(frame, &failure)).collect())
        }
        Err(failure) => return Err(failure),
    };
    let skipped = ranges((range.start..range.end).filter(|frame| !wanted.contains(frame)), "sampling");
    let frames_done = wanted.len() as u64 - failed.len() as u64;
    let entry =
        Entry { outcomes: Some(Outcomes { failed, skipped }), frames_done, stage_seconds: seconds, ..entry_of(task) };
    let entry = shared.ledger.commit(entry, AnnotationBlock::default(), Vec::new()).await?;
    Ok(Done {
        outcomes: entry.outcomes.clone(),
        made,
        stage_seconds: seconds,
        frames_done: entry.frames_done,
        ..Done::default()
    })
}

/// Runs the process half of a step on a batch.
async fn process(shared: &Arc<Shared>, task: &Task, work: &ProcessWork) -> Result<Done, TaskFailure> {
    let decided = work.decided.clone().unwrap_or_default();
    if work.frames.is_empty() {
        return commit_process(shared, task, work, Made::default(), decided, 0.0).await;
    }
    let batch = inputs::batch(task, work, &shared.ledger, shared.blobs.as_ref()).await?;
    let scoped = inputs::scoped(&work.job_scoped, Some((batch.item(), batch.window())), &shared.ledger).await?;
    let scratch = shared.scratch()?;
    let job = Job {
        step: step_of(task),
        items: vec![batch.item().clone()],
        seed: task.seed,
        scoped,
        audio: Arc::new(SourceAudio(Arc::clone(&shared.source))),
        scratch: scratch.path().to_owned(),
    };
    let stage = shared.stage(task).await?;
    let visible: Vec<u64> = work.visible.iter().flat_map(|range| range.start..range.end).collect();
    let (result, seconds) = compute(shared, move || run_located(stage.as_ref(), &job, &batch, &visible, scratch)).await;
    let (located, scratch) = result??;
    let mut outcomes = decided;
    let inside: Vec<FrameFailure> = located.blamed.into_iter().filter(|of| work.frames.contains(&of.frame)).collect();
    outcomes.failed.extend(inside);
    let done = commit_process(shared, task, work, located.made, outcomes, seconds).await;
    drop(scratch);
    done
}

/// Runs the stage; when it fails, finds the frames that are to blame and runs it without them.
fn run_located(
    stage: &dyn LoadedStage,
    job: &Job,
    batch: &Batch,
    visible: &[u64],
    scratch: TempDir,
) -> Result<(Located, TempDir), TaskFailure> {
    let attempt = |absent: &[u64]| {
        let batch = if absent.is_empty() { batch.clone() } else { batch.without(absent) };
        let mut out = Outputs::new(scratch.path());
        guarded(|| stage.process(job, &batch, &mut out))?;
        Ok::<_, TaskFailure>(out.into_made())
    };
    let located = match attempt(&[]) {
        Ok(made) => Located { made, blamed: Vec::new() },
        Err(failure) if failure.can_be_located() => match locate(visible, failure, attempt) {
            Ok(located) => located,
            // The stage fails whatever it is shown: no frame of the batch can have a result.
            Err(failure) if failure.can_be_located() => Located {
                made: Made::default(),
                blamed: batch.frames().iter().map(|&frame| blame(frame, &failure)).collect(),
            },
            Err(failure) => return Err(failure),
        },
        Err(failure) => return Err(failure),
    };
    Ok((located, scratch))
}

/// Commits the results of a process task and puts the frames it made into a blob.
async fn commit_process(
    shared: &Arc<Shared>,
    task: &Task,
    work: &ProcessWork,
    made: Made,
    decided: Outcomes,
    seconds: f64,
) -> Result<Done, TaskFailure> {
    let mut outcomes = decided;
    outcomes.failed.extend(made.outcomes.failed);
    outcomes.skipped.extend(made.outcomes.skipped);
    outcomes.failed.sort_by_key(|failure| failure.frame);
    outcomes.skipped.sort_by_key(|skip| skip.range.map(|range| range.start));
    let without: BTreeSet<u64> = without_result(&outcomes);
    let frames_done = work.frames.iter().filter(|frame| !without.contains(frame)).count() as u64;
    let mut annotations = made.annotations;
    annotations.frames.retain(|of| work.frames.contains(&of.frame) && !without.contains(&of.frame));
    let key = format!("{}-made", blob_key(task));
    let frames: Vec<_> = made.frames.into_iter().filter(|frame| !without.contains(&frame.number)).collect();
    let pixels: Vec<Pixels> = blobs::store_made(shared.blobs.as_ref(), &key, &step_of(task), &frames).await?;
    let folder = item_folder(&item_of(task)?);
    let mut files = commit_files(made.artifacts, PartKind::Artifact, &folder);
    files.extend(commit_files(made.attachments, PartKind::Attachment, ""));
    let entry = Entry { outcomes: Some(outcomes), frames_done, stage_seconds: seconds, ..entry_of(task) };
    let entry = shared.ledger.commit(entry, annotations, files).await?;
    Ok(Done {
        outcomes: entry.outcomes.clone(),
        made: pixels,
        stage_seconds: seconds,
        frames_done: entry.frames_done,
        ..Done::default()
    })
}

/// Runs the finish half of a step.
async fn finish(shared: &Arc<Shared>, task: &Task, work: &FinishWork) -> Result<Done, TaskFailure> {
    let scratch = shared.scratch()?;
    let job = Job {
        step: step_of(task),
        items: work.items.iter().filter_map(|of| of.item.clone()).collect(),
        seed: task.seed,
        scoped: inputs::scoped(&work.job_scoped, None, &shared.ledger).await?,
        audio: Arc::new(SourceAudio(Arc::clone(&shared.source))),
        scratch: scratch.path().to_owned(),
    };
    let manifest = StepManifest {
        step: step_of(task),
        stage: task.stage.clone(),
        items: work.items.clone(),
        ..StepManifest::default()
    };
    let records = LedgerRecords { ledger: shared.ledger.clone(), manifest, handle: Handle::current() };
    let stage = shared.stage(task).await?;
    let (result, seconds) = compute(shared, move || {
        let mut out = Outputs::new(scratch.path());
        guarded(|| stage.finish(&job, &records, &mut out))?;
        Ok::<_, TaskFailure>((out.into_made(), scratch))
    })
    .await;
    let (made, scratch) = result??;
    let kinds: BTreeSet<String> = made
        .annotations
        .scoped
        .iter()
        .filter_map(|scoped| scoped.annotation.as_ref())
        .map(|annotation| framefleet_media::annotation::kind_name(annotation).to_owned())
        .collect();
    let files = commit_files(made.artifacts, PartKind::Artifact, "");
    let entry = Entry { stage_seconds: seconds, kinds: kinds.into_iter().collect(), ..entry_of(task) };
    let entry = shared.ledger.commit(entry, made.annotations, files).await?;
    drop(scratch);
    Ok(Done { stage_seconds: seconds, kinds: entry.kinds.clone(), ..Done::default() })
}

/// Runs `work` on a blocking thread when one of the runner's threads is free. Returns its result and the seconds it took.
async fn compute<T: Send + 'static>(
    shared: &Arc<Shared>,
    work: impl FnOnce() -> T + Send + 'static,
) -> (Result<T, TaskFailure>, f64) {
    let permit = Arc::clone(&shared.threads).acquire_owned().await;
    let ran = tokio::task::spawn_blocking(move || {
        let began = Instant::now();
        let value = work();
        drop(permit);
        (value, began.elapsed().as_secs_f64())
    })
    .await;
    match ran {
        Ok((value, seconds)) => (Ok(value), seconds),
        Err(error) => (Err(TaskFailure::crashed(error.to_string())), 0.0),
    }
}

/// Calls a stage; a panic is a crash of this task, not of the process.
fn guarded(call: impl FnOnce() -> Result<(), framefleet_stage::StageError>) -> Result<(), TaskFailure> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(TaskFailure::from),
        Err(payload) => Err(TaskFailure::crashed(panic_message(payload.as_ref()))),
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "the stage panicked".to_owned())
}

/// Reads audio through the source.
struct SourceAudio(Arc<dyn SourceStage>);

impl AudioSource for SourceAudio {
    fn read(
        &self,
        item: &Item,
        range_ns: std::ops::Range<i64>,
        rate: u32,
    ) -> Result<Option<framefleet_stage::Audio>, String> {
        self.0.audio(item, range_ns, rate)
    }
}

impl Shared {
    /// Sends an event about a task.
    pub(crate) async fn tell(&self, task: &Task, what: What) -> Result<(), TaskFailure> {
        let event = Event {
            job: task.job.clone(),
            id: task.id.clone(),
            key: task.key.clone(),
            attempt: task.attempt,
            worker: self.name.clone(),
            what: Some(what),
        };
        let message =
            Message { subject: Subject::events(&task.job), id: String::new(), payload: event.encode_to_vec().into() };
        self.bus.emit(message).await.map_err(|error| TaskFailure {
            kind: framefleet_proto::v1::FailureKind::Retry,
            code: "bus",
            reason: error.to_string(),
        })
    }
}

fn item_of(task: &Task) -> Result<Item, TaskFailure> {
    task.item.clone().ok_or_else(|| TaskFailure::malformed("an item"))
}

fn range_of(task: &Task) -> Result<FrameRange, TaskFailure> {
    task.id.as_ref().and_then(|id| id.range).ok_or_else(|| TaskFailure::malformed("a range"))
}

fn step_of(task: &Task) -> String {
    task.id.as_ref().map(|id| id.step.clone()).unwrap_or_default()
}

/// Blobs are named by task, attempt and a count of this process, so that no name is ever used for other pixels.
fn blob_key(task: &Task) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let id = task.id.as_ref();
    let (pass, start) = (id.map_or(0, |id| id.pass), id.and_then(|id| id.range).map_or(0, |range| range.start));
    format!("{}-p{pass}-{}-{start}-{}", task.job, step_of(task), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn entry_of(task: &Task) -> Entry {
    Entry {
        key: task.key.clone(),
        id: task.id.clone(),
        stage: task.stage.clone(),
        version: task.version,
        ..Entry::default()
    }
}

fn blame(frame: u64, failure: &TaskFailure) -> FrameFailure {
    FrameFailure { frame, code: failure.code.to_owned(), reason: failure.reason.clone() }
}

/// Frames that outcomes leave without a result.
fn without_result(outcomes: &Outcomes) -> BTreeSet<u64> {
    let skipped = outcomes.skipped.iter().filter_map(|skip| skip.range).flat_map(|range| range.start..range.end);
    outcomes.failed.iter().map(|failure| failure.frame).chain(skipped).collect()
}

/// Consecutive frames together, as skipped by a rule.
fn ranges(frames: impl Iterator<Item = u64>, rule: &str) -> Vec<FrameSkip> {
    let mut skips: Vec<FrameSkip> = Vec::new();
    for frame in frames {
        match skips.last_mut().and_then(|skip| skip.range.as_mut()) {
            Some(range) if range.end == frame => range.end += 1,
            _ => skips
                .push(FrameSkip { range: Some(FrameRange { start: frame, end: frame + 1 }), rule: rule.to_owned() }),
        }
    }
    skips
}

/// The folder of an item below a step's artifacts: its name without extension.
fn item_folder(item: &Item) -> String {
    let path = Path::new(&item.name).with_extension("");
    format!("{}/", path.to_string_lossy())
}

fn commit_files(artifacts: Vec<Artifact>, kind: PartKind, folder: &str) -> Vec<CommitFile> {
    artifacts
        .into_iter()
        .map(|artifact| CommitFile {
            kind,
            name: format!("{folder}{}", artifact.name()),
            path: artifact.path().to_owned(),
        })
        .collect()
}

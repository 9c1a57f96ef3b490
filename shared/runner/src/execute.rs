//! Runs one task: fetches its inputs, lets the stage work on a thread that may compute, commits what it made.
use crate::blobs::BlobSink;
use crate::failure::TaskFailure;
use crate::inputs;
use crate::locate::{Located, locate};
use crate::made::{BlobPlace, MadeSink};
use crate::records::LedgerRecords;
use crate::spent::Spent;
use crate::task_index;
use crate::trial::TrialProcess;
use crate::worker::Shared;
use framefleet_bus::{Message, Subject};
use framefleet_ledger::{CommitFile, KeyHasher, Ledger, TaskKey};
use framefleet_media::{AnnotationBlock, FrameFailure, FrameRange, FrameSkip, Item, MadeFrames, Outcomes, naming};
use framefleet_proto::v1::{
    Done, Entry, Event, FinishWork, IngestWork, PartKind, ProcessWork, StepManifest, Task, event::What, task::Work,
};
use framefleet_stage::{
    Artifact, Audio, AudioSource, Batch, HeapSink, IndexRequest, IngestRequest, Job, LoadedStage, Made, Outputs,
};
use prost::Message as _;
use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;
use tempfile::TempDir;
use tokio::runtime::Handle;

/// Processes that may end in the middle of a task before it is given up, although trials survived it.
const ENDS: u32 = 10;

/// Runs a task to its end and tells what came of it. `None` when the task tells its own events (index).
///
/// Where tasks can be tried, a mark says that it is under way: one that is found here was left by a process that ended
/// meanwhile, and whether the task did that is tried before it is run.
pub(crate) async fn execute(shared: &Arc<Shared>, task: &Task) -> Result<Option<Done>, TaskFailure> {
    let ledger = shared.ledgers.get(&task.output, task.epoch).await?;
    match execute_marked(shared, &ledger, task).await {
        // What a task was to read may be gone because another owner has the output by now.
        Err(failure) if failure.is_final() => {
            ledger.check_current().await?;
            Err(failure)
        }
        result => result,
    }
}

async fn execute_marked(shared: &Arc<Shared>, ledger: &Ledger, task: &Task) -> Result<Option<Done>, TaskFailure> {
    let Some(trial) = &shared.trial else { return run(shared, ledger, task, None).await };
    let mark = mark_name(task);
    let result = match ledger.mark(&mark).await? {
        0 => run(shared, ledger, task, None).await,
        1..ENDS => run(shared, ledger, task, Some(trial.clone())).await,
        ENDS.. => Err(TaskFailure::crashed(format!("{ENDS} processes ended while they ran it"))),
    };
    ledger.unmark(&mark).await?;
    result
}

/// What a task's mark is called.
fn mark_name(task: &Task) -> TaskKey {
    let id = task.id.clone().unwrap_or_default();
    KeyHasher::new("mark").field("task", &id.encode_to_vec()).field("key", &task.key).finish()
}

/// Runs a task, tried before if there is a way to.
async fn run(
    shared: &Arc<Shared>,
    ledger: &Ledger,
    task: &Task,
    trial: Option<TrialProcess>,
) -> Result<Option<Done>, TaskFailure> {
    let began = Instant::now();
    let work = task.work.as_ref().ok_or_else(|| TaskFailure::malformed("work"))?;
    if let (Some(trial), false) = (&trial, matches!(work, Work::Process(_))) {
        let (trial, task) = (trial.clone(), task.clone());
        compute(shared, move || trial.survives(&task, &[])).await.0??;
    }
    let mut done = match work {
        Work::Index(work) => return task_index::index(shared, ledger, task, work).await.map(|()| None),
        Work::Ingest(work) => ingest(shared, ledger, task, work).await?,
        Work::Process(work) => process(shared, ledger, task, work, trial).await?,
        Work::Finish(work) => finish(shared, ledger, task, work).await?,
    };
    done.total_seconds = began.elapsed().as_secs_f64();
    Ok(Some(done))
}

/// Decodes a batch into blobs.
async fn ingest(shared: &Arc<Shared>, ledger: &Ledger, task: &Task, work: &IngestWork) -> Result<Done, TaskFailure> {
    let item = inputs::item(task, ledger).await?;
    let range = range_of(task)?;
    let wanted: BTreeSet<u64> = work.proxy.iter().chain(&work.full).copied().collect();
    let request = ingest_request(work)?;
    let prefix = blob_key(shared, task);
    let sink = BlobSink::new(Arc::clone(&shared.blobs), Handle::current(), prefix);
    let source = shared.source(task).await?;
    let (result, spent) = compute(shared, move || {
        let mut sink = sink;
        let ingested = source.ingest(&item, &request, &mut sink);
        if let Some(failure) = sink.take_failure() {
            return Err(failure);
        }
        let (frames, failures) = ingested?;
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
    let entry = Entry {
        outcomes: Some(Outcomes { failed, skipped }),
        frames_done,
        stage_seconds: spent.wall,
        ..entry_of(task)
    };
    let entry = ledger.commit(entry, AnnotationBlock::default(), Vec::new()).await?;
    Ok(Done { made, ..done(&entry, spent) })
}

/// Runs the process half of a step on a batch.
async fn process(
    shared: &Arc<Shared>,
    ledger: &Ledger,
    task: &Task,
    work: &ProcessWork,
    trial: Option<TrialProcess>,
) -> Result<Done, TaskFailure> {
    let decided = work.decided.clone().unwrap_or_default();
    if work.frames.is_empty() {
        return commit_process(ledger, task, work, Attempt::default(), decided, Spent::default()).await;
    }
    let call = ProcessCall::prepare(shared, ledger, task, work).await?;
    let trial = trial.map(|trial| (trial, task.clone()));
    let (result, spent) = compute(shared, move || {
        let located = call.run_located(|absent| match &trial {
            Some((trial, task)) => trial.survives(task, absent),
            None => Ok(()),
        })?;
        Ok::<_, TaskFailure>((located, call.scratch))
    })
    .await;
    let (located, scratch) = result??;
    let mut outcomes = decided;
    let inside: Vec<FrameFailure> = located.blamed.into_iter().filter(|of| work.frames.contains(&of.frame)).collect();
    outcomes.failed.extend(inside);
    let done = commit_process(ledger, task, work, located.made, outcomes, spent).await;
    drop(scratch);
    done
}

/// Runs the stage's part of a task with some frames absent, and forgets what it makes.
pub(crate) async fn rehearse(shared: &Arc<Shared>, task: &Task, absent: &[u64]) -> Result<(), TaskFailure> {
    let ledger = shared.ledgers.get(&task.output, task.epoch).await?;
    match task.work.as_ref().ok_or_else(|| TaskFailure::malformed("work"))? {
        Work::Process(work) => {
            let call = ProcessCall::prepare(shared, &ledger, task, work).await?;
            let absent = absent.to_vec();
            compute(shared, move || call.run(&absent, Outputs::new(call.scratch.path())).map(drop)).await.0?
        }
        Work::Index(work) => {
            let (source, item) = (shared.source(task).await?, inputs::item(task, &ledger).await?);
            let request = IndexRequest::fresh(u64::from(work.batch_frames));
            compute(shared, move || source.index(&item, request, &mut |_| true).map(drop))
                .await
                .0?
                .map_err(TaskFailure::from)
        }
        Work::Ingest(work) => {
            let (source, item) = (shared.source(task).await?, inputs::item(task, &ledger).await?);
            let request = ingest_request(work)?;
            let decode = move || source.ingest(&item, &request, &mut HeapSink::default()).map(drop);
            compute(shared, decode).await.0?.map_err(TaskFailure::from)
        }
        Work::Finish(work) => {
            let call = FinishCall::prepare(shared, &ledger, task, work).await?;
            compute(shared, move || call.run().map(drop)).await.0?
        }
    }
}

/// A call of a stage's `process` with everything it looks at.
struct ProcessCall {
    stage: Arc<dyn LoadedStage>,
    job: Job,
    batch: Batch,
    /// Frames of the window that the stage looks at, ascending.
    visible: Vec<u64>,
    scratch: TempDir,
    /// What the step makes of full frames, and where that goes.
    rule: Option<MadeFrames>,
    blob: BlobPlace,
}

/// What a stage made in a run of its process half.
#[derive(Default)]
struct Attempt {
    made: Made,
    /// The frames, on their way into a blob.
    frames: Option<MadeSink>,
}

impl ProcessCall {
    async fn prepare(
        shared: &Arc<Shared>,
        ledger: &Ledger,
        task: &Task,
        work: &ProcessWork,
    ) -> Result<Self, TaskFailure> {
        let batch = inputs::batch(task, work, ledger, shared.blobs.as_ref()).await?;
        let scoped = inputs::scoped(&work.job_scoped, Some((batch.item(), batch.window())), ledger).await?;
        let scratch = shared.scratch()?;
        let job = Job {
            step: step_of(task),
            items: vec![batch.item().clone()],
            seed: task.seed,
            scoped,
            edits: Vec::new(),
            makers: task.makers.clone(),
            audio: Arc::new(Sound { listens: work.sound }),
            scratch: scratch.path().to_owned(),
        };
        let blob = BlobPlace {
            blobs: Arc::clone(&shared.blobs),
            handle: Handle::current(),
            key: format!("{}-made", blob_key(shared, task)),
        };
        let visible = work.visible.iter().flat_map(|range| range.start..range.end).collect();
        let stage = shared.stage(ledger, task).await?;
        Ok(Self { stage, job, batch, visible, scratch, rule: work.made.clone(), blob })
    }

    /// Runs the stage with some frames absent.
    fn run(&self, absent: &[u64], mut out: Outputs<'_>) -> Result<Made, TaskFailure> {
        let batch = if absent.is_empty() { self.batch.clone() } else { self.batch.without(absent) };
        guarded(|| self.stage.process(&self.job, &batch, &mut out))?;
        Ok(out.into_made())
    }

    /// Runs the stage with some frames absent; the frames it makes are checked and stored as they come.
    fn attempt(&self, absent: &[u64]) -> Result<Attempt, TaskFailure> {
        let mut frames = MadeSink::new(self.rule.as_ref(), &self.job, &self.batch, self.blob.clone());
        let mut made = self.run(absent, Outputs::with_frames_into(&mut frames, self.scratch.path()))?;
        made.outcomes.failed.extend(frames.close()?);
        Ok(Attempt { made, frames: Some(frames) })
    }

    /// Runs the stage; when it fails, finds the frames that are to blame and runs it without them. `check` is asked before
    /// every run.
    fn run_located(&self, check: impl Fn(&[u64]) -> Result<(), TaskFailure>) -> Result<Located<Attempt>, TaskFailure> {
        let attempt = |absent: &[u64]| {
            check(absent)?;
            self.attempt(absent)
        };
        let failure = match attempt(&[]) {
            Ok(made) => return Ok(Located { made, blamed: Vec::new() }),
            Err(failure) if failure.can_be_located() => failure,
            Err(failure) => return Err(failure),
        };
        match locate(&self.visible, failure, attempt) {
            // The stage fails whatever it is shown: no frame of the batch can have a result.
            Err(failure) if failure.can_be_located() => Ok(Located {
                made: Attempt::default(),
                blamed: self.batch.frames().iter().map(|&frame| blame(frame, &failure)).collect(),
            }),
            located => located,
        }
    }
}

/// Commits the results of a process task, and makes readable the frames it made.
async fn commit_process(
    ledger: &Ledger,
    task: &Task,
    work: &ProcessWork,
    Attempt { made, frames }: Attempt,
    decided: Outcomes,
    spent: Spent,
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
    let pixels = frames.map_or_else(|| Ok(Vec::new()), |frames| frames.finish(&without))?;
    let folder = item_folder(task.item.as_ref().ok_or_else(|| TaskFailure::malformed("an item"))?);
    let mut files = commit_files(made.artifacts, PartKind::Artifact, &folder);
    files.extend(commit_files(made.attachments, PartKind::Attachment, ""));
    let entry = Entry { outcomes: Some(outcomes), frames_done, stage_seconds: spent.wall, ..entry_of(task) };
    let entry = ledger.commit(entry, annotations, files).await?;
    Ok(Done { made: pixels, ..done(&entry, spent) })
}

/// Runs the finish half of a step.
async fn finish(shared: &Arc<Shared>, ledger: &Ledger, task: &Task, work: &FinishWork) -> Result<Done, TaskFailure> {
    let call = FinishCall::prepare(shared, ledger, task, work).await?;
    let (result, spent) = compute(shared, move || Ok::<_, TaskFailure>((call.run()?, call.scratch))).await;
    let (made, scratch) = result??;
    let kinds: BTreeSet<String> = made
        .annotations
        .scoped
        .iter()
        .filter_map(|scoped| scoped.annotation.as_ref())
        .map(|annotation| framefleet_media::annotation::kind_name(annotation).to_owned())
        .collect();
    let files = commit_files(made.artifacts, PartKind::Artifact, "");
    let entry = Entry { stage_seconds: spent.wall, kinds: kinds.into_iter().collect(), ..entry_of(task) };
    let entry = ledger.commit(entry, made.annotations, files).await?;
    drop(scratch);
    Ok(Done { kinds: entry.kinds.clone(), ..spent.done() })
}

/// A call of a stage's `finish` with everything it reads.
struct FinishCall {
    stage: Arc<dyn LoadedStage>,
    job: Job,
    records: LedgerRecords,
    scratch: TempDir,
}

impl FinishCall {
    async fn prepare(
        shared: &Arc<Shared>,
        ledger: &Ledger,
        task: &Task,
        work: &FinishWork,
    ) -> Result<Self, TaskFailure> {
        let scratch = shared.scratch()?;
        let head = StepManifest {
            step: step_of(task),
            stage: task.stage.clone(),
            items: work.items.clone(),
            tasks: work.tasks.clone(),
            ..StepManifest::default()
        };
        let manifest = ledger.open_manifest(head).await?;
        let job = Job {
            step: step_of(task),
            items: manifest.items().cloned().collect(),
            seed: task.seed,
            scoped: inputs::scoped(&work.job_scoped, None, ledger).await?,
            edits: inputs::edits(work, ledger).await?,
            makers: task.makers.clone(),
            audio: Arc::new(Sound { listens: work.sound }),
            scratch: scratch.path().to_owned(),
        };
        let records = LedgerRecords { ledger: ledger.clone(), manifest, handle: Handle::current() };
        Ok(Self { stage: shared.stage(ledger, task).await?, job, records, scratch })
    }

    fn run(&self) -> Result<Made, TaskFailure> {
        let mut out = Outputs::new(self.scratch.path());
        guarded(|| self.stage.finish(&self.job, &self.records, &mut out))?;
        Ok(out.into_made())
    }
}

/// Runs `work` on a blocking thread when one of the runner's threads is free. Returns its result and what it took.
pub(crate) async fn compute<T: Send + 'static>(
    shared: &Arc<Shared>,
    work: impl FnOnce() -> T + Send + 'static,
) -> (Result<T, TaskFailure>, Spent) {
    let Ok(permit) = Arc::clone(&shared.threads).acquire_owned().await else {
        return (Err(TaskFailure::draining()), Spent::default());
    };
    let lender = Arc::clone(&shared.lender);
    let ran = tokio::task::spawn_blocking(move || {
        let measured = Spent::measure(lender.as_ref(), work);
        drop(permit);
        measured
    })
    .await;
    match ran {
        Ok((value, spent)) => (Ok(value), spent),
        Err(error) => (Err(TaskFailure::crashed(error.to_string())), Spent::default()),
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

/// Reads audio from the item's file, for tasks that have it in their key.
struct Sound {
    listens: bool,
}

impl AudioSource for Sound {
    fn read(&self, item: &Item, range_ns: std::ops::Range<i64>, rate: u32) -> Result<Option<Audio>, String> {
        if !self.listens {
            return Err("sound is for those who ask for it: HalfNeeds::beside.sound".to_owned());
        }
        let samples = framefleet_media::audio::audio(item, range_ns, rate).map_err(|error| error.to_string())?;
        Ok(samples.map(|samples| Audio { rate, samples }))
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
        Ok(self.bus.emit(message).await?)
    }
}

fn ingest_request(work: &IngestWork) -> Result<IngestRequest, TaskFailure> {
    let batch = work.batch.clone().ok_or_else(|| TaskFailure::malformed("a batch"))?;
    Ok(IngestRequest { batch, proxy: work.proxy.clone(), full: work.full.clone() })
}

fn range_of(task: &Task) -> Result<FrameRange, TaskFailure> {
    task.id.as_ref().and_then(|id| id.range).ok_or_else(|| TaskFailure::malformed("a range"))
}

fn step_of(task: &Task) -> String {
    task.id.as_ref().map(|id| id.step.clone()).unwrap_or_default()
}

/// Blobs are named by job, owner and task, and by worker and a count of its own, so that no name is ever used for other
/// pixels; what a job leaves behind is found by the beginning of the name.
fn blob_key(shared: &Shared, task: &Task) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let id = task.id.as_ref();
    let (pass, start) = (id.map_or(0, |id| id.pass), id.and_then(|id| id.range).map_or(0, |range| range.start));
    let (job, epoch, step, worker) = (&task.job, task.epoch, step_of(task), &shared.name);
    format!("{job}.{epoch}.{pass}.{step}.{start}.{worker}.{}", COUNT.fetch_add(1, Ordering::Relaxed))
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

/// What is told of a task: what came of its frames is in its entry.
fn done(entry: &Entry, spent: Spent) -> Done {
    let outcomes = entry.outcomes.iter();
    let skipped = outcomes.clone().flat_map(|outcomes| &outcomes.skipped).filter_map(|skip| skip.range);
    Done {
        frames_done: entry.frames_done,
        frames_failed: outcomes.map(|outcomes| outcomes.failed.len() as u64).sum(),
        frames_skipped: skipped.map(|range| range.end.saturating_sub(range.start)).sum(),
        ..spent.done()
    }
}

fn blame(frame: u64, failure: &TaskFailure) -> FrameFailure {
    FrameFailure { frame, code: failure.code.to_owned(), reason: failure.reason.clone() }
}

/// Frames that outcomes leave without a result.
pub(crate) fn without_result(outcomes: &Outcomes) -> BTreeSet<u64> {
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

/// The folder of an item below a step's artifacts, as far as the item alone says it: for what belongs to no frame.
fn item_folder(item: &Item) -> String {
    naming::item_folders([item]).into_values().next().unwrap_or_default()
}

/// Files to commit. Those of a frame get their folder with their name, when results are published.
fn commit_files(artifacts: Vec<Artifact>, kind: PartKind, folder: &str) -> Vec<CommitFile> {
    let name = |artifact: &Artifact| match artifact.frame() {
        Some(_) => artifact.name().to_owned(),
        None => naming::below(folder, artifact.name()),
    };
    let file = |artifact: Artifact| CommitFile {
        kind,
        name: name(&artifact),
        frame: artifact.frame(),
        path: artifact.path().to_owned(),
    };
    artifacts.into_iter().map(file).collect()
}

//! Tasks, one file per kind: what a task of that kind reads, what its stage does, and what is committed.
mod commit;
mod finish;
mod index;
mod ingest;
mod process;

use crate::context::Context;
use crate::failure::TaskFailure;
use crate::inputs;
use crate::isolation::IsolatedProcess;
use crate::usage::Usage;
use framefleet_frames::{FrameRange, Item};
use framefleet_ledger::{KeyHasher, Ledger, TaskKey};
use framefleet_proto::v1::{Done, Task, event::Kind as EventKind, task::Work};
use framefleet_stage::{LoadedStage, SourceStage};
use prost::Message as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Processes that may end in the middle of a task before it is given up, although dry runs survived it.
const MAX_CRASHES: u32 = 10;

/// A task of one kind, with everything that it reads.
trait TaskCall: Sized + Send + 'static {
    /// What its message says.
    type Work;
    /// What its stage makes.
    type Output: Send;

    /// Fetches what the stage reads.
    async fn prepare(task: &TaskContext<'_>, work: &Self::Work) -> Result<Self, TaskFailure>;

    /// How long its stage took to load, with its models; 0 when it was loaded.
    fn loading(&self) -> Duration {
        Duration::ZERO
    }

    /// Lets the stage work once, with some frames of the window absent. Nothing is committed or reported. Blocks.
    fn run(&self, absent: &[u64]) -> Result<Self::Output, TaskFailure>;

    /// Runs on one of the runner's threads and commits what came of it. `None` when all of that is reported already.
    async fn complete(self, task: &TaskContext<'_>, work: &Self::Work) -> Result<Option<Done>, TaskFailure>;
}

/// What is to become of a run.
#[derive(Clone, Copy)]
enum Mode<'a> {
    /// It is committed.
    Commit,
    /// It is forgotten; these frames are absent.
    DryRun(&'a [u64]),
}

/// Runs a task to its end. `None` when the task reports its own events (index).
///
/// Where tasks can run in a process of their own, an in-flight marker says that one runs: a marker that is found here was left
/// by a process that ended meanwhile, and whether the task did that is found out before it runs here.
pub(crate) async fn execute(context: &Arc<Context>, task: &Task) -> Result<Option<Done>, TaskFailure> {
    let task = TaskContext::new(context, task).await?;
    match execute_marked(&task).await {
        // What a task was to read may be gone because another owner has the output by now.
        Err(failure) if failure.is_final() => {
            task.ledger.check_current().await?;
            Err(failure)
        }
        result => result,
    }
}

/// Runs the stage's part of a task with some frames absent, and forgets what it makes.
pub(crate) async fn dry_run(context: &Arc<Context>, task: &Task, absent: &[u64]) -> Result<(), TaskFailure> {
    let task = TaskContext::new(context, task).await?;
    perform(&task, Mode::DryRun(absent)).await.map(drop)
}

async fn execute_marked(task: &TaskContext<'_>) -> Result<Option<Done>, TaskFailure> {
    let Some(isolation) = task.context.isolation() else { return perform(task, Mode::Commit).await };
    let marker = in_flight_marker(task.task);
    let result = match task.ledger.mark(&marker).await? {
        0 => perform(task, Mode::Commit).await,
        1..MAX_CRASHES => perform_quarantined(task, isolation).await,
        MAX_CRASHES.. => Err(TaskFailure::crashed(format!("{MAX_CRASHES} processes ended while they ran it"))),
    };
    task.ledger.unmark(&marker).await?;
    result
}

/// What a task's in-flight marker is called.
fn in_flight_marker(task: &Task) -> TaskKey {
    let id = task.id.clone().unwrap_or_default();
    KeyHasher::new("mark").field("task", &id.encode_to_vec()).field("key", &task.key).finish()
}

/// Runs a task after a dry run in a process of its own: before every attempt of a process task, which finds the frames to blame;
/// once before all of any other.
async fn perform_quarantined(task: &TaskContext<'_>, isolation: &IsolatedProcess) -> Result<Option<Done>, TaskFailure> {
    if !matches!(task.work()?, Work::Process(_)) {
        let (isolation, task_message) = (isolation.clone(), task.task.clone());
        task.compute(move || isolation.dry_run(&task_message, &[])).await.0??;
    }
    perform(&TaskContext { quarantine: Some(isolation.clone()), ledger: task.ledger.clone(), ..*task }, Mode::Commit)
        .await
}

/// The one place that knows the kinds of tasks.
async fn perform(task: &TaskContext<'_>, mode: Mode<'_>) -> Result<Option<Done>, TaskFailure> {
    match task.work()? {
        Work::Index(work) => perform_call::<index::IndexCall>(task, work, mode).await,
        Work::Ingest(work) => perform_call::<ingest::IngestCall>(task, work, mode).await,
        Work::Process(work) if work.frames.is_empty() => perform_call::<process::EmptyCall>(task, work, mode).await,
        Work::Process(work) => perform_call::<process::ProcessCall>(task, work, mode).await,
        Work::Finish(work) => perform_call::<finish::FinishCall>(task, work, mode).await,
    }
}

async fn perform_call<C: TaskCall>(
    task: &TaskContext<'_>,
    work: &C::Work,
    mode: Mode<'_>,
) -> Result<Option<Done>, TaskFailure> {
    let began = Instant::now();
    let call = C::prepare(task, work).await?;
    let (prepared, loading) = (began.elapsed(), call.loading());
    match mode {
        Mode::Commit => {
            let done = call.complete(task, work).await?;
            Ok(done.map(|done| timed(done, prepared, loading, began.elapsed())))
        }
        Mode::DryRun(absent) => {
            let absent = absent.to_vec();
            task.compute(move || call.run(&absent).map(drop)).await.0?.map(|()| None)
        }
    }
}

/// What is reported of a task, with what went by around its own work: nothing else takes time between that and its end but the commit.
fn timed(done: Done, prepared: Duration, loading: Duration, whole: Duration) -> Done {
    let completing = (whole - prepared).as_secs_f64();
    Done {
        total_seconds: whole.as_secs_f64(),
        fetch_seconds: prepared.saturating_sub(loading).as_secs_f64(),
        load_seconds: loading.as_secs_f64(),
        commit_seconds: (completing - done.thread_seconds - done.stage_seconds).max(0.0),
        ..done
    }
}

/// A task with the runner that has it and the ledger of its output.
struct TaskContext<'a> {
    context: &'a Arc<Context>,
    ledger: Ledger,
    task: &'a Task,
    /// Set when the task may have killed a process: attempts are made there first.
    quarantine: Option<IsolatedProcess>,
}

impl<'a> TaskContext<'a> {
    async fn new(context: &'a Arc<Context>, task: &'a Task) -> Result<Self, TaskFailure> {
        Ok(Self { context, ledger: context.ledger(task).await?, task, quarantine: None })
    }

    fn work(&self) -> Result<&'a Work, TaskFailure> {
        self.task.work.as_ref().ok_or_else(|| TaskFailure::malformed("work"))
    }

    fn range(&self) -> Result<FrameRange, TaskFailure> {
        self.task.id.as_ref().and_then(|id| id.range).ok_or_else(|| TaskFailure::malformed("a range"))
    }

    fn step(&self) -> String {
        self.task.id.as_ref().map(|id| id.step.clone()).unwrap_or_default()
    }

    async fn item(&self) -> Result<Item, TaskFailure> {
        inputs::item(self.task, &self.ledger).await
    }

    /// The task's stage, and how long it took to load.
    async fn stage(&self) -> Result<(Arc<dyn LoadedStage>, Duration), TaskFailure> {
        let began = Instant::now();
        let stage = self.context.stages().stage(&self.ledger, self.task).await?;
        Ok((stage, began.elapsed()))
    }

    fn source(&self) -> Result<Arc<dyn SourceStage>, TaskFailure> {
        self.context.stages().source(self.task)
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> (Result<T, TaskFailure>, Usage) {
        self.context.cores().compute(work).await
    }

    async fn report(&self, kind: EventKind) -> Result<(), TaskFailure> {
        self.context.report(self.task, kind).await
    }
}

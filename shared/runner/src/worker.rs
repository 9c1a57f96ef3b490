//! Leases tasks and runs them, as many at a time as there is room for.
use crate::blobs;
use crate::execute::{execute, rehearse};
use crate::failure::TaskFailure;
use crate::files;
use crate::keepalive::{Keepalive, Kept};
use crate::lender::Lender;
use crate::trial::TrialProcess;
use framefleet_bus::{Blobs, Bus, BusError, Inbox, Lease, Subject};
use framefleet_ledger::{Ledger, Ledgers};
use framefleet_proto::v1::{Done, FailureKind, Task, TaskModel, TrialTask, event::What};
use framefleet_stage::{LoadedStage, OpenSource, Registry, SourceStage};
use framefleet_telemetry::metric::{self, FrameOutcome, TaskResult};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use prost::Message as _;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::sync::{Mutex, OnceCell, Semaphore, watch};
use tokio::task::JoinSet;
use tracing::Instrument as _;

/// Tasks leased ahead of the threads, so that inputs are fetched while the threads compute.
const AHEAD: usize = 2;

/// Settings of the source stage that are kept open.
const SOURCES: usize = 4;

/// Stages with their settings that are kept loaded: a worker lives long, and every job may have settings of its own.
const LOADED: usize = 64;

/// Wait before a bus that failed is asked again.
const BUS_PAUSE: Duration = Duration::from_secs(1);

/// How a runner works.
pub struct RunnerOptions {
    /// Its name in events.
    pub name: String,
    /// Stages to serve, the ones whose tasks go first in front.
    pub stages: Vec<String>,
    /// Execution classes to serve: the processor's and, where there is a card, the card's.
    pub classes: Vec<String>,
    /// Threads that may compute at a time.
    pub threads: usize,
    /// An existing folder for temporary files.
    pub scratch: PathBuf,
    /// How tasks that lost their worker are tried first; `None` runs them like any other.
    pub trial: Option<TrialProcess>,
}

/// What a runner works with, shared by all of its tasks.
pub struct RunnerParts {
    /// Carries tasks and events.
    pub bus: Arc<dyn Bus>,
    /// Holds volatile frames.
    pub blobs: Arc<dyn Blobs>,
    /// The outputs' ledgers.
    pub ledgers: Ledgers,
    /// The stages it can run.
    pub registry: Registry,
    /// Opens the source stage for index and ingest tasks.
    pub open_source: OpenSource,
    /// Devices and caches of this process.
    pub lender: Arc<dyn Lender>,
}

/// Serves stages over a bus.
pub struct Runner {
    shared: Arc<Shared>,
    options: RunnerOptions,
}

/// What makes two tasks those of one loaded stage: the stage, its settings as a task has them (files by digest), its networks.
type StageWithSettings = (String, String, Vec<TaskModel>);

/// A stage that one task loads while the others of its kind wait.
type Loading = Arc<OnceCell<Arc<dyn LoadedStage>>>;

/// What all tasks of a runner share.
pub(crate) struct Shared {
    pub name: String,
    pub bus: Arc<dyn Bus>,
    pub blobs: Arc<dyn Blobs>,
    pub ledgers: Ledgers,
    /// Closed when the runner drains: what has not begun to compute by then is handed back.
    pub threads: Arc<Semaphore>,
    pub trial: Option<TrialProcess>,
    registry: Registry,
    pub lender: Arc<dyn Lender>,
    scratch: PathBuf,
    /// The one used last at the end.
    loaded: Mutex<Vec<(StageWithSettings, Loading)>>,
    open_source: OpenSource,
    /// By settings, the one used last at the end: each keeps decoders open.
    sources: Mutex<Vec<(String, Arc<dyn SourceStage>)>>,
}

impl Runner {
    /// A runner for these stages.
    pub fn new(parts: RunnerParts, options: RunnerOptions) -> Self {
        let shared = Arc::new(Shared {
            name: options.name.clone(),
            bus: parts.bus,
            blobs: parts.blobs,
            ledgers: parts.ledgers,
            threads: Arc::new(Semaphore::new(options.threads)),
            trial: options.trial.clone(),
            registry: parts.registry,
            lender: parts.lender,
            scratch: options.scratch.clone(),
            loaded: Mutex::new(Vec::new()),
            open_source: parts.open_source,
            sources: Mutex::new(Vec::new()),
        });
        Self { shared, options }
    }

    /// Runs the stage of a task on its inputs and forgets what it makes: in a process that may die of it.
    pub async fn try_task(&self, trial: &TrialTask) {
        let Some(task) = &trial.task else { return };
        if let Err(failure) = rehearse(&self.shared, task, &trial.absent).await {
            tracing::info!(reason = failure.reason, "the task failed and did no more harm");
        }
    }

    /// Serves until `stop` turns true. Then tasks that compute come to their end, and those that wait are handed back. A bus
    /// that fails is asked again until it answers.
    ///
    /// Every inbox is asked all the time, and a task that comes while there is no room is kept until there is: to take back
    /// the question would hand tasks to and fro between workers that are all busy.
    pub async fn run(self, mut stop: watch::Receiver<bool>) -> Result<(), BusError> {
        let keepalive = Keepalive::start().map_err(|error| BusError::Unreachable(error.to_string()))?;
        let room = self.options.threads + AHEAD;
        let mut tasks = JoinSet::new();
        let mut waiting: FuturesUnordered<_> = self.inboxes().await?.into_iter().enumerate().map(next_lease).collect();
        // By inbox, those whose tasks go first in front.
        let mut held: BTreeMap<usize, Held> = BTreeMap::new();
        while !*stop.borrow() {
            while tasks.len() < room
                && let Some((number, Held { inbox, kept, lease })) = held.pop_first()
            {
                let shared = Arc::clone(&self.shared);
                tasks.spawn(async move { serve(&shared, kept, lease).await });
                waiting.push(next_lease((number, inbox)));
            }
            tokio::select! {
                _ = stop.changed() => {}
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
                Some((number, inbox, lease)) = waiting.next() => match lease {
                    Ok(lease) => {
                        let kept = keepalive.keep(lease.extender());
                        held.insert(number, Held { inbox, kept, lease });
                    }
                    Err(BusError::Closed) => return Err(BusError::Closed),
                    Err(error) => {
                        tracing::warn!(%error, "no task could be taken; trying again");
                        tokio::time::sleep(BUS_PAUSE).await;
                        waiting.push(next_lease((number, inbox)));
                    }
                }
            }
        }
        drop((held, waiting));
        self.shared.threads.close();
        while tasks.join_next().await.is_some() {}
        Ok(())
    }

    async fn inboxes(&self) -> Result<Vec<Box<dyn Inbox>>, BusError> {
        let mut inboxes = Vec::new();
        for stage in &self.options.stages {
            for class in &self.options.classes {
                inboxes.push(self.shared.bus.inbox(&Subject::task(stage, class)).await?);
            }
        }
        Ok(inboxes)
    }
}

/// A task that came while there was no room.
struct Held {
    inbox: Box<dyn Inbox>,
    kept: Kept,
    lease: Box<dyn Lease>,
}

/// What an inbox was asked for, with the inbox and its number.
type Asked = (usize, Box<dyn Inbox>, Result<Box<dyn Lease>, BusError>);

/// The next task of an inbox.
fn next_lease((number, mut inbox): (usize, Box<dyn Inbox>)) -> BoxFuture<'static, Asked> {
    async move {
        let lease = inbox.lease().await;
        (number, inbox, lease)
    }
    .boxed()
}

/// Runs a leased task, tells what came of it, acknowledges it.
async fn serve(shared: &Arc<Shared>, kept: Kept, lease: Box<dyn Lease>) {
    let task = match Task::decode(lease.message().payload.clone()) {
        Ok(task) => task,
        Err(error) => {
            tracing::error!(%error, "a task could not be read; dropped");
            acknowledge(lease).await;
            return;
        }
    };
    let began = Instant::now();
    count_taken(&task, lease.attempt());
    let result = execute(shared, &task).instrument(span(&task)).await;
    count_ended(&task, &result, began.elapsed());
    metric::blob_bytes(shared.blobs.used());
    if matches!(&result, Err(failure) if failure.is_draining()) {
        return;
    }
    let told = match result {
        Ok(Some(done)) => tell_done(shared, &task, done).await,
        Ok(None) => Ok(()),
        // Whoever handed it out no longer listens.
        Err(failure) if failure.is_superseded() => Ok(()),
        Err(failure) => shared.tell(&task, What::Failed(failure.into_wire())).await,
    };
    match told {
        Ok(()) => acknowledge(lease).await,
        Err(failure) => tracing::error!(reason = failure.reason, "a result could not be told; the task is handed back"),
    }
    drop(kept);
}

/// Tells what a task made. Where no message carries that, doing the task again would only repeat it: then that is told, and the frames that
/// nobody knows of go.
async fn tell_done(shared: &Shared, task: &Task, done: Done) -> Result<(), TaskFailure> {
    let made = done.made.clone();
    match shared.tell(task, What::Done(done)).await {
        Err(failure) if failure.is_final() => {
            blobs::release(shared.blobs.as_ref(), made).await;
            shared.tell(task, What::Failed(failure.into_wire())).await
        }
        told => told,
    }
}

/// What log lines of a task carry: with the job's trace, those of all processes can be put together.
fn span(task: &Task) -> tracing::Span {
    let id = task.id.clone().unwrap_or_default();
    tracing::info_span!("task", traceparent = task.traceparent, job = task.job, step = id.step, item = id.item)
}

async fn acknowledge(lease: Box<dyn Lease>) {
    if let Err(error) = lease.ack().await {
        tracing::warn!(%error, "a task could not be acknowledged; it may be handed out again, which does no harm");
    }
}

/// Tells the metrics that a task was taken.
fn count_taken(task: &Task, attempt: u64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    metric::task_taken(&task.stage, attempt, now.saturating_sub(Duration::from_nanos(task.published_ns)));
}

/// Tells the metrics what came of a task.
fn count_ended(task: &Task, result: &Result<Option<Done>, TaskFailure>, spent: Duration) {
    let ended = match result {
        Ok(_) => TaskResult::Done,
        Err(failure) => match failure.kind {
            FailureKind::BadInput => TaskResult::BadInput,
            FailureKind::Crashed | FailureKind::Fatal => TaskResult::Crashed,
            FailureKind::Retry | FailureKind::Stale | FailureKind::Unspecified => TaskResult::Retry,
        },
    };
    metric::task_ended(&task.stage, ended, spent);
    let Ok(Some(done)) = result else { return };
    metric::stage_seconds(&task.project, &task.stage, done.stage_seconds, done.cpu_seconds);
    metric::frames(&task.stage, FrameOutcome::Result, done.frames_done);
    metric::frames(&task.stage, FrameOutcome::Failed, done.frames_failed);
    metric::frames(&task.stage, FrameOutcome::Skipped, done.frames_skipped);
}

impl Shared {
    /// The stage of a task with its settings, loaded once while it is in use.
    pub(crate) async fn stage(&self, ledger: &Ledger, task: &Task) -> Result<Arc<dyn LoadedStage>, TaskFailure> {
        let entry = self
            .registry
            .get(&task.stage)
            .map_err(|error| TaskFailure { reason: error.to_string(), ..TaskFailure::malformed("a known stage") })?;
        let known = entry.version();
        if known != task.version {
            return Err(TaskFailure::of_another_release(&task.stage, task.version, known));
        }
        let cell = {
            let mut loaded = self.loaded.lock().await;
            let is_it = |((stage, settings, models), _): &(StageWithSettings, Loading)| {
                *stage == task.stage && *settings == task.settings && *models == task.models
            };
            let found = match loaded.iter().position(is_it) {
                Some(known) => loaded.remove(known),
                None => ((task.stage.clone(), task.settings.clone(), task.models.clone()), Loading::default()),
            };
            let cell = Arc::clone(&found.1);
            loaded.push(found);
            if loaded.len() > LOADED {
                loaded.remove(0);
            }
            cell
        };
        let stage = cell.get_or_try_init(|| async {
            let settings = serde_json::from_str(&task.settings).map_err(|_| TaskFailure::malformed("settings"))?;
            let files = Arc::new(files::read(ledger, &task.named_files).await?);
            let (entry, lender, models) = (Arc::clone(entry), Arc::clone(&self.lender), task.models.clone());
            // Networks take their time to load; this thread has others to serve.
            let load = move || entry.load(&lender.host(&models)?.with(files), &settings);
            let loading = tokio::task::spawn_blocking(load);
            let loaded = loading.await.map_err(|error| TaskFailure::crashed(error.to_string()))?;
            loaded.map_err(TaskFailure::from)
        });
        stage.await.map(Arc::clone)
    }

    /// The source stage under the settings of a task.
    pub(crate) async fn source(&self, task: &Task) -> Result<Arc<dyn SourceStage>, TaskFailure> {
        let mut sources = self.sources.lock().await;
        let found = match sources.iter().position(|(settings, _)| *settings == task.settings) {
            Some(known) => sources.remove(known),
            None => {
                let settings = serde_json::from_str(&task.settings).map_err(|_| TaskFailure::malformed("settings"))?;
                (task.settings.clone(), (self.open_source)(&settings)?)
            }
        };
        let source = Arc::clone(&found.1);
        sources.push(found);
        if sources.len() > SOURCES {
            sources.remove(0);
        }
        Ok(source)
    }

    /// A folder for the files of one task.
    pub(crate) fn scratch(&self) -> Result<TempDir, TaskFailure> {
        Ok(TempDir::with_prefix_in("task-", &self.scratch)?)
    }
}

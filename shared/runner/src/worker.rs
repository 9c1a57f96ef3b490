//! Leases tasks and runs them, as many at a time as there is room for.
use crate::execute::execute;
use crate::failure::TaskFailure;
use framefleet_bus::{Blobs, Bus, BusError, Inbox, Lease, Subject};
use framefleet_ledger::Ledger;
use framefleet_proto::v1::{Done, FailureKind, Task, event::What};
use framefleet_stage::{Host, LoadedStage, Registry, SourceStage};
use framefleet_telemetry::metric::{self, FrameOutcome, TaskResult};
use futures::future::select_all;
use prost::Message as _;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::sync::{Mutex, OnceCell, Semaphore, watch};
use tokio::task::JoinSet;

/// Tasks leased ahead of the threads, so that inputs are fetched while the threads compute.
const AHEAD: usize = 2;

/// What a runner works with.
pub struct RunnerOptions {
    /// Its name in events.
    pub name: String,
    /// Stages to serve, the ones whose tasks go first in front.
    pub stages: Vec<String>,
    /// Execution class to serve.
    pub class: String,
    /// Threads that may compute at a time.
    pub threads: usize,
    /// An existing folder for temporary files.
    pub scratch: PathBuf,
}

/// Serves stages over a bus.
pub struct Runner {
    shared: Arc<Shared>,
    options: RunnerOptions,
}

/// Name of a stage, and its settings as a task has them.
type StageWithSettings = (String, String);

/// A stage that one task loads while the others of its kind wait.
type Loading = Arc<OnceCell<Arc<dyn LoadedStage>>>;

/// What all tasks of a runner share.
pub(crate) struct Shared {
    pub name: String,
    pub bus: Arc<dyn Bus>,
    pub blobs: Arc<dyn Blobs>,
    pub ledger: Ledger,
    pub source: Arc<dyn SourceStage>,
    pub threads: Arc<Semaphore>,
    registry: Registry,
    host: Host,
    scratch: PathBuf,
    loaded: Mutex<HashMap<StageWithSettings, Loading>>,
}

impl Runner {
    /// A runner for these stages. `source` does index and ingest tasks.
    pub fn new(
        bus: Arc<dyn Bus>,
        blobs: Arc<dyn Blobs>,
        ledger: Ledger,
        registry: Registry,
        source: Arc<dyn SourceStage>,
        host: Host,
        options: RunnerOptions,
    ) -> Self {
        let shared = Arc::new(Shared {
            name: options.name.clone(),
            bus,
            blobs,
            ledger,
            source,
            threads: Arc::new(Semaphore::new(options.threads)),
            registry,
            host,
            scratch: options.scratch.clone(),
            loaded: Mutex::new(HashMap::new()),
        });
        Self { shared, options }
    }

    /// Serves until `stop` turns true; then running tasks come to their end.
    pub async fn run(self, mut stop: watch::Receiver<bool>) -> Result<(), BusError> {
        let mut inboxes = Vec::new();
        for stage in &self.options.stages {
            inboxes.push(self.shared.bus.inbox(&Subject::task(stage, &self.options.class)).await?);
        }
        let room = self.options.threads + AHEAD;
        let mut tasks = JoinSet::new();
        while !*stop.borrow() {
            tokio::select! {
                _ = stop.changed() => {}
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
                lease = next_lease(&mut inboxes), if tasks.len() < room => {
                    let shared = Arc::clone(&self.shared);
                    let lease = lease?;
                    tasks.spawn(async move { serve(&shared, lease).await });
                }
            }
        }
        while tasks.join_next().await.is_some() {}
        Ok(())
    }
}

/// The next task; of several that wait, the one of the inbox furthest in front.
async fn next_lease(inboxes: &mut [Box<dyn Inbox>]) -> Result<Box<dyn Lease>, BusError> {
    if inboxes.is_empty() {
        return std::future::pending().await;
    }
    select_all(inboxes.iter_mut().map(|inbox| inbox.lease())).await.0
}

/// Runs a leased task, tells what came of it, acknowledges it.
async fn serve(shared: &Arc<Shared>, lease: Box<dyn Lease>) {
    let task = match Task::decode(lease.message().payload.clone()) {
        Ok(task) => task,
        Err(error) => {
            tracing::error!(%error, "a task could not be read; dropped");
            acknowledge(lease).await;
            return;
        }
    };
    let heartbeat = keep(&*lease);
    let began = Instant::now();
    count_taken(&task, lease.attempt());
    let result = execute(shared, &task).await;
    heartbeat.abort();
    count_ended(&task, &result, began.elapsed());
    metric::blob_bytes(shared.blobs.used());
    let told = match result {
        Ok(Some(done)) => shared.tell(&task, What::Done(done)).await,
        Ok(None) => Ok(()),
        Err(failure) if failure.kind == FailureKind::Stale => Ok(()),
        Err(failure) => shared.tell(&task, What::Failed(failure.into_wire())).await,
    };
    match told {
        Ok(()) => acknowledge(lease).await,
        Err(failure) => tracing::error!(reason = failure.reason, "a result could not be told; the task is handed back"),
    }
}

/// Extends the lease while the task runs.
fn keep(lease: &dyn Lease) -> tokio::task::AbortHandle {
    let extender = lease.extender();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            extender.extend();
        }
    })
    .abort_handle()
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
    let outcomes = done.outcomes.clone().unwrap_or_default();
    let skipped = outcomes.skipped.iter().filter_map(|skip| skip.range).map(|range| range.end - range.start).sum();
    metric::frames(&task.stage, FrameOutcome::Result, done.frames_done);
    metric::frames(&task.stage, FrameOutcome::Failed, outcomes.failed.len() as u64);
    metric::frames(&task.stage, FrameOutcome::Skipped, skipped);
}

impl Shared {
    /// The stage of a task with its settings, loaded once.
    pub(crate) async fn stage(&self, task: &Task) -> Result<Arc<dyn LoadedStage>, TaskFailure> {
        let cell = {
            let mut loaded = self.loaded.lock().await;
            Arc::clone(loaded.entry((task.stage.clone(), task.settings.clone())).or_default())
        };
        let stage = cell.get_or_try_init(|| async {
            let settings = serde_json::from_str(&task.settings).map_err(|_| TaskFailure::malformed("settings"))?;
            let entry = self.registry.get(&task.stage).map_err(|error| TaskFailure {
                reason: error.to_string(),
                ..TaskFailure::malformed("a known stage")
            })?;
            entry.load(&self.host, &settings).map_err(TaskFailure::from)
        });
        stage.await.map(Arc::clone)
    }

    /// A folder for the files of one task.
    pub(crate) fn scratch(&self) -> Result<TempDir, TaskFailure> {
        Ok(TempDir::with_prefix_in("task-", &self.scratch)?)
    }
}

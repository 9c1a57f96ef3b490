//! What all tasks of a runner share.
use crate::blobs::DryRunBlobs;
use crate::cores::Cores;
use crate::failure::TaskFailure;
use crate::host_provider::HostProvider;
use crate::isolation::IsolatedProcess;
use crate::options::{RunnerOptions, RunnerParts};
use crate::stages::Stages;
use framefleet_bus::{Blobs, Bus, BusError, Inbox, Message, Subject};
use framefleet_ledger::{Ledger, Ledgers};
use framefleet_proto::v1::{Event, Task, event::Kind as EventKind};
use prost::Message as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Numbers the blobs of this process.
static BLOBS: AtomicU64 = AtomicU64::new(0);

/// A runner's bus, frames, outputs, stages and cores.
pub(crate) struct Context {
    worker: String,
    bus: Arc<dyn Bus>,
    blobs: Arc<dyn Blobs>,
    ledgers: Ledgers,
    stages: Stages,
    cores: Cores,
    scratch: PathBuf,
    isolation: Option<IsolatedProcess>,
    hosts: Arc<dyn HostProvider>,
    alone: bool,
    ending: CancellationToken,
}

impl Context {
    pub fn new(parts: RunnerParts, options: &RunnerOptions) -> Self {
        Self {
            worker: options.name.clone(),
            bus: parts.bus,
            blobs: parts.blobs,
            ledgers: parts.ledgers,
            stages: Stages::new(parts.registry, parts.open_source, Arc::clone(&parts.hosts)),
            cores: Cores::new(options.threads, Arc::clone(&parts.hosts)),
            scratch: options.scratch.clone(),
            isolation: options.isolation.clone(),
            hosts: parts.hosts,
            alone: options.alone,
            ending: CancellationToken::new(),
        }
    }

    /// A context for dry runs: the frames that tasks make are forgotten, and no further process is started.
    pub fn for_dry_runs(parts: RunnerParts, options: &RunnerOptions) -> Self {
        let context = Self::new(parts, options);
        Self { blobs: Arc::new(DryRunBlobs::new(context.blobs)), isolation: None, ..context }
    }

    /// Why a device is lost, if one is.
    pub fn lost_device(&self) -> Option<String> {
        self.hosts.lost_device()
    }

    /// Whether nobody else takes tasks.
    pub fn is_alone(&self) -> bool {
        self.alone
    }

    /// Cancelled when the runner can do no more of its tasks.
    pub fn ending(&self) -> &CancellationToken {
        &self.ending
    }

    /// Holds volatile frames.
    pub fn blobs(&self) -> &Arc<dyn Blobs> {
        &self.blobs
    }

    /// Stages with their settings.
    pub fn stages(&self) -> &Stages {
        &self.stages
    }

    /// The threads that may compute.
    pub fn cores(&self) -> &Cores {
        &self.cores
    }

    /// How tasks run in a process of their own, if they can.
    pub fn isolation(&self) -> Option<&IsolatedProcess> {
        self.isolation.as_ref()
    }

    /// The ledger of a task's output, under the owner that handed the task out.
    pub async fn ledger(&self, task: &Task) -> Result<Ledger, TaskFailure> {
        Ok(self.ledgers.get(&task.output, task.epoch).await?)
    }

    /// The queue of a stage and an execution class.
    pub async fn inbox(&self, stage: &str, class: &str) -> Result<Box<dyn Inbox>, BusError> {
        self.bus.inbox(&Subject::task(stage, class)).await
    }

    /// Sends an event about a task.
    pub async fn report(&self, task: &Task, kind: EventKind) -> Result<(), TaskFailure> {
        let event = Event {
            job: task.job.clone(),
            id: task.id.clone(),
            key: task.key.clone(),
            attempt: task.attempt,
            worker: self.worker.clone(),
            kind: Some(kind),
        };
        let message =
            Message { subject: Subject::events(&task.job), id: String::new(), payload: event.encode_to_vec().into() };
        Ok(self.bus.emit(message).await?)
    }

    /// A folder for the files of one task.
    pub fn scratch(&self) -> Result<TempDir, TaskFailure> {
        Ok(TempDir::with_prefix_in("task-", &self.scratch)?)
    }

    /// A new name for frames that a task makes. Blobs are named by job, owner and task, and by worker and a count of its own, so
    /// that no name is ever used for other pixels; what a job leaves behind is found by the beginning of the name.
    pub fn blob_key(&self, task: &Task) -> String {
        let id = task.id.clone().unwrap_or_default();
        let start = id.range.map_or(0, |range| range.start);
        let (job, epoch, worker) = (&task.job, task.epoch, &self.worker);
        let count = BLOBS.fetch_add(1, Ordering::Relaxed);
        format!("{job}.{epoch}.{}.{}.{start}.{worker}.{count}", id.pass, id.step)
    }
}

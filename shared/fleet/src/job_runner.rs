//! Who makes a plan of a request and does it: the orchestrator knows no stage; who starts it does.
use super::classes::Classes;
use async_trait::async_trait;
use framefleet_bus::{Blobs, Bus, BusError};
use framefleet_orchestration::OrchestratorError;
use framefleet_orchestration::Progress;
use framefleet_orchestration::QueueShare;
use framefleet_proto::control::{self, JobStatus, SubmitRequest, Worker};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What a job runs with.
pub struct JobContext {
    /// Its name.
    pub name: String,
    /// Carries tasks and events.
    pub bus: Arc<dyn Bus>,
    /// Holds volatile frames.
    pub blobs: Arc<dyn Blobs>,
    /// Execution classes of the workers that do it.
    pub classes: Classes,
    /// The workers there are.
    pub workers: watch::Receiver<Vec<Worker>>,
    /// Its place among the jobs.
    pub share: QueueShare,
    /// Bytes that its frames in flight may occupy.
    pub memory: u64,
    /// Cancelled when it is to end early.
    pub interrupt: CancellationToken,
    /// Receives its progress.
    pub progress: watch::Sender<Progress>,
}

/// How a job ended.
#[derive(Clone, Debug)]
pub struct JobEnd {
    /// Done, partial, failed or cancelled.
    pub status: JobStatus,
    /// What was wrong.
    pub message: String,
    /// What it did not take of its source, in a few lines.
    pub left_out: Vec<String>,
}

impl JobEnd {
    /// An end of which there is nothing else to say.
    pub(super) fn new(status: JobStatus, message: String) -> Self {
        Self { status, message, left_out: Vec::new() }
    }
}

/// A job that cannot be done, or not now.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// What was asked for is wrong: source, pipeline, plan or output. The message says what to do.
    #[error("{0}")]
    Refused(String),
    /// The bus is away (the job resumes when it is back), or refuses what it was given.
    #[error(transparent)]
    Bus(BusError),
    /// It broke.
    #[error("{0}")]
    Failed(String),
}

impl RunnerError {
    /// Whether it may be another matter a little later.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Bus(error) => error.passes(),
            Self::Refused(_) | Self::Failed(_) => true,
        }
    }
}

impl From<OrchestratorError> for RunnerError {
    fn from(error: OrchestratorError) -> Self {
        match error {
            OrchestratorError::Bus(error) => Self::Bus(error),
            error => Self::Failed(error.to_string()),
        }
    }
}

/// Makes a plan of a request and does it. The orchestrator knows no stage; who starts it does.
#[async_trait]
pub trait JobRunner: Send + Sync + 'static {
    /// Probes the source, which reads the headers of all its files, and refuses what can be known to be wrong before workers
    /// of these classes run the job with so many bytes for frames.
    async fn prepare(
        &self,
        request: &SubmitRequest,
        classes: &Classes,
        memory: u64,
    ) -> Result<Box<dyn ReadyJob>, RunnerError>;

    /// Puts the files that came with a request into its output and takes them out of it: requests are kept in the bus, which carries
    /// nothing large, and whoever runs the job finds the files where its results will lie.
    async fn keep_files(&self, request: &mut SubmitRequest) -> Result<(), RunnerError>;

    /// The stages it can plan with; slots are filled in later.
    fn stages(&self) -> Vec<control::Stage>;
}

/// A job whose source was probed and whose plan stands.
#[async_trait]
pub trait ReadyJob: Send {
    /// Bytes that its frames in flight must have, and those that they may use.
    fn memory(&self) -> (u64, u64);

    /// Does the job, to its end or until it is interrupted. It resumes where an earlier run of the same name ended.
    async fn run(self: Box<Self>, context: JobContext) -> Result<JobEnd, RunnerError>;
}

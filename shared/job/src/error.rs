//! Why a job cannot be done.
use framefleet_fleet::{FleetError, RunnerError};
use framefleet_ledger::LedgerError;
use framefleet_models::ModelError;
use framefleet_orchestration::OrchestratorError;
use framefleet_pipeline::PlanError;
use framefleet_records::RecordsError;
use framefleet_report::ReportError;
use framefleet_service::{Exit, JoinError};
use framefleet_stage::{RegistryError, SettingsError, SetupError, StageError};

/// A job cannot be prepared, run or concluded. Messages say what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// What is asked for is wrong: the source, the output, a value.
    #[error("{0}")]
    Request(String),
    /// A pipeline, a file that it names, or an address of this process is wrong.
    #[error("{0}")]
    Configuration(String),
    /// Something broke that nothing else here names.
    #[error("{0}")]
    Failed(String),
    /// The pipeline is no plan.
    #[error(transparent)]
    Plan(Box<PlanError>),
    /// Settings of a stage are wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The models' runtime of this machine is not set up as asked.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The catalogue or the cache of models.
    #[error(transparent)]
    Models(Box<ModelError>),
    /// The stages of the program contradict each other.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The source cannot be read.
    #[error(transparent)]
    Source(#[from] StageError),
    /// The output.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Records of the output.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The report.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The run.
    #[error(transparent)]
    Run(#[from] OrchestratorError),
    /// The fleet cannot be joined.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The orchestrator's service ended.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// A file or a thread.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// JSON that this program wrote, or cannot write: a fault of the program.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl JobError {
    /// The exit code it makes.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Request(_) => Exit::Usage,
            Self::Configuration(_) | Self::Plan(_) | Self::Settings(_) | Self::Setup(_) => Exit::Configuration,
            Self::Models(error) => exit_of_models(error),
            Self::Join(error) => error.exit(),
            Self::Run(OrchestratorError::Bus(_)) | Self::Fleet(FleetError::Bus(_)) => Exit::BusUnreachable,
            Self::Run(OrchestratorError::Stuck { .. } | OrchestratorError::Wire(_)) => Exit::Bug,
            Self::Registry(_) | Self::Json(_) => Exit::Bug,
            Self::Failed(_) | Self::Source(_) | Self::Ledger(_) | Self::Records(_) | Self::Report(_) => Exit::Failed,
            Self::Run(_) | Self::Fleet(_) | Self::Io(_) => Exit::Failed,
        }
    }
}

fn exit_of_models(error: &ModelError) -> Exit {
    match error {
        ModelError::Unknown { .. }
        | ModelError::NotOfRole { .. }
        | ModelError::Pin { .. }
        | ModelError::NothingToConvert { .. } => Exit::Usage,
        ModelError::Catalogue { .. }
        | ModelError::Licence { .. }
        | ModelError::NoDefault { .. }
        | ModelError::NotInstalled { .. }
        | ModelError::NotConverted { .. }
        | ModelError::Unpinned { .. } => Exit::Configuration,
        _ => Exit::Failed,
    }
}

// These two are large, and every result would be as large as they are.
impl From<PlanError> for JobError {
    fn from(error: PlanError) -> Self {
        Self::Plan(Box::new(error))
    }
}

impl From<ModelError> for JobError {
    fn from(error: ModelError) -> Self {
        Self::Models(Box::new(error))
    }
}

impl From<JobError> for RunnerError {
    /// What its user can change is refused; the rest broke.
    fn from(error: JobError) -> Self {
        match error {
            JobError::Run(error) => error.into(),
            error => match error.exit() {
                Exit::Usage | Exit::Configuration | Exit::Failed => Self::Refused(error.to_string()),
                _ => Self::Failed(error.to_string()),
            },
        }
    }
}

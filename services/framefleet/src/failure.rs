//! Why the program ends without success: a message for a person, an exit code for scripts.
use framefleet_job::JobError;
use framefleet_ledger::LedgerError;
use framefleet_models::ModelError;
use framefleet_pipeline::PlanError;
use framefleet_records::RecordsError;
use framefleet_service::Exit;
use framefleet_stage::SettingsError;

/// What went wrong.
#[derive(Debug)]
pub struct Failure {
    /// For scripts.
    pub exit: Exit,
    /// For a person: what, where, what to do.
    pub message: String,
}

impl Failure {
    /// Wrong arguments or source.
    pub fn usage(message: impl ToString) -> Self {
        Self { exit: Exit::Usage, message: message.to_string() }
    }

    /// It failed.
    pub fn failed(message: impl ToString) -> Self {
        Self { exit: Exit::Failed, message: message.to_string() }
    }

    /// Wrong pipeline, plan or configuration.
    pub fn configuration(message: impl ToString) -> Self {
        Self { exit: Exit::Configuration, message: message.to_string() }
    }
}

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        Self { exit: error.exit(), message: error.to_string() }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        JobError::from(error).into()
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        JobError::from(error).into()
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        JobError::from(error).into()
    }
}

impl From<RecordsError> for Failure {
    fn from(error: RecordsError) -> Self {
        JobError::from(error).into()
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        JobError::from(error).into()
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self { exit: Exit::Bug, message: error.to_string() }
    }
}

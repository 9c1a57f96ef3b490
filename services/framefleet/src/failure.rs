//! Why the program ends without success: a message for a person, an exit code for scripts.
use framefleet_ledger::LedgerError;
use framefleet_pipeline::PlanError;
use framefleet_records::RecordsError;
use framefleet_service::Exit;
use framefleet_stage::SettingsError;
use orchestrator::OrchestratorError;

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

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        Self::configuration(error)
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::configuration(error)
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self::failed(error)
    }
}

impl From<RecordsError> for Failure {
    fn from(error: RecordsError) -> Self {
        Self::failed(error)
    }
}

impl From<OrchestratorError> for Failure {
    fn from(error: OrchestratorError) -> Self {
        let exit = match &error {
            OrchestratorError::Bus(_) => Exit::BusUnreachable,
            OrchestratorError::Stuck { .. } | OrchestratorError::Wire(_) => Exit::Bug,
            OrchestratorError::Ledger(_) | OrchestratorError::Records(_) | OrchestratorError::Fatal(_) => Exit::Failed,
        };
        Self { exit, message: error.to_string() }
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

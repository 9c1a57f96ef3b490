//! Why a task did not come to its end, by what the orchestrator is to do about it.
use framefleet_bus::{BlobError, BusError};
use framefleet_ledger::LedgerError;
use framefleet_proto::v1::{Failed, FailureKind};
use framefleet_stage::{SetupError, StageError};

/// Code of tasks that are handed back.
const DRAINING: &str = "draining";

/// Code of tasks of an earlier owner.
const SUPERSEDED: &str = "superseded";

/// A task did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskFailure {
    /// What is to be done about it.
    pub kind: FailureKind,
    /// Short and stable, for counting.
    pub code: &'static str,
    /// For a person.
    pub reason: String,
}

impl TaskFailure {
    /// A message that makes no sense: a fault of the program.
    pub fn malformed(what: &str) -> Self {
        Self {
            kind: FailureKind::Fatal,
            code: "malformed-task",
            reason: format!("a task without {what}; please report this"),
        }
    }

    /// The task is of another version of the stage than this worker has: its results would be filed under answers they are not.
    pub fn of_another_release(stage: &str, asked: u32, known: u32) -> Self {
        let reason = format!(
            "the job was planned with version {asked} of stage {stage}, this worker has version {known}: run orchestrator and workers \
             of one release, then submit the job again"
        );
        Self { kind: FailureKind::Fatal, code: "release", reason }
    }

    /// The stage's code panicked.
    pub fn crashed(message: String) -> Self {
        Self { kind: FailureKind::Crashed, code: "crash", reason: message }
    }

    /// A device failed for good, and there is no other worker.
    pub fn device_lost(reason: String) -> Self {
        Self { kind: FailureKind::Fatal, code: "device", reason }
    }

    /// The runner takes no more work: the task is handed back before it began.
    pub fn draining() -> Self {
        Self { kind: FailureKind::Retry, code: DRAINING, reason: "the worker is being stopped".to_owned() }
    }

    /// Whether the task is handed back without a word.
    pub fn is_draining(&self) -> bool {
        self.code == DRAINING
    }

    /// Whether doing the task again would not help, here or elsewhere.
    pub fn is_final(&self) -> bool {
        self.kind == FailureKind::Fatal
    }

    /// Whether another owner has the output: what the task makes is not wanted any more.
    pub fn is_superseded(&self) -> bool {
        self.code == SUPERSEDED
    }

    /// As the event says it.
    pub fn into_wire(self) -> Failed {
        Failed { kind: self.kind as i32, code: self.code.to_owned(), reason: framefleet_bus::short(self.reason) }
    }

    /// Whether running parts of the task can locate the frame to blame.
    pub fn can_be_located(&self) -> bool {
        matches!(self.kind, FailureKind::BadInput | FailureKind::Crashed)
    }
}

impl From<StageError> for TaskFailure {
    fn from(error: StageError) -> Self {
        let (kind, code) = match &error {
            StageError::Retry(_) => (FailureKind::Retry, "retry"),
            StageError::BadInput(_) => (FailureKind::BadInput, "bad-input"),
            StageError::Fatal(_) => (FailureKind::Fatal, "fatal"),
        };
        Self { kind, code, reason: error.to_string() }
    }
}

impl From<SetupError> for TaskFailure {
    fn from(error: SetupError) -> Self {
        Self { kind: FailureKind::Fatal, code: "setup", reason: error.to_string() }
    }
}

impl From<BlobError> for TaskFailure {
    fn from(error: BlobError) -> Self {
        let (kind, code) = match &error {
            BlobError::Stale(_) => (FailureKind::Stale, "stale"),
            BlobError::NoRoom { .. } => (FailureKind::Retry, "no-room"),
            BlobError::Io(_) => (FailureKind::Retry, "blob-store"),
        };
        Self { kind, code, reason: error.to_string() }
    }
}

impl From<LedgerError> for TaskFailure {
    fn from(error: LedgerError) -> Self {
        let (kind, code) = match &error {
            LedgerError::Superseded { .. } => (FailureKind::Stale, SUPERSEDED),
            _ => (FailureKind::Fatal, "output"),
        };
        Self { kind, code, reason: error.to_string() }
    }
}

impl From<BusError> for TaskFailure {
    fn from(error: BusError) -> Self {
        let kind = if error.passes() { FailureKind::Retry } else { FailureKind::Fatal };
        Self { kind, code: "bus", reason: error.to_string() }
    }
}

impl From<std::io::Error> for TaskFailure {
    fn from(error: std::io::Error) -> Self {
        Self {
            kind: FailureKind::Fatal,
            code: "scratch",
            reason: format!("temporary files cannot be written: {error}"),
        }
    }
}

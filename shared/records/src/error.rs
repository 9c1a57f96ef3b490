//! What can go wrong with what is derived from a ledger.
use framefleet_coco::CocoError;
use framefleet_ledger::LedgerError;
use framefleet_objects::ObjectsError;

/// Records could not be written or checked.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The ledger could not do what it was asked.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Results contradict themselves.
    #[error("{what}: {reason}")]
    Invalid {
        /// Which task, step or row, in words.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Rows could not be written as Parquet.
    #[error("records of step {step} cannot be written as Parquet: {reason}")]
    Parquet {
        /// The step.
        step: String,
        /// The library's answer.
        reason: String,
    },
    /// A row could not be read.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// coco.json could not be written or checked.
    #[error(transparent)]
    Coco(#[from] CocoError),
}

impl RecordsError {
    /// Results that contradict themselves.
    pub(crate) fn invalid(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), reason: reason.into() }
    }
}

//! What can go wrong while an output's objects are read.
use framefleet_ledger::LedgerError;

/// The objects of an output could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// The ledger could not do what it was asked.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Results contradict themselves, or a step is named that there is not.
    #[error("{what}: {reason}")]
    Invalid {
        /// Which step or row, in words.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ObjectsError {
    /// Results that contradict themselves.
    pub(crate) fn invalid(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), reason: reason.into() }
    }
}

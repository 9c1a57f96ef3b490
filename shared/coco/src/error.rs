//! What can go wrong with a COCO file.
use framefleet_ledger::LedgerError;
use framefleet_objects::ObjectsError;
use std::path::PathBuf;

/// A COCO file could not be written or checked.
#[derive(Debug, thiserror::Error)]
pub enum CocoError {
    /// The ledger could not do what it was asked.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The objects could not be read.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// A temporary file cannot be written or read.
    #[error(
        "cannot use a temporary file in {folder}: {source}; check that the folder is writable and has space, or set TMPDIR"
    )]
    Temporary {
        /// Where it lies.
        folder: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

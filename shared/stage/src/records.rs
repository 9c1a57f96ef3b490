//! What finish reads: a step's own results, in frame order.
use framefleet_media::{Annotation, Outcome};
use std::path::PathBuf;

/// One frame of the step, with whatever process made of it. Frames that sampling left out have no record: gaps show in
/// the numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Name of the item.
    pub item: String,
    /// Number in the whole item.
    pub frame: u64,
    /// Presentation time in nanoseconds from the item's first frame.
    pub pts_ns: i64,
    /// What became of the frame.
    pub outcome: Outcome,
    /// Annotations in order of kind and instance; empty unless the outcome is a result.
    pub annotations: Vec<Annotation>,
}

/// Records could not be read back.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RecordsError(pub String);

/// The records of a step: re-readable, ordered by item (as the job lists them) and frame. Nothing is held in memory but
/// one task's records at a time.
pub trait Records {
    /// Reads all records from the start, once more at every call.
    fn read(&self) -> Box<dyn Iterator<Item = Result<Record, RecordsError>> + '_>;

    /// Files that process attached under names that start with `prefix`, in task order: (item, name, local path).
    fn attachments(&self, prefix: &str) -> Result<Vec<(String, String, PathBuf)>, RecordsError>;
}

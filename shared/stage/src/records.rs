//! What finish reads: a step's own results, in frame order.
use framefleet_frames::{Annotation, ImageFile, Item, Outcome, item};
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
    /// The file that the frame is, of sequences and stills.
    pub file: Option<ImageFile>,
    /// What became of the frame.
    pub outcome: Outcome,
    /// Annotations in order of kind and instance; empty unless the outcome is a result.
    pub annotations: Vec<Annotation>,
}

impl Record {
    /// Width and height of the full frame as displayed: what coordinates are pixels of. `item` is the one that the record names.
    pub fn frame_size(&self, item: &Item) -> (u32, u32) {
        item::size_of(item, self.file.as_ref())
    }
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

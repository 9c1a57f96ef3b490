//! What came of an export.
use std::path::PathBuf;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// The steps that were read.
    pub steps: Vec<String>,
    /// Frames that have a result.
    pub frames: u64,
    /// People and things that were written; 0 for pictures of one step.
    pub objects: u64,
    /// Those that the format cannot say: without a track, or without a mask.
    pub left_out: u64,
    /// Files that were written.
    pub files: Vec<PathBuf>,
    /// Files that an earlier export wrote and that are as they should be.
    pub kept: Vec<PathBuf>,
    /// Files among these that are the user's, and never written again or removed: captions.
    pub handed_over: Vec<PathBuf>,
}

/// What a writer did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    pub files: Vec<PathBuf>,
    pub kept: Vec<PathBuf>,
    pub handed_over: Vec<PathBuf>,
    pub objects: u64,
    pub left_out: u64,
}

impl Exported {
    pub(crate) fn new(steps: Vec<String>, frames: u64, written: Written) -> Self {
        let Written { files, kept, handed_over, objects, left_out } = written;
        Self { steps, frames, objects, left_out, files, kept, handed_over }
    }
}

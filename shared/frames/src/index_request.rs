//! What is asked of an index.
use crate::BatchInfo;

/// What the index of an item is to be: how large its batches are, and which of them are known.
#[derive(Clone, Debug, Default)]
pub struct IndexRequest {
    /// Frames of a whole batch on the grid.
    pub batch_frames: u64,
    /// Images: the batches of an earlier index of the same folder, whose stills keep their numbers.
    pub known: Vec<BatchInfo>,
}

impl IndexRequest {
    /// Of an item of which nothing is known.
    pub fn fresh(batch_frames: u64) -> Self {
        Self { batch_frames, known: Vec::new() }
    }
}

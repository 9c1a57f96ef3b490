//! What is known of a task.
use framefleet_frames::{FrameRange, ScopedAnnotation};
use framefleet_ledger::TaskKey;
use std::sync::Arc;

/// What is known of a process task.
#[derive(Clone, Debug, Default)]
pub(crate) enum Status {
    /// Its inputs are not all known.
    #[default]
    Unknown,
    /// Its key is known and the ledger has no entry.
    Missing(TaskKey),
    /// The ledger has its entry. With the frames that have no result, if there are any.
    Done(TaskKey, Option<Arc<[FrameRange]>>),
    /// There is nothing to do: no frame of it belongs to the job.
    Empty,
}

/// What is known of a finish task.
#[derive(Clone, Debug, Default)]
pub(crate) enum FinishStatus {
    /// Its inputs are not all known.
    #[default]
    Waiting,
    /// Its key is known and the ledger has no entry.
    Missing(TaskKey),
    /// Its entry is there, its annotations are not read yet.
    Committed(TaskKey),
    /// It is done, with the annotations that it made.
    Done(TaskKey, Arc<Vec<ScopedAnnotation>>),
    /// It was given up, for this reason.
    Failed(String),
}

impl FinishStatus {
    /// Whether nothing is to be done for it any more.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Done(..) | Self::Failed(_))
    }
}

/// The key of a decoding task that is done, and the frames that could not be decoded, if there are any.
pub(crate) type Decided = (TaskKey, Option<Arc<[FrameRange]>>);

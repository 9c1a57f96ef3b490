//! What happens to a job, and what it is asked for beyond its plan.
use crate::batch::Batch;
use crate::task::TaskRef;
use crate::workload::Earlier;
use bytes::Bytes;
use framefleet_frames::{Edit, Item, ScopedAnnotation};
use framefleet_ledger::TaskKey;
use framefleet_proto::v1::{EntryOutcomes, Pixels};
use std::sync::Arc;

/// Answers whether the ledger holds an entry, and what came of its task.
pub type Lookup<'a> = &'a (dyn Fn(&TaskKey) -> Option<EntryOutcomes> + Sync);

/// What a job does beyond its plan.
#[derive(Clone, Debug, Default)]
pub struct JobOptions {
    /// Do this many whole batches, spread over the items, and no finish.
    pub preview: Option<u64>,
    /// Do frames that failed in earlier runs once more.
    pub retry_failed: bool,
    /// Stop when more frames than this have failed.
    pub max_failures: Option<u64>,
    /// The user's corrections, in the order they were made.
    pub edits: Vec<Edit>,
    /// What is likely not to be done again. Estimates use it, nothing else.
    pub earlier: Arc<Earlier>,
}

/// Something that has happened.
#[derive(Clone, Debug)]
pub enum Fact {
    /// The files of an item were written to the ledger.
    Listed {
        /// Index of the item.
        item: usize,
        /// The document.
        files: Bytes,
    },
    /// Batches of an item were found, in order.
    Indexed {
        /// Index of the item.
        item: usize,
        /// Number of batches found before these.
        from: usize,
        /// The batches.
        batches: Vec<Batch>,
        /// Whether these are the last.
        complete: bool,
        /// Why the rest of the item cannot be read.
        damage: Option<String>,
        /// The item with what reading it corrected.
        corrected: Option<Box<Item>>,
    },
    /// A task has its entry in the ledger.
    Done {
        /// The task.
        task: TaskRef,
        /// The key its result is filed under.
        key: TaskKey,
        /// Volatile frames it made.
        made: Vec<Pixels>,
    },
    /// The job-scoped annotations of a finished step were read.
    Finished {
        /// Index of the step.
        step: usize,
        /// The key of its finish entry.
        key: TaskKey,
        /// What it made.
        scoped: Arc<Vec<ScopedAnnotation>>,
    },
    /// A task did not come to its end.
    Failed {
        /// The task.
        task: TaskRef,
        /// Which attempt.
        attempt: u32,
        /// Short and stable.
        code: String,
        /// For a person.
        reason: String,
        /// Whether trying again can help.
        retryable: bool,
    },
    /// The blob store lost volatile frames of a task that were not released.
    Stale {
        /// The task.
        task: TaskRef,
    },
}

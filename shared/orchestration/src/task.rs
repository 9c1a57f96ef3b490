//! Names of tasks inside a job: small, ordered, and convertible to the wire's.
use framefleet_proto::v1::TaskKind;

/// Name of the stage that index and ingest tasks go to.
pub const INGEST: &str = "ingest";

/// Which task of a job. Ordered as work should be taken: by pass, item, place in the item, then step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskRef {
    /// Pass, from 0.
    pub pass: usize,
    /// Index of the item; 0 for finish.
    pub item: usize,
    /// Index of the batch (ingest) or of the group of batches (process) on the item's grid; 0 for index and finish.
    pub index: usize,
    /// Index of the step; 0 for index and ingest.
    pub step: usize,
    /// What is done.
    pub kind: Work,
}

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Work {
    /// Finds the batches of an item.
    Index,
    /// Decodes a batch.
    Ingest,
    /// The process half of a step on a group of batches.
    Process,
    /// The finish half of a step.
    Finish,
}

impl TaskRef {
    /// The index task of an item.
    pub fn index(item: usize) -> Self {
        Self { pass: 0, item, index: 0, step: 0, kind: Work::Index }
    }

    /// The ingest task of a batch.
    pub fn ingest(pass: usize, item: usize, batch: usize) -> Self {
        Self { pass, item, index: batch, step: 0, kind: Work::Ingest }
    }

    /// The process task of a group.
    pub fn process(pass: usize, step: usize, item: usize, group: usize) -> Self {
        Self { pass, item, index: group, step, kind: Work::Process }
    }

    /// The finish task of a step.
    pub fn finish(pass: usize, step: usize) -> Self {
        Self { pass, item: 0, index: 0, step, kind: Work::Finish }
    }

    /// Its kind on the wire.
    pub fn wire_kind(&self, group: u64) -> TaskKind {
        match self.kind {
            Work::Index => TaskKind::Index,
            Work::Ingest => TaskKind::Ingest,
            Work::Process if group > 1 => TaskKind::Group,
            Work::Process => TaskKind::Process,
            Work::Finish => TaskKind::Finish,
        }
    }
}

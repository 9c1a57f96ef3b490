//! Finding the task that did a frame, in a manifest of any length: a chunk of it is in memory at a time.
use crate::documents::{read_chunk, root};
use crate::{Ledger, LedgerError};
use bytes::Bytes;
use framefleet_proto::v1::{DocumentChunk, FrameRange, StepManifest, TaskResult};
use std::cmp::Ordering;

/// Looks for the tasks of frames in a step's manifest; cheapest for frames in order.
pub struct TaskLookup {
    ledger: Ledger,
    tasks: Bytes,
    chunks: Option<Vec<DocumentChunk>>,
    /// The chunk that was read last, and its number.
    current: Option<(usize, Vec<TaskResult>)>,
}

impl Ledger {
    /// A lookup in a manifest.
    pub fn task_lookup(&self, manifest: &StepManifest) -> TaskLookup {
        TaskLookup { ledger: self.clone(), tasks: manifest.tasks.clone(), chunks: None, current: None }
    }
}

impl TaskLookup {
    /// The task of a frame of the item at this place among the manifest's; `None` when there is none.
    pub async fn task_of(&mut self, item: u32, frame: u64) -> Result<Option<TaskResult>, LedgerError> {
        let (mut low, mut high) = (0, self.count().await?);
        // Most often it is in the chunk that was read last, or in the one behind it.
        let mut number = self.current.as_ref().map_or(high / 2, |(number, _)| *number);
        let mut bisects = self.current.is_none();
        while low < high {
            match self.side(number, (item, frame)).await? {
                Ordering::Equal => return Ok(self.find(item, frame)),
                Ordering::Less => high = number,
                Ordering::Greater => low = number + 1,
            }
            number = if bisects || low != number + 1 { low + (high - low) / 2 } else { low };
            bisects = true;
        }
        Ok(None)
    }

    async fn count(&mut self) -> Result<usize, LedgerError> {
        if self.tasks.is_empty() {
            return Ok(0);
        }
        match &self.chunks {
            Some(chunks) => Ok(chunks.len()),
            None => {
                let root = root(self.ledger.store(), &self.tasks).await?;
                Ok(self.chunks.insert(root.chunks).len())
            }
        }
    }

    /// On which side of a chunk a place is. The chunk is then the current one.
    async fn side(&mut self, number: usize, place: (u32, u64)) -> Result<Ordering, LedgerError> {
        let is_current = self.current.as_ref().is_some_and(|(current, _)| *current == number);
        if !is_current && let Some(chunk) = self.chunks.as_ref().and_then(|chunks| chunks.get(number)) {
            self.current = Some((number, read_chunk(self.ledger.store(), chunk.clone()).await?));
        }
        let tasks = self.current.as_ref().map_or(&[][..], |(_, tasks)| tasks);
        Ok(match (tasks.first(), tasks.last()) {
            (Some(first), _) if place < (first.item, range(first).start) => Ordering::Less,
            (_, Some(last)) if place >= (last.item, range(last).end) => Ordering::Greater,
            _ => Ordering::Equal,
        })
    }

    /// The task of a frame in the current chunk.
    fn find(&self, item: u32, frame: u64) -> Option<TaskResult> {
        let (_, tasks) = self.current.as_ref()?;
        let behind = tasks.partition_point(|task| (task.item, range(task).start) <= (item, frame));
        let task = tasks.get(behind.checked_sub(1)?)?;
        (task.item == item && frame < range(task).end).then(|| task.clone())
    }
}

fn range(task: &TaskResult) -> FrameRange {
    task.range.unwrap_or_default()
}

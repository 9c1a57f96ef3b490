//! What decoding needs to know of a frame of the source, as the output has it.
use framefleet_frames::times::Times;
use framefleet_frames::{BatchInfo, Item, frame::batch_frames, item};
use framefleet_ledger::{Ledger, LedgerError, Manifest, TaskLookup};
use parking_lot::Mutex;
use std::collections::HashMap;
use tokio::runtime::Handle;

/// Finds the batches of frames. Asked on threads that may wait.
pub(crate) struct SourceBatches {
    /// For each pass, where decoding left it; then the steps, which also know of batches that nobody had to decode. With the places of items
    /// by name.
    steps: Mutex<Vec<(TaskLookup, HashMap<String, u32>)>>,
    runtime: Handle,
}

impl SourceBatches {
    /// Those of the manifests of an output. To be called within a runtime of several threads.
    pub async fn open(ledger: &Ledger) -> Result<Self, LedgerError> {
        let mut manifests = ledger.manifests().await?;
        manifests.sort_by_key(|manifest| !manifest.is_of_decoding());
        let step = |manifest: Manifest| {
            let items = manifest.items().zip(0..).map(|(item, place)| (item.name.clone(), place));
            (ledger.task_lookup(&manifest), items.collect())
        };
        Ok(Self { steps: Mutex::new(manifests.into_iter().map(step).collect()), runtime: Handle::current() })
    }

    /// The batch of a frame, or a part of it, and its item with the files there; `None` when the output does not know it.
    pub fn of(&self, item: &Item, frame: u64) -> Result<Option<(Item, BatchInfo)>, LedgerError> {
        let mut steps = self.steps.lock();
        for (lookup, places) in steps.iter_mut() {
            let Some(&place) = places.get(&item.name) else { continue };
            let Some(task) = self.wait_for(lookup.task_of(place, frame))? else { continue };
            let range = task.range.unwrap_or_default();
            // A task may span many batches: more than is decoded at a time.
            if range.end - range.start > batch_frames(item) {
                continue;
            }
            let times = task.times.as_ref().map(Times::from).unwrap_or_default();
            let batch = BatchInfo {
                start: range.start,
                pts_ns: times.iter().collect(),
                from_start: item.stepped,
                ..BatchInfo::default()
            };
            return Ok(Some((item::with_files(item, task.files), batch)));
        }
        Ok(None)
    }

    /// Waits on a thread of its own: the caller's may belong to the runtime.
    fn wait_for<T: Send>(&self, future: impl Future<Output = T> + Send) -> T {
        std::thread::scope(|scope| match scope.spawn(|| self.runtime.block_on(future)).join() {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }
}

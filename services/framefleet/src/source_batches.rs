//! What decoding needs to know of a frame of the source, as the output has it.
use framefleet_ledger::{Ledger, LedgerError, TaskLookup};
use framefleet_media::times::Times;
use framefleet_media::{BatchInfo, Item, item};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::runtime::Handle;

/// Finds the batches of frames. Asked on threads that may wait.
pub struct SourceBatches {
    /// For each pass, where decoding left it; and the places of items by name.
    passes: Mutex<Vec<(TaskLookup, HashMap<String, u32>)>>,
    runtime: Handle,
}

impl SourceBatches {
    /// Those that decoding found, by the manifests of an output. To be called within a runtime of several threads.
    pub async fn open(ledger: &Ledger) -> Result<Self, LedgerError> {
        let decoding = ledger.manifests().await?.into_iter().filter(|manifest| manifest.stage == ingest::NAME);
        let pass = |manifest: framefleet_ledger::Manifest| {
            let items = manifest.items().zip(0..).map(|(item, place)| (item.name.clone(), place));
            (ledger.task_lookup(&manifest), items.collect())
        };
        Ok(Self { passes: Mutex::new(decoding.map(pass).collect()), runtime: Handle::current() })
    }

    /// The batch of a frame, and its item with the files of that batch; `None` when the output does not know it.
    pub fn of(&self, item: &Item, frame: u64) -> Result<Option<(Item, BatchInfo)>, LedgerError> {
        let mut passes = self.passes.lock().unwrap_or_else(PoisonError::into_inner);
        for (lookup, places) in passes.iter_mut() {
            let Some(&place) = places.get(&item.name) else { continue };
            let Some(task) = self.wait_for(lookup.task_of(place, frame))? else { continue };
            let times = task.times.as_ref().map(Times::from).unwrap_or_default();
            let start = task.range.unwrap_or_default().start;
            let batch = BatchInfo { start, pts_ns: times.iter().collect(), ..BatchInfo::default() };
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

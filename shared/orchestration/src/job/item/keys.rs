//! The keys of an item's tasks: whatever can change the result is in the key, and nothing else. Those of process follow from their
//! inputs (`inputs.rs`).
use super::ItemView;
use crate::batch::Batch;
use crate::frame_sets::{hash_frames, hash_range};
use crate::job::facts::Lookup;
use crate::task::TaskRef;
use framefleet_frames::Rendition;
use framefleet_ledger::{KeyHasher, TaskKey};
use framefleet_proto::v1::EntryOutcomes;

/// The key of a task with these inputs in a retry generation.
pub(crate) fn in_generation(inputs: &TaskKey, generation: u32) -> TaskKey {
    match generation {
        0 => *inputs,
        _ => KeyHasher::new("retry").key("inputs", inputs).field_u64("generation", u64::from(generation)).finish(),
    }
}

impl ItemView<'_> {
    /// What decoding a batch gives, whoever asks for it: the packets and the ingest settings.
    pub(super) fn content_key(self, batch: usize) -> TaskKey {
        let digest = self.footage().batches.get(batch).map_or(&[][..], Batch::digest);
        self.job.hashers().ingest().field("packets", digest).finish()
    }

    /// The key of an ingest task: what it decodes, and which frames of it are wanted in this pass.
    pub(crate) fn ingest_key(self, batch: usize, lookup: Lookup) -> TaskKey {
        self.latest_ingest(batch, lookup).0
    }

    /// The key of an ingest task in its newest retry generation, and what the ledger has under it.
    pub(crate) fn latest_ingest(self, batch: usize, lookup: Lookup) -> (TaskKey, Option<EntryOutcomes>) {
        let footage = self.footage();
        let mut hasher = self
            .job
            .hashers()
            .ingest()
            .field("item", footage.item.name.as_bytes())
            .key("content", &self.content_key(batch));
        hasher = hash_range(hasher, "range", &footage.batch_range(batch));
        for rendition in [Rendition::Proxy, Rendition::Full] {
            hasher = hash_frames(hasher, "wanted", &self.wanted(batch, rendition));
        }
        let inputs = hasher.finish();
        let key = |generation| in_generation(&inputs, generation);
        self.latest_generation(TaskRef::ingest(self.pass(), self.number(), batch), key, lookup)
    }

    /// The key of a task in its newest retry generation, and what the ledger has under it: generation 0 when nothing failed in it,
    /// the one after the newest that failed when this run raised the task's generation, and that is not done yet.
    pub(crate) fn latest_generation(
        self,
        task: TaskRef,
        key: impl Fn(u32) -> TaskKey,
        lookup: Lookup,
    ) -> (TaskKey, Option<EntryOutcomes>) {
        let first = key(0);
        let mut newest = (first, lookup(&first));
        for generation in 1.. {
            if !newest.1.as_ref().is_some_and(has_failures) {
                break;
            }
            let next = key(generation);
            let entry = lookup(&next);
            if entry.is_none() && !self.item.retried.contains(&task) {
                break;
            }
            newest = (next, entry);
        }
        newest
    }
}

/// Whether a frame has failed: what `--retry-failed` does again.
pub(crate) fn has_failures(entry: &EntryOutcomes) -> bool {
    entry.outcomes.as_ref().is_some_and(|outcomes| !outcomes.failed.is_empty())
}

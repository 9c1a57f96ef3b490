//! Packing many entries and their annotations into few objects.
//!
//! A segment's blocks are written first, then its index, which makes it readable; only then do the entries it holds go
//! away one by one. Wherever this stops, every entry is in one place or in both.
use crate::documents::prune_documents;
use crate::index::{Place, Slot};
use crate::tasks::{annotations_part, frames};
use crate::{Ledger, LedgerError, TaskKey, layout};
use framefleet_proto::v1::{Entry, SegmentIndex, SegmentRow};
use prost::Message;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Frames that a segment speaks of, at least.
const SEGMENT_FRAMES: u64 = 10_000;
/// Entries in a segment at most: those of a finish or of stills speak of few frames or none.
const SEGMENT_ENTRIES: usize = 10_000;

impl Ledger {
    /// Packs entries into segments of at least 10,000 frames each, across items; what is left over waits for the next time.
    /// Tasks may be committed meanwhile, but none may be under way in another process: their marks go, and documents that only
    /// tasks referred to.
    pub async fn compact(&self) -> Result<(), LedgerError> {
        self.clear_marks().await?;
        prune_documents(self.store(), &self.completed_steps().await?).await?;
        self.compact_from(SEGMENT_FRAMES).await
    }

    /// [`Ledger::compact`] into segments of at least so many frames, leaving marks and documents.
    pub async fn compact_from(&self, min_frames: u64) -> Result<(), LedgerError> {
        let _alone = self.maintenance("compact").await?;
        for keys in self.packs(min_frames) {
            self.pack(&keys).await?;
        }
        Ok(())
    }

    /// Loose entries in groups that are worth a segment, in order of step, item and frame.
    fn packs(&self, min_frames: u64) -> Vec<Vec<TaskKey>> {
        let mut loose: Vec<(TaskKey, Arc<Entry>)> = {
            let index = self.index();
            let slots = index.slots.iter().filter(|(_, slot)| slot.place == Place::Loose);
            slots.map(|(key, slot)| (*key, slot.entry)).collect()
        };
        loose.sort_by(|(a, first), (b, second)| position(first).cmp(&position(second)).then(a.cmp(b)));
        let (mut packs, mut pack, mut held) = (Vec::new(), Vec::new(), 0);
        for (key, entry) in loose {
            held += frames(&entry);
            pack.push(key);
            if held >= min_frames || pack.len() >= SEGMENT_ENTRIES {
                packs.push(std::mem::take(&mut pack));
                held = 0;
            }
        }
        packs
    }

    /// Moves loose entries into one segment.
    async fn pack(&self, keys: &[TaskKey]) -> Result<(), LedgerError> {
        let before: Vec<Slot> = keys.iter().filter_map(|key| self.slot(key)).collect();
        self.write_segment(keys).await?;
        let blocks =
            keys.iter().zip(&before).filter_map(|(key, slot)| Some(layout::part(key, annotations_part(&slot.entry)?)));
        let entries = keys.iter().map(layout::entry);
        self.store().delete(entries).await?;
        self.store().delete(blocks.collect::<Vec<_>>()).await
    }

    /// Writes a segment of entries and their blocks, wherever they are, and looks for them there from then on.
    async fn write_segment(&self, keys: &[TaskKey]) -> Result<(), LedgerError> {
        let mut hasher = blake3::Hasher::new();
        for key in keys {
            hasher.update(key.as_bytes());
        }
        // Named by what it holds and by the epoch: never the name of a segment that it replaces.
        let id: Arc<str> = format!("{:08}-{}", self.epoch(), &hasher.finalize().to_hex()[..32]).into();
        let mut blocks = self.store().upload(&layout::segment_blocks(&id)).await?;
        let (mut rows, mut offset) = (Vec::with_capacity(keys.len()), 0);
        for key in keys {
            let (bytes, entry) = self.block_bytes(key).await?;
            blocks.write(&bytes).await?;
            rows.push(SegmentRow { entry: Some(entry.as_ref().clone()), offset });
            offset += bytes.len() as u64;
        }
        blocks.finish().await?;
        let index = SegmentIndex { rows };
        self.check_owner("compact")?;
        self.store().write(&layout::segment_index(&id), index.encode_to_vec().into()).await?;
        let _no_commits = self.no_commits().await;
        let mut known = self.index_mut();
        for (key, row) in keys.iter().zip(index.rows) {
            known.slots.move_to(key, Place::Segment(id.clone(), row.offset));
        }
        Ok(())
    }

    /// Writes what is left of segments into new ones, then removes the old: index first, since it makes them readable.
    pub(crate) async fn rewrite(&self, segments: &HashSet<Arc<str>>) -> Result<(), LedgerError> {
        let mut left: BTreeMap<Arc<str>, Vec<TaskKey>> = segments.iter().map(|id| (id.clone(), Vec::new())).collect();
        for (key, place) in self.index().slots.places() {
            if let Place::Segment(id, _) = place
                && let Some(keys) = left.get_mut(id)
            {
                keys.push(*key);
            }
        }
        for (id, mut keys) in left {
            keys.sort();
            if !keys.is_empty() {
                self.write_segment(&keys).await?;
            }
            self.store().delete([layout::segment_index(&id)]).await?;
            self.store().delete([layout::segment_blocks(&id)]).await?;
        }
        Ok(())
    }
}

/// Where a task stands among others.
fn position(entry: &Entry) -> (&str, i32, &str, u64) {
    match &entry.id {
        Some(id) => (&id.step, id.kind, &id.item, id.range.map_or(0, |range| range.start)),
        None => ("", 0, "", 0),
    }
}

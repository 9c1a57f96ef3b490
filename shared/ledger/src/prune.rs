//! Removing what no result refers to any more.
use crate::index::{Place, Slot};
use crate::parts::finish_key;
use crate::{Ledger, LedgerError, TaskKey, layout};
use framefleet_proto::v1::{PartKind, StepManifest};
use futures::TryStreamExt;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

impl Ledger {
    /// Removes the entries of a step that no manifest refers to: the results of earlier settings. Those that this run has asked
    /// for stay, unless their artifacts were written over. Entries go before their parts, so that no entry is ever
    /// without its parts.
    pub(crate) async fn prune(&self, step: &str) -> Result<(), LedgerError> {
        let dead = self.dead(step).await?;
        if dead.is_empty() {
            return Ok(());
        }
        let parts = dead.iter().flat_map(|(key, slot)| slot.entry.parts.iter().map(|part| layout::part(key, part)));
        let parts: Vec<String> = parts.collect();
        let segments = dead.iter().filter_map(|(_, slot)| match &slot.place {
            Place::Segment(id, _) => Some(id.clone()),
            Place::Loose => None,
        });
        let segments: HashSet<Arc<str>> = segments.collect();
        let keys: Vec<TaskKey> = dead.into_iter().map(|(key, _)| key).collect();
        let loose: Vec<String> = self.forget(&keys).into_iter().map(|key| layout::entry(&key)).collect();
        self.rewrite(&segments).await?;
        self.inner.store.delete(loose).await?;
        self.inner.store.delete(parts).await
    }

    /// The entries of a step that are to go.
    async fn dead(&self, step: &str) -> Result<Vec<(TaskKey, Slot)>, LedgerError> {
        let steps = self.completed_steps().await?;
        let mut kept = HashSet::new();
        for manifest in steps.iter().filter_map(|step| step.manifest.as_ref()) {
            self.note_referred(manifest, &mut kept).await?;
        }
        let published: HashSet<&[u8]> =
            steps.iter().flat_map(|step| &step.files).map(|file| file.digest.as_ref()).collect();
        let unreferred: Vec<(TaskKey, Slot)> = {
            let index = self.index();
            let of_step = |slot: &Slot| slot.entry.id.as_ref().is_some_and(|id| id.step == step);
            let found = index.slots.iter().filter(|(key, slot)| of_step(slot) && !kept.contains(key));
            found.map(|(key, slot)| (*key, slot)).collect()
        };
        let mut dead = Vec::new();
        for (key, slot) in unreferred {
            if !self.index().slots.was_asked(&key) || self.lost_artifacts(&key, &slot, &published).await? {
                dead.push((key, slot));
            }
        }
        Ok(dead)
    }

    /// Adds the keys that a manifest refers to.
    async fn note_referred(&self, manifest: &StepManifest, keys: &mut HashSet<TaskKey>) -> Result<(), LedgerError> {
        let mut tasks = self.tasks(manifest);
        while let Some(task) = tasks.try_next().await? {
            keys.extend(TaskKey::from_bytes(&task.key));
        }
        keys.extend(finish_key(manifest).ok().flatten());
        Ok(())
    }

    /// Whether the bytes of some artifact of an entry are neither among the parts nor in the output.
    async fn lost_artifacts(
        &self,
        key: &TaskKey,
        slot: &Slot,
        published: &HashSet<&[u8]>,
    ) -> Result<bool, LedgerError> {
        let artifacts = slot.entry.parts.iter().filter(|part| layout::kind(part) == PartKind::Artifact);
        for part in artifacts.filter(|part| !published.contains(part.digest.as_ref())) {
            if self.inner.store.length(&layout::part(key, part)).await?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Drops keys from the index; those that were loose.
    fn forget(&self, keys: &[TaskKey]) -> Vec<TaskKey> {
        let mut index = self.index_mut();
        let removed = keys.iter().filter_map(|key| index.slots.remove(key).map(|place| (*key, place)));
        removed.filter(|(_, place)| *place == Place::Loose).map(|(key, _)| key).collect()
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
            self.inner.store.delete([layout::segment_index(&id)]).await?;
            self.inner.store.delete([layout::segment_blocks(&id)]).await?;
        }
        Ok(())
    }
}

//! What only one task of the owner does at a time: packing or removing entries, and replacing the results of steps.
mod compact;

use crate::index::Place;
use crate::{Ledger, LedgerError, TaskKey, layout, step_name};
use framefleet_proto::v1::{CompletedStep, Entry};
use prost::Message;
use std::collections::HashSet;
use std::sync::Arc;

/// The right to replace what an output holds, while it is held.
pub struct Maintenance<'l> {
    ledger: &'l Ledger,
    _alone: tokio::sync::MutexGuard<'l, ()>,
}

impl Ledger {
    /// Waits until nobody else of this process replaces anything. Only the output's owner may; `action` names what was to be done.
    pub async fn maintenance(&self, action: &'static str) -> Result<Maintenance<'_>, LedgerError> {
        self.check_owner(action)?;
        Ok(Maintenance { ledger: self, _alone: self.alone().await })
    }
}

impl Maintenance<'_> {
    /// Makes this what the ledger says of a step: its manifest, and the files that were derived from it.
    pub async fn put_step(&self, step: &CompletedStep) -> Result<(), LedgerError> {
        self.ledger.check_owner("complete a step")?;
        self.ledger.store().write(&layout::step(step_name(step)), step.encode_to_vec().into()).await
    }

    /// Removes entries with their parts. Entries go first, so that no entry is ever without its parts.
    pub async fn remove_entries(&self, entries: &[(TaskKey, Arc<Entry>)]) -> Result<(), LedgerError> {
        let parts = entries.iter().flat_map(|(key, entry)| entry.parts.iter().map(|part| layout::part(key, part)));
        let mut segments = HashSet::new();
        let mut loose = Vec::new();
        for (key, place) in self.forget(entries) {
            match place {
                Place::Segment(id, _) => drop(segments.insert(id)),
                Place::Loose => loose.push(layout::entry(&key)),
            }
        }
        self.ledger.rewrite(&segments).await?;
        self.ledger.store().delete(loose).await?;
        self.ledger.store().delete(parts).await
    }

    /// Drops entries from the index: where they lay.
    fn forget(&self, entries: &[(TaskKey, Arc<Entry>)]) -> Vec<(TaskKey, Place)> {
        let mut index = self.ledger.index_mut();
        entries.iter().filter_map(|(key, _)| Some((*key, index.slots.remove(key)?))).collect()
    }
}

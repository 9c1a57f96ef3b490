//! Entries that other processes made while this one had the output open.
use super::describe;
use crate::index::{Index, Place, Slot};
use crate::{Ledger, LedgerError, TaskKey, layout};
use framefleet_proto::v1::{Entry, PartKind};
use prost::Message;
use std::sync::Arc;

impl Ledger {
    /// The entry of a task, looked for in the output when this process does not know it. The owner remembers it from then
    /// on.
    pub async fn find(&self, key: &TaskKey) -> Result<Option<Arc<Entry>>, LedgerError> {
        match self.entry(key) {
            Some(entry) => Ok(Some(entry)),
            None => Ok(self.find_slot(key).await?.map(|slot| slot.entry)),
        }
    }

    /// The entry of a key that must have one, as the owner or a reader knows it; `what` names the task in the error.
    pub fn known(&self, key: &TaskKey, what: &str) -> Result<Arc<Entry>, LedgerError> {
        self.entry(key).ok_or_else(|| LedgerError::MissingEntry { what: what.to_owned(), key: *key })
    }

    /// The entry of a key that must have one.
    pub(crate) async fn existing(&self, key: &TaskKey, what: &str) -> Result<Arc<Entry>, LedgerError> {
        self.find(key).await?.ok_or_else(|| LedgerError::MissingEntry { what: what.to_owned(), key: *key })
    }

    /// An entry and its place.
    pub(crate) async fn find_slot(&self, key: &TaskKey) -> Result<Option<Slot>, LedgerError> {
        if let Some(slot) = self.slot(key) {
            return Ok(Some(slot));
        }
        if let Some(entry) = self.read_loose(key).await? {
            return Ok(Some(Slot { entry: self.note(*key, entry), place: Place::Loose }));
        }
        if !self.is_worker() {
            return Ok(None);
        }
        // What is in segments is known from their indices, which a worker reads when it first needs one.
        let segments = Index::load_segments(self.store()).await?;
        let mut index = self.index_mut();
        index.slots = segments.slots;
        Ok(index.slots.get(key))
    }

    /// An entry that lies by itself. One of an earlier owner's worker counts only if its parts are there: they may have been
    /// removed, since no entry listed them, just before it was created. Then it goes, too.
    async fn read_loose(&self, key: &TaskKey) -> Result<Option<Entry>, LedgerError> {
        let (store, path) = (self.store(), layout::entry(key));
        let Some(bytes) = store.read(&path).await? else { return Ok(None) };
        let entry = Entry::decode(bytes).map_err(|error| store.damaged(&path, error))?;
        if entry.key != key.as_bytes()[..] {
            return Err(store.damaged(&path, "it is the entry of another key"));
        }
        if entry.epoch < self.epoch() && self.is_owner() {
            for part in &entry.parts {
                let may_have_moved = layout::kind(part) == PartKind::Artifact;
                if !may_have_moved && store.length(&layout::part(key, part)).await?.is_none() {
                    tracing::warn!(task = describe(&entry), "an entry without its parts is removed");
                    store.delete([path]).await?;
                    return Ok(None);
                }
            }
        }
        Ok(Some(entry))
    }
}

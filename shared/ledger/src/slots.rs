//! The entries that a process knows, by key. There is one for every task as long as a job runs, so they are kept small: each
//! is one piece of memory (those of a segment are one together), since the dozen little ones of a decoded message, strewn among everything that running tasks
//! allocate, would keep the heap from ever giving a page back.
use crate::TaskKey;
use crate::index::{Place, Slot};
use bytes::Bytes;
use framefleet_proto::v1::Entry;
use prost::Message;
use std::collections::HashMap;
use std::sync::Arc;

/// Entries and their places; they are encoded when they are put in, and decoded when they are asked for.
#[derive(Debug, Default)]
pub(crate) struct Slots(HashMap<TaskKey, Kept>);

/// What is kept of an entry.
#[derive(Debug)]
struct Kept {
    entry: Bytes,
    place: Place,
}

impl Kept {
    fn new(slot: &Slot) -> Self {
        Self { entry: slot.entry.encode_to_vec().into(), place: slot.place.clone() }
    }

    /// `None` when it came out of a segment and is no entry: its task will be done again.
    fn slot(&self) -> Option<Slot> {
        let entry = Entry::decode(self.entry.clone()).ok()?;
        Some(Slot { entry: Arc::new(entry), place: self.place.clone() })
    }
}

impl Slots {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The entry of a key.
    pub fn get(&self, key: &TaskKey) -> Option<Slot> {
        self.0.get(key).and_then(Kept::slot)
    }

    /// All entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&TaskKey, Slot)> {
        self.0.iter().filter_map(|(key, kept)| Some((key, kept.slot()?)))
    }

    /// Where all entries lie, in no order.
    pub fn places(&self) -> impl Iterator<Item = (&TaskKey, &Place)> {
        self.0.iter().map(|(key, kept)| (key, &kept.place))
    }

    /// Puts an entry in; the place of the one that it replaces.
    pub fn insert(&mut self, key: TaskKey, slot: &Slot) -> Option<Place> {
        self.0.insert(key, Kept::new(slot)).map(|before| before.place)
    }

    /// Puts an entry in as it lies in a segment; the place of the one that it replaces.
    pub fn insert_encoded(&mut self, key: TaskKey, entry: Bytes, place: Place) -> Option<Place> {
        self.0.insert(key, Kept { entry, place }).map(|before| before.place)
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, more: usize) {
        self.0.reserve(more);
    }

    /// Puts an entry in unless its key has one; the one that is there then.
    pub fn insert_new(&mut self, key: TaskKey, slot: Slot) -> Slot {
        if let Some(found) = self.get(&key) {
            return found;
        }
        self.insert(key, &slot);
        slot
    }

    /// Notes that an entry lies elsewhere now.
    pub fn move_to(&mut self, key: &TaskKey, place: Place) {
        if let Some(kept) = self.0.get_mut(key) {
            kept.place = place;
        }
    }

    /// Takes an entry out; the place where it lay.
    pub fn remove(&mut self, key: &TaskKey) -> Option<Place> {
        self.0.remove(key).map(|kept| kept.place)
    }
}

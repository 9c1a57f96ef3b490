//! The entries that a process knows, by key. There is one for every task as long as a job runs, so they are kept small: each
//! is one piece of memory (those of a segment are one together), since the dozen little ones of a decoded message, strewn among everything that running tasks
//! allocate, would keep the heap from ever giving a page back.
use crate::{TaskKey, layout};
use bytes::Bytes;
use framefleet_proto::v1::{Entry, EntryOutcomes, EntryParts, Part, PartKind};
use prost::Message;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where an entry and its annotations lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// An object each.
    Loose,
    /// In the segment of this id, the annotations from this offset.
    Segment(Arc<str>, u64),
}

/// An entry and its place.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub entry: Arc<Entry>,
    pub place: Place,
}

/// Entries and their places; they are encoded when they are put in, and decoded when they are asked for.
#[derive(Debug, Default)]
pub(crate) struct Slots(HashMap<TaskKey, Kept>);

/// What is kept of an entry.
#[derive(Debug)]
pub(super) struct Kept {
    entry: Bytes,
    place: Place,
    /// Whether it needs files besides its own and its segment's.
    has_parts: bool,
    /// Whether this run asked for it or made it: then it stays, whatever the manifests say.
    asked: AtomicBool,
}

impl Kept {
    fn new(slot: &Slot) -> Self {
        let has_parts = own_parts(&slot.entry.parts, &slot.place).next().is_some();
        Self {
            entry: slot.entry.encode_to_vec().into(),
            place: slot.place.clone(),
            has_parts,
            asked: AtomicBool::default(),
        }
    }

    /// An entry as it lies in a segment, and its key; `None` when it is none.
    pub fn encoded(entry: Bytes, place: Place) -> Option<(TaskKey, Self)> {
        let EntryParts { key, parts } = EntryParts::decode(entry.as_ref()).ok()?;
        let has_parts = own_parts(&parts, &place).next().is_some();
        Some((TaskKey::from_bytes(&key).ok()?, Self { entry, place, has_parts, asked: AtomicBool::default() }))
    }

    fn ask(&self) -> &Self {
        self.asked.store(true, Ordering::Relaxed);
        self
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

    /// [`Slots::get`], noting that this run asked for it.
    pub fn ask(&self, key: &TaskKey) -> Option<Slot> {
        self.0.get(key).and_then(|kept| kept.ask().slot())
    }

    /// What came of a task, noting that this run asked for it.
    pub fn ask_outcomes(&self, key: &TaskKey) -> Option<EntryOutcomes> {
        EntryOutcomes::decode(self.0.get(key)?.ask().entry.as_ref()).ok()
    }

    /// Whether this run asked for an entry.
    pub fn was_asked(&self, key: &TaskKey) -> bool {
        self.0.get(key).is_some_and(|kept| kept.asked.load(Ordering::Relaxed))
    }

    /// Entries that need files besides their own and their segment's, in no order.
    pub fn with_parts(&self) -> impl Iterator<Item = (&TaskKey, Slot)> {
        self.0.iter().filter(|(_, kept)| kept.has_parts).filter_map(|(key, kept)| Some((key, kept.slot()?)))
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
    pub(super) fn insert_kept(&mut self, key: TaskKey, kept: Kept) -> Option<Place> {
        self.0.insert(key, kept).map(|before| before.place)
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, more: usize) {
        self.0.reserve(more);
    }

    /// Puts an entry in that this run asked for or made, unless its key has one; the one that is there then.
    pub fn insert_new(&mut self, key: TaskKey, slot: Slot) -> Slot {
        if let Some(found) = self.ask(&key) {
            return found;
        }
        let kept = Kept::new(&slot);
        kept.ask();
        self.0.insert(key, kept);
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

/// The parts that lie in files of their own: annotations of a task in a segment do not.
pub(crate) fn own_parts<'a>(parts: &'a [Part], place: &Place) -> impl Iterator<Item = &'a Part> {
    let loose = *place == Place::Loose;
    parts.iter().filter(move |part| loose || layout::kind(part) != PartKind::Annotations)
}

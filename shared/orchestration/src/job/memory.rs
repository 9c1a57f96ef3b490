//! Memory for frames in flight, and the frames that it is reserved for. A batch is admitted with a reservation that covers its renditions
//! and the frames that tasks make of whole batches; for frames that are made in parts, memory is reserved slice by slice.
use framefleet_proto::v1::Pixels;
use std::collections::{BTreeMap, BTreeSet};

/// A batch, or a slice, of an item.
pub(crate) type Place = (usize, usize);

/// Frames that a task makes: step, item, group.
pub(crate) type Making = (usize, usize, usize);

/// Admitted batches that may wait for their frames, at least; a fleet with more slots allows more.
const AHEAD: usize = 8;

/// Batches that may be live, whether they hold memory or not.
const LIVE_LIMIT: usize = 4096;

/// Where a batch's decoded frames are.
#[derive(Debug)]
enum Decoded {
    /// They are to come.
    Awaited,
    /// They are there.
    Here(Vec<Pixels>),
    /// Nothing looks at them any more; frames made of them may still hold the reservation.
    Released,
}

/// A batch's volatile frames while they may be needed.
#[derive(Debug)]
struct Admitted {
    /// Bytes reserved for it.
    bytes: u64,
    decoded: Decoded,
}

/// What is admitted, and the memory that it takes.
#[derive(Debug)]
pub(crate) struct FrameMemory {
    reserved: u64,
    /// Admitted batches that may wait for their frames: enough to keep decoding ahead, few enough that looking through all
    /// that is live stays cheap.
    ahead: usize,
    /// Batches with open tasks or volatile frames.
    live: BTreeSet<Place>,
    batches: BTreeMap<Place, Admitted>,
    /// Bytes reserved for frames that are made in parts, by slice.
    slices: BTreeMap<Place, u64>,
    /// Frames that tasks made, while they may be needed.
    made: BTreeMap<Making, Vec<Pixels>>,
    /// Volatile frames that nothing needs (any more).
    unneeded: Vec<Pixels>,
}

impl FrameMemory {
    /// Nothing is admitted.
    pub fn new() -> Self {
        Self {
            reserved: 0,
            ahead: AHEAD,
            live: BTreeSet::new(),
            batches: BTreeMap::new(),
            slices: BTreeMap::new(),
            made: BTreeMap::new(),
            unneeded: Vec::new(),
        }
    }

    /// Lets any number of batches wait for their frames.
    pub fn lift_limit(&mut self) {
        self.ahead = usize::MAX;
    }

    /// Lets as many batches wait for their frames as keep so many slots busy. Never fewer than before: what is admitted stays.
    pub fn set_slots(&mut self, slots: usize) {
        self.ahead = self.ahead.max(2 * slots);
    }

    /// Bytes that are reserved.
    pub fn reserved(&self) -> u64 {
        self.reserved
    }

    /// Whether so many bytes more can be reserved of a budget. Whoever is alone gets what it needs: a plan that cannot fit is refused before.
    pub fn has_room(&self, bytes: u64, budget: u64) -> bool {
        self.reserved + bytes <= budget || self.batches.is_empty() && self.slices.is_empty()
    }

    /// Whether another batch may wait for its frames.
    pub fn may_wait(&self) -> bool {
        self.waiting().count() < self.ahead
    }

    /// Whether another batch may be live.
    pub fn may_live(&self) -> bool {
        self.live.len() < LIVE_LIMIT.max(self.ahead)
    }

    /// Reserves memory for a batch. `decodes`: its frames are to come.
    pub fn admit(&mut self, batch: Place, bytes: u64, decodes: bool) {
        let decoded = if decodes { Decoded::Awaited } else { Decoded::Released };
        self.batches.insert(batch, Admitted { bytes, decoded });
        self.reserved += bytes;
    }

    /// Reserves memory for the frames that are made of a slice in parts.
    pub fn admit_slice(&mut self, slice: Place, bytes: u64) {
        self.slices.insert(slice, bytes);
        self.reserved += bytes;
    }

    /// A batch has open tasks or volatile frames.
    pub fn enliven(&mut self, batch: Place) {
        self.live.insert(batch);
    }

    /// Nothing is left to do on a batch. Whether something was.
    pub fn retire(&mut self, batch: Place) -> bool {
        self.live.remove(&batch)
    }

    /// Batches with open tasks or volatile frames, in order.
    pub fn live(&self) -> impl Iterator<Item = Place> {
        self.live.iter().copied()
    }

    /// How many there are.
    pub fn live_batches(&self) -> usize {
        self.live.len()
    }

    /// Admitted batches.
    pub fn batches(&self) -> impl Iterator<Item = Place> {
        self.batches.keys().copied()
    }

    /// Whether a batch is admitted.
    pub fn is_admitted(&self, batch: Place) -> bool {
        self.batches.contains_key(&batch)
    }

    /// Slices with memory for what is made of them in parts.
    pub fn slices(&self) -> impl Iterator<Item = Place> {
        self.slices.keys().copied()
    }

    /// Admitted batches whose frames are to come, in order.
    pub fn waiting(&self) -> impl Iterator<Item = Place> {
        let waits = |(_, admitted): &(&Place, &Admitted)| matches!(admitted.decoded, Decoded::Awaited);
        self.batches.iter().filter(waits).map(|(place, _)| *place)
    }

    /// Whether the frames of a batch are to come.
    pub fn is_waiting(&self, batch: Place) -> bool {
        self.batches.get(&batch).is_some_and(|admitted| matches!(admitted.decoded, Decoded::Awaited))
    }

    /// The decoded frames of a batch, if they are there.
    pub fn decoded(&self, batch: Place) -> Option<&[Pixels]> {
        match &self.batches.get(&batch)?.decoded {
            Decoded::Here(frames) => Some(frames),
            Decoded::Awaited | Decoded::Released => None,
        }
    }

    /// Takes decoded frames of a batch. Whether it waited for them; else nothing needs them.
    pub fn put_decoded(&mut self, batch: Place, frames: Vec<Pixels>) -> bool {
        match self.batches.get_mut(&batch) {
            Some(Admitted { decoded: decoded @ Decoded::Awaited, .. }) => {
                *decoded = Decoded::Here(frames);
                true
            }
            _ => {
                self.discard(frames);
                false
            }
        }
    }

    /// The decoded frames of a batch are gone: they are to come once more.
    pub fn lose_decoded(&mut self, batch: Place) {
        let Some(admitted) = self.batches.get_mut(&batch) else { return };
        if let Decoded::Here(frames) = &mut admitted.decoded {
            self.unneeded.append(frames);
            admitted.decoded = Decoded::Awaited;
        }
    }

    /// Nothing looks at the decoded frames of a batch any more.
    pub fn release_decoded(&mut self, batch: Place) {
        let Some(admitted) = self.batches.get_mut(&batch) else { return };
        if let Decoded::Here(frames) = std::mem::replace(&mut admitted.decoded, Decoded::Released) {
            self.unneeded.extend(frames);
        }
    }

    /// Gives back what is reserved for a batch.
    pub fn free(&mut self, batch: Place) {
        self.reserved -= self.batches.remove(&batch).map_or(0, |admitted| admitted.bytes);
    }

    /// Gives back what is reserved for a slice.
    pub fn free_slice(&mut self, slice: Place) {
        self.reserved -= self.slices.remove(&slice).unwrap_or_default();
    }

    /// The tasks whose frames are kept.
    pub fn makings(&self) -> impl Iterator<Item = Making> {
        self.made.keys().copied()
    }

    /// The frames that a task made, if they are kept.
    pub fn made(&self, making: Making) -> Option<&[Pixels]> {
        self.made.get(&making).map(Vec::as_slice)
    }

    /// Keeps the frames that a task made.
    pub fn keep_made(&mut self, making: Making, frames: Vec<Pixels>) {
        self.made.insert(making, frames);
    }

    /// Nothing needs the frames that a task made any more, or they are gone.
    pub fn release_made(&mut self, making: Making) {
        let made = self.made.remove(&making).unwrap_or_default();
        self.discard(made);
    }

    /// Nothing needs these frames.
    pub fn discard(&mut self, frames: Vec<Pixels>) {
        self.unneeded.extend(frames);
    }

    /// Volatile frames that nothing needs any more; they are the caller's to release.
    pub fn take_unneeded(&mut self) -> Vec<Pixels> {
        std::mem::take(&mut self.unneeded)
    }

    /// Gives up all volatile frames: the job goes no further.
    pub fn abandon(&mut self) {
        let made = std::mem::take(&mut self.made).into_values().flatten();
        self.unneeded.extend(made);
        for admitted in std::mem::take(&mut self.batches).into_values() {
            if let Decoded::Here(frames) = admitted.decoded {
                self.unneeded.extend(frames);
            }
        }
        self.slices.clear();
        self.reserved = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(name: &str) -> Vec<Pixels> {
        vec![Pixels { made_by: name.to_owned(), ..Pixels::default() }]
    }

    fn names(frames: &[Pixels]) -> Vec<&str> {
        frames.iter().map(|frames| frames.made_by.as_str()).collect()
    }

    #[test]
    fn reservations_are_given_back_and_a_lone_batch_may_exceed_the_budget() {
        let mut memory = FrameMemory::new();
        assert!(memory.has_room(500, 100), "whoever is alone gets what it needs");
        memory.admit((0, 0), 70, true);
        memory.admit_slice((0, 0), 20);
        assert!(memory.has_room(10, 100) && !memory.has_room(11, 100));
        memory.free((0, 0));
        memory.free((0, 0));
        assert_eq!(memory.reserved(), 20);
        memory.free_slice((0, 0));
        assert_eq!(memory.reserved(), 0);
    }

    #[test]
    fn decoded_frames_are_taken_once_and_released() {
        let mut memory = FrameMemory::new();
        memory.admit((0, 0), 10, true);
        memory.admit((0, 1), 10, false);
        assert_eq!(memory.waiting().collect::<Vec<_>>(), [(0, 0)]);
        assert!(memory.put_decoded((0, 0), frames("a")) && !memory.put_decoded((0, 0), frames("twice")));
        assert!(!memory.put_decoded((0, 1), frames("nobody asked")) && !memory.put_decoded((9, 9), frames("unknown")));
        assert_eq!(names(memory.decoded((0, 0)).unwrap()), ["a"]);
        memory.lose_decoded((0, 0));
        assert!(memory.is_waiting((0, 0)) && memory.put_decoded((0, 0), frames("b")));
        memory.release_decoded((0, 0));
        assert!(memory.decoded((0, 0)).is_none() && memory.is_admitted((0, 0)));
        assert_eq!(names(&memory.take_unneeded()), ["twice", "nobody asked", "unknown", "a", "b"]);
    }

    #[test]
    fn whoever_gives_up_keeps_nothing() {
        let mut memory = FrameMemory::new();
        memory.admit((0, 0), 10, true);
        memory.put_decoded((0, 0), frames("decoded"));
        memory.keep_made((2, 0, 0), frames("made"));
        memory.abandon();
        assert_eq!((memory.reserved(), names(&memory.take_unneeded())), (0, vec!["made", "decoded"]));
    }

    #[test]
    fn so_many_batches_wait_as_keep_the_slots_busy() {
        let mut memory = FrameMemory::new();
        (0..AHEAD).for_each(|batch| memory.admit((0, batch), 1, true));
        assert!(!memory.may_wait());
        memory.set_slots(AHEAD);
        assert!(memory.may_wait());
        memory.set_slots(1);
        assert!(memory.may_wait(), "never fewer than before");
    }
}

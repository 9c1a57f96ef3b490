//! Which batches may have memory. They are admitted in item order; a running task never asks for more, so tasks can always go
//! on. Encoders have memory of their own: as many tasks run them as it is enough for. Volatile frames go as soon as every task that looks at them is done.
use super::JobState;
use super::facts::Lookup;
use super::memory::{Making, Place};
use crate::task::TaskRef;
use framefleet_frames::{FrameRange, Rendition};
use framefleet_stage::Halo;
use std::collections::BTreeSet;

/// Renditions that ingest is asked for.
pub(crate) const RENDITIONS: [Rendition; 2] = [Rendition::Proxy, Rendition::Full];

/// Up to where the job is admitted.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    /// The next slice that admission looks at: its item, and its number there.
    place: Place,
    /// Items before this one were settled together, those at the cursor and behind it among them.
    settled_together: usize,
    /// Batches that admission has come to.
    examined: u64,
}

impl Cursor {
    /// The item that it is on.
    pub fn item(&self) -> usize {
        self.place.0
    }

    /// Whether it is at the begin of an item.
    pub fn is_at_begin(&self) -> bool {
        self.place.1 == 0
    }

    /// Whether the item that it is on was settled together with others.
    pub fn is_settled(&self) -> bool {
        self.place.0 < self.settled_together
    }

    /// Items before this one are settled.
    pub fn note_settled(&mut self, end: usize) {
        self.settled_together = end;
    }

    /// Batches that admission has come to.
    pub fn examined(&self) -> u64 {
        self.examined
    }

    /// Back to the begin, for another pass.
    pub fn rewind(&mut self) {
        (self.place, self.settled_together) = ((0, 0), 0);
    }
}

impl JobState {
    /// Moves the cursor over slices that may be admitted. Returns whether it moved. A batch is admitted with its first slice;
    /// frames that are made in parts, slice by slice.
    pub(super) fn admit(&mut self, lookup: Lookup) -> bool {
        let mut moved = false;
        loop {
            self.recover(lookup);
            let Some(next) = self.next_place(lookup) else { break };
            self.cursor.place = next;
            moved = true;
        }
        moved
    }

    /// Where the cursor goes from here; what it passes is admitted. `None` while it has to wait.
    fn next_place(&mut self, lookup: Lookup) -> Option<Place> {
        let (item, slice) = self.cursor.place;
        let footage = self.items.get(item)?.footage();
        let per_batch = footage.slices_per_batch(self.pass());
        let (batch, begins) = (slice / per_batch, slice % per_batch == 0);
        if batch >= footage.batches.len() {
            return footage.complete.then_some((item + 1, 0));
        }
        if begins {
            self.cursor.examined += 1;
            // Far from all that the job does nothing has to be looked up: parts of long footage, and batches of previews, are reached at once.
            let concerned = self.next_concerned(item, batch);
            if concerned > batch {
                return Some((item, concerned * per_batch));
            }
            if !self.can_look_at(item, batch, lookup) {
                return None;
            }
        }
        self.admit_slice(item, slice, begins.then_some(batch)).then_some((item, slice + 1))
    }

    /// Admits a slice, and the batch that begins with it. Whether there was room.
    fn admit_slice(&mut self, item: usize, slice: usize, begun: Option<usize>) -> bool {
        let range = self.footage(item).slice_range(self.pass(), slice);
        let makes_parts = self.will_make_frames(item, &range, true);
        let slice_bytes = if makes_parts { self.slice_bytes(item) } else { 0 };
        let decodes = begun.is_some_and(|batch| self.demands_pixels(item, batch) && self.wants_frames(item, batch));
        let demanded = decodes
            || begun.is_some_and(|batch| self.will_make_frames(item, &self.footage(item).batch_range(batch), false));
        let batch_bytes = if demanded { self.batch_bytes(item) } else { 0 };
        let budget = self.plan().memory.frames(self.pass());
        if !self.memory.has_room(batch_bytes + slice_bytes, budget) || decodes && !self.memory.may_wait() {
            return false;
        }
        if let Some(batch) = begun {
            if demanded {
                self.memory.admit((item, batch), batch_bytes, decodes);
            }
            if demanded || self.has_open_tasks(item, batch) {
                self.memory.enliven((item, batch));
            }
        }
        if makes_parts {
            self.memory.admit_slice((item, slice), slice_bytes);
        }
        true
    }

    /// The first batch from this one on that tasks of the job can have to do with, as far as is known: of those before it, none is of frames
    /// that lie near.
    fn next_concerned(&self, item: usize, batch: usize) -> usize {
        let reach = self.reach() + self.group_frames(item);
        let footage = self.footage(item);
        let known = match footage.complete {
            true => footage.batches.len(),
            false => (footage.frames().saturating_sub(reach) / footage.batch_frames) as usize,
        };
        let near = footage.batch_range(batch).start.saturating_sub(reach);
        let done = footage.first_done(near).and_then(|first| match self.shared.preview() {
            Some(preview) => preview.first_done(item, first).and_then(|first| footage.first_done(first)),
            None => Some(first),
        });
        let next = done.map_or(known, |first| (first.saturating_sub(reach) / footage.batch_frames) as usize);
        next.min(known).max(batch)
    }

    /// Batches of an item that tasks of the job can have to do with.
    pub(super) fn concerned(&self, item: usize) -> std::ops::Range<usize> {
        let reach = self.reach() + self.group_frames(item);
        let footage = self.footage(item);
        let near = footage.selected_range().map(|span| footage.window(&span, Halo { before: reach, after: reach }));
        near.map_or(0..0, |near| footage.batches_of(&near))
    }

    /// Whether enough is known, and little enough under way, to decide on a batch; what the ledger says of the tasks around it
    /// is looked up then.
    fn can_look_at(&mut self, item: usize, batch: usize, lookup: Lookup) -> bool {
        let reach = self.reach() + self.group_frames(item);
        let footage = self.footage(item);
        let range = footage.batch_range(batch);
        if !footage.known_to(range.end + reach) || !self.memory.may_live() {
            return false;
        }
        let near = footage.window(&range, Halo { before: reach, after: reach });
        let neighbours = footage.batches_of(&near);
        self.settle_range(item, neighbours, lookup);
        true
    }

    /// Whether a step looks at any decoded frame of a batch: with sampling, most batches may have none. Those are not decoded, whatever is
    /// done when.
    fn wants_frames(&self, item: usize, batch: usize) -> bool {
        RENDITIONS.iter().any(|&rendition| !self.view(item).wanted(batch, rendition).is_empty())
    }

    /// Releases volatile frames that no open task looks at, and forgets batches with nothing left to do. Returns whether
    /// there is more room for batches than before.
    pub(super) fn release(&mut self) -> bool {
        let (reserved, live) = (self.memory.reserved(), self.memory.live_batches());
        let unwanted = |&(step, item, group): &Making| !self.made_wanted(step, item, group);
        let unwanted: Vec<Making> = self.memory.makings().filter(unwanted).collect();
        unwanted.into_iter().for_each(|making| self.memory.release_made(making));

        let unread = |&(item, batch): &Place| !self.demands_pixels(item, batch);
        let unread: Vec<Place> = self.memory.batches().filter(unread).collect();
        for (item, batch) in unread {
            self.memory.release_decoded((item, batch));
            if !self.has_made_frames(item, &self.footage(item).batch_range(batch), false) {
                self.memory.free((item, batch));
            }
        }
        let slices: Vec<Place> = self.memory.slices().collect();
        for (item, slice) in slices {
            if !self.has_made_frames(item, &self.footage(item).slice_range(self.pass(), slice), true) {
                self.memory.free_slice((item, slice));
            }
        }
        let done = |place: &Place| !self.memory.is_admitted(*place) && !self.has_open_tasks(place.0, place.1);
        let done: Vec<Place> = self.memory.live().filter(done).collect();
        for place in done {
            self.memory.retire(place);
        }
        self.memory.reserved() < reserved || self.memory.live_batches() < live
    }

    /// Whether memory is taken by frames made on a range, in parts or of whole batches, or will be.
    fn has_made_frames(&self, item: usize, range: &FrameRange, in_parts: bool) -> bool {
        self.holds_made(item, range, in_parts) || self.will_make_frames(item, range, in_parts)
    }

    /// Whether an open task on the range makes frames, in parts or of whole batches, that something looks at.
    fn will_make_frames(&self, item: usize, range: &FrameRange, in_parts: bool) -> bool {
        let footage = self.footage(item);
        self.shared.process_steps().iter().any(|&step| {
            self.plan().steps[step].made.is_some()
                && footage.has_parts(step) == in_parts
                && footage
                    .tasks_of(step, range)
                    .any(|task| self.is_open(step, item, task) && self.made_wanted(step, item, task))
        })
    }

    /// Whether frames made on a range, in parts or of whole batches, are still kept.
    fn holds_made(&self, item: usize, range: &FrameRange, in_parts: bool) -> bool {
        let footage = self.footage(item);
        self.memory.makings().any(|(step, of, task)| {
            of == item && footage.has_parts(step) == in_parts && footage.tasks_of(step, range).contains(&task)
        })
    }

    /// Whether there is memory for what a task makes: that of whole batches is reserved before they are decoded, that of parts
    /// once the cursor has passed all its slices.
    pub(super) fn has_room(&self, step: usize, item: usize, index: usize) -> bool {
        let footage = self.footage(item);
        if self.plan().steps[step].made.is_none() || !footage.has_parts(step) {
            return true;
        }
        let range = footage.task_range(step, index, &self.plan().range).unwrap_or_default();
        self.cursor.place >= (item, footage.slices_of(self.pass(), &range).end)
    }

    /// Tasks for whose encoders there is memory: of the open ones those whose frames end first, whether these are there or not.
    /// Frames that several steps encode are released when all have, so a task must not wait for memory behind one of later frames. A
    /// task that runs is among them until it is done, since none before it becomes open again; and the first can always
    /// run in the end, since no task waits for one that encodes.
    pub(super) fn encoding_tasks(&self) -> BTreeSet<TaskRef> {
        let encodes = |step: &usize| self.plan().steps[*step].encodes.is_some();
        let steps: Vec<usize> = self.shared.process_steps().iter().copied().filter(encodes).collect();
        let mut open = BTreeSet::new();
        for (item, batch) in self.memory.live().filter(|_| !steps.is_empty()) {
            let footage = self.footage(item);
            let range = footage.batch_range(batch);
            for &step in &steps {
                for index in footage.tasks_of(step, &range).filter(|index| self.is_open(step, item, *index)) {
                    let end = (index as u64 + 1) * footage.task_frames(step);
                    open.insert((item, end, step, index));
                }
            }
        }
        let (mut tasks, mut left) = (BTreeSet::new(), self.plan().memory.encoders(self.pass()));
        for (item, _, step, index) in open {
            let bytes = self.footage(item).encoder_bytes(step);
            if bytes > left && !tasks.is_empty() {
                break;
            }
            left = left.saturating_sub(bytes);
            tasks.insert(TaskRef::process(self.pass(), step, item, index));
        }
        tasks
    }

    /// Frames by which a chain of halos can reach over a batch's edges.
    fn reach(&self) -> u64 {
        let halos = self.shared.process_steps().iter().map(|&step| self.plan().steps[step].halo);
        halos.map(|halo| halo.before + halo.after).sum()
    }

    /// Frames of the longest task of this pass, when some are longer than a batch or lie across batches.
    fn group_frames(&self, item: usize) -> u64 {
        let footage = self.footage(item);
        let lengths = self.shared.process_steps().iter().map(|&step| footage.task_frames(step));
        lengths.filter(|length| !footage.batch_frames.is_multiple_of(*length)).max().unwrap_or(0)
    }

    /// Bytes that a whole batch of an item can hold in this pass.
    fn batch_bytes(&self, item: usize) -> u64 {
        framefleet_pipeline::batch_bytes(self.plan(), self.pass(), &self.footage(item).item)
    }

    /// Bytes that frames made in parts can hold of a slice of an item in this pass.
    fn slice_bytes(&self, item: usize) -> u64 {
        framefleet_pipeline::slice_bytes(self.plan(), self.pass(), &self.footage(item).item)
    }
}

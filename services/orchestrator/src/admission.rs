//! Memory for frames in flight. Batches are admitted in item order, each with a reservation that covers its renditions and the
//! frames that tasks make of whole batches; for frames that are made in parts, memory is reserved slice by slice. A running task
//! never asks for more, so tasks can always go on. Encoders have memory of their own: as many tasks run them as it is enough for.
//! Volatile frames go as soon as every task that looks at them is done.
use crate::schedule::RENDITIONS;
use crate::state::{Admitted, Decoded, JobState, Lookup};
use crate::task::TaskRef;
use framefleet_media::FrameRange;
use framefleet_stage::Halo;
use std::collections::BTreeSet;

/// Batches that may be live, whether they hold memory or not.
const LIVE_LIMIT: usize = 4096;

impl JobState {
    /// Moves the cursor over slices that may be admitted. Returns whether it moved. A batch is admitted with its first slice;
    /// frames that are made in parts, slice by slice.
    pub(crate) fn admit(&mut self, lookup: Lookup) -> bool {
        let mut moved = false;
        loop {
            let (item, slice) = self.cursor;
            self.take_up(lookup);
            let Some(footage) = self.footage.get(item) else { break };
            let per_batch = footage.slices_per_batch(self.pass);
            let (batch, begins) = (slice / per_batch, slice % per_batch == 0);
            if batch >= footage.batches.len() {
                if !footage.complete {
                    break;
                }
                self.cursor = (item + 1, 0);
                moved = true;
                continue;
            }
            // Far from all that the job does nothing has to be looked up: parts of long footage, and batches of previews, are reached at once.
            self.examined += u64::from(begins);
            let next = if begins { self.next_concerned(item, batch) } else { batch };
            if next > batch {
                self.cursor = (item, next * per_batch);
                moved = true;
                continue;
            }
            if begins && !self.can_look_at(item, batch, lookup) {
                break;
            }
            let range = self.footage[item].slice_range(self.pass, slice);
            let makes_parts = self.will_make_frames(item, &range, true);
            let slice_bytes = if makes_parts { self.slice_bytes(item) } else { 0 };
            let decodes = begins && self.demands_pixels(item, batch) && self.wants_frames(item, batch);
            let demanded =
                decodes || begins && self.will_make_frames(item, &self.footage[item].batch_range(batch), false);
            let batch_bytes = if demanded { self.batch_bytes(item) } else { 0 };
            let is_alone = self.admitted.is_empty() && self.slices.is_empty();
            if self.reserved + batch_bytes + slice_bytes > self.plan.memory.frames(self.pass) && !is_alone {
                break;
            }
            if demanded {
                let is_waiting = |admitted: &&Admitted| matches!(admitted.decoded, Decoded::Awaited);
                if decodes && self.admitted.values().filter(is_waiting).count() >= self.ahead {
                    break;
                }
                let decoded = if decodes { Decoded::Awaited } else { Decoded::Released };
                self.admitted.insert((item, batch), Admitted { bytes: batch_bytes, decoded });
            }
            if makes_parts {
                self.slices.insert((item, slice), slice_bytes);
            }
            self.reserved += batch_bytes + slice_bytes;
            if begins && (demanded || self.has_open_tasks(item, batch)) {
                self.live.insert((item, batch));
            }
            self.cursor = (item, slice + 1);
            moved = true;
        }
        moved
    }

    /// The first batch from this one on that tasks of the job can have to do with, as far as is known: of those before it, none is of frames
    /// that lie near.
    fn next_concerned(&self, item: usize, batch: usize) -> usize {
        let reach = self.reach() + self.group_frames(item);
        let footage = &self.footage[item];
        let known = match footage.complete {
            true => footage.batches.len(),
            false => (footage.frames().saturating_sub(reach) / footage.batch_frames) as usize,
        };
        let near = footage.batch_range(batch).start.saturating_sub(reach);
        let done = footage.first_done(near).and_then(|first| match &self.preview {
            Some(preview) => preview.first_done(item, first).and_then(|first| footage.first_done(first)),
            None => Some(first),
        });
        let next = done.map_or(known, |first| (first.saturating_sub(reach) / footage.batch_frames) as usize);
        next.min(known).max(batch)
    }

    /// Batches of an item that tasks of the job can have to do with.
    pub(crate) fn concerned(&self, item: usize) -> std::ops::Range<usize> {
        let reach = self.reach() + self.group_frames(item);
        let footage = &self.footage[item];
        let near = footage.selected_range().map(|span| footage.window(&span, Halo { before: reach, after: reach }));
        near.map_or(0..0, |near| footage.batches_of(&near))
    }

    /// Whether enough is known, and little enough under way, to decide on a batch; what the ledger says of the tasks around it
    /// is looked up then.
    fn can_look_at(&mut self, item: usize, batch: usize, lookup: Lookup) -> bool {
        let reach = self.reach() + self.group_frames(item);
        let footage = &self.footage[item];
        let range = footage.batch_range(batch);
        if !footage.known_to(range.end + reach) || self.live.len() >= LIVE_LIMIT.max(self.ahead) {
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
        RENDITIONS.iter().any(|&rendition| !self.wanted(item, batch, rendition).is_empty())
    }

    /// Releases volatile frames that no open task looks at, and forgets batches with nothing left to do. Returns whether
    /// there is more room for batches than before.
    pub(crate) fn release(&mut self) -> bool {
        let (reserved, live) = (self.reserved, self.live.len());
        let made: Vec<(usize, usize, usize)> = self.made.keys().copied().collect();
        for place in made {
            if !self.made_wanted(place.0, place.1, place.2) {
                self.orphans.extend(self.made.remove(&place).unwrap_or_default());
            }
        }
        let admitted: Vec<(usize, usize)> = self.admitted.keys().copied().collect();
        for (item, batch) in admitted {
            if self.demands_pixels(item, batch) {
                continue;
            }
            let released =
                self.admitted.get_mut(&(item, batch)).map(|of| std::mem::replace(&mut of.decoded, Decoded::Released));
            if let Some(Decoded::Here(frames)) = released {
                self.orphans.extend(frames);
            }
            if !self.has_made_frames(item, &self.footage[item].batch_range(batch), false) {
                let bytes = self.admitted.remove(&(item, batch)).map_or(0, |admitted| admitted.bytes);
                self.reserved -= bytes;
            }
        }
        let slices: Vec<(usize, usize)> = self.slices.keys().copied().collect();
        for (item, slice) in slices {
            if !self.has_made_frames(item, &self.footage[item].slice_range(self.pass, slice), true) {
                self.reserved -= self.slices.remove(&(item, slice)).unwrap_or_default();
            }
        }
        let done: Vec<(usize, usize)> = self
            .live
            .iter()
            .copied()
            .filter(|place| !self.admitted.contains_key(place) && !self.has_open_tasks(place.0, place.1))
            .collect();
        for place in done {
            self.live.remove(&place);
        }
        self.reserved < reserved || self.live.len() < live
    }

    /// Whether memory is taken by frames made on a range, in parts or of whole batches, or will be.
    fn has_made_frames(&self, item: usize, range: &FrameRange, in_parts: bool) -> bool {
        self.holds_made(item, range, in_parts) || self.will_make_frames(item, range, in_parts)
    }

    /// Whether an open task on the range makes frames, in parts or of whole batches, that something looks at.
    fn will_make_frames(&self, item: usize, range: &FrameRange, in_parts: bool) -> bool {
        let footage = &self.footage[item];
        self.plan.passes[self.pass].process.iter().any(|&step| {
            self.plan.steps[step].made.is_some()
                && footage.has_parts(step) == in_parts
                && footage
                    .tasks_of(step, range)
                    .any(|task| self.is_open(step, item, task) && self.made_wanted(step, item, task))
        })
    }

    /// Gives up all volatile frames: the job goes no further.
    pub(crate) fn abandon(&mut self) {
        let made = std::mem::take(&mut self.made).into_values().flatten();
        self.orphans.extend(made);
        for admitted in std::mem::take(&mut self.admitted).into_values() {
            if let Decoded::Here(frames) = admitted.decoded {
                self.orphans.extend(frames);
            }
        }
        self.slices.clear();
        self.reserved = 0;
    }

    /// Whether frames made on a range, in parts or of whole batches, are still kept.
    fn holds_made(&self, item: usize, range: &FrameRange, in_parts: bool) -> bool {
        let footage = &self.footage[item];
        self.made.keys().any(|&(step, of, task)| {
            of == item && footage.has_parts(step) == in_parts && footage.tasks_of(step, range).contains(&task)
        })
    }

    /// Whether there is memory for what a task makes: that of whole batches is reserved before they are decoded, that of parts
    /// once the cursor has passed all its slices.
    pub(crate) fn has_room(&self, step: usize, item: usize, index: usize) -> bool {
        let footage = &self.footage[item];
        if self.plan.steps[step].made.is_none() || !footage.has_parts(step) {
            return true;
        }
        let range = footage.task_range(step, index, &self.plan.range).unwrap_or_default();
        self.cursor >= (item, footage.slices_of(self.pass, &range).end)
    }

    /// Tasks for whose encoders there is memory: the first open ones in the footage's order, whether their frames are there or
    /// not. A task that runs is among them until it is done, since none before it becomes open again; and the first can always
    /// run in the end, since no task waits for one that encodes.
    pub(crate) fn encoding_tasks(&self) -> BTreeSet<TaskRef> {
        let (mut tasks, mut left) = (BTreeSet::new(), self.plan.memory.encoders(self.pass));
        let process = &self.plan.passes[self.pass].process;
        let steps: Vec<usize> =
            process.iter().copied().filter(|step| self.plan.steps[*step].encodes.is_some()).collect();
        for &(item, batch) in self.live.iter().filter(|_| !steps.is_empty()) {
            let footage = &self.footage[item];
            let range = footage.batch_range(batch);
            for &step in &steps {
                for index in footage.tasks_of(step, &range).filter(|index| self.is_open(step, item, *index)) {
                    let task = TaskRef::process(self.pass, step, item, index);
                    if tasks.contains(&task) {
                        continue;
                    }
                    let bytes = footage.encoder_bytes(step);
                    if bytes > left && !tasks.is_empty() {
                        return tasks;
                    }
                    left = left.saturating_sub(bytes);
                    tasks.insert(task);
                }
            }
        }
        tasks
    }

    /// Frames by which a chain of halos can reach over a batch's edges.
    fn reach(&self) -> u64 {
        self.plan.passes[self.pass]
            .process
            .iter()
            .map(|&step| self.plan.steps[step].halo)
            .map(|halo| halo.before + halo.after)
            .sum()
    }

    /// Frames of the longest task of this pass, when some are longer than a batch or lie across batches.
    fn group_frames(&self, item: usize) -> u64 {
        let (steps, footage) = (self.plan.passes[self.pass].process.iter(), &self.footage[item]);
        let lengths = steps.map(|&step| footage.task_frames(step));
        lengths.filter(|length| !footage.batch_frames.is_multiple_of(*length)).max().unwrap_or(0)
    }

    /// Bytes that a whole batch of an item can hold in this pass.
    fn batch_bytes(&self, item: usize) -> u64 {
        framefleet_pipeline::batch_bytes(&self.plan, self.pass, &self.footage[item].item)
    }

    /// Bytes that frames made in parts can hold of a slice of an item in this pass.
    fn slice_bytes(&self, item: usize) -> u64 {
        framefleet_pipeline::slice_bytes(&self.plan, self.pass, &self.footage[item].item)
    }
}

//! What should exist, derived from the state: which batches may hold memory, which tasks may run now.
//!
//! Batches are admitted in item order, each with a reservation that covers its renditions and whatever its tasks make; a
//! running task never asks for more, so tasks can always go on. Volatile frames go as soon as every task that looks at them
//! is done.
use crate::keys::{Inputs, ProcessInputs, ascending};
use crate::state::{Admitted, Decoded, FinishStatus, JobState, Lookup, Status};
use crate::task::TaskRef;
use framefleet_media::{FrameRange, Rendition, frame};
use framefleet_pipeline::PixelSource;
use framefleet_proto::v1::Pixels;
use framefleet_stage::Halo;
use std::collections::BTreeSet;

/// Batches that may be live, whether they hold memory or not.
const LIVE_LIMIT: usize = 4096;

impl JobState {
    /// Moves the cursor over batches that may be admitted. Returns whether it moved.
    pub(crate) fn admit(&mut self, lookup: Lookup) -> bool {
        let mut moved = false;
        loop {
            let (item, batch) = self.cursor;
            self.take_up(lookup);
            let Some(footage) = self.footage.get(item) else { break };
            if batch >= footage.batches.len() {
                if !footage.complete {
                    break;
                }
                self.cursor = (item + 1, 0);
                moved = true;
                continue;
            }
            let reach = self.reach() + self.group_frames(item);
            let range = footage.batch_range(batch);
            if !footage.known_to(range.end + reach) || self.live.len() >= LIVE_LIMIT.max(self.ahead) {
                break;
            }
            let near = footage.window(&range, Halo { before: reach, after: reach });
            let neighbours = footage.batches_of(&near);
            self.settle_range(item, neighbours, lookup);
            let demanded = self.demands_pixels(item, batch) || self.will_make_frames(item, batch);
            if demanded {
                let waiting =
                    self.admitted.values().filter(|admitted| matches!(admitted.decoded, Decoded::Awaited)).count();
                if waiting >= self.ahead {
                    break;
                }
                let bytes = self.batch_bytes(item);
                if self.reserved + bytes > self.plan.memory.budget && !self.admitted.is_empty() {
                    break;
                }
                self.reserved += bytes;
                self.admitted.insert((item, batch), Admitted { bytes, decoded: Decoded::Awaited });
            }
            if demanded || self.has_open_tasks(item, batch) {
                self.live.insert((item, batch));
            }
            self.cursor = (item, batch + 1);
            moved = true;
        }
        moved
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
            if !self.holds_made(item, batch) && !self.will_make_frames(item, batch) {
                let bytes = self.admitted.remove(&(item, batch)).map_or(0, |admitted| admitted.bytes);
                self.reserved -= bytes;
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

    /// Whether an open task on the batch makes frames that something looks at.
    fn will_make_frames(&self, item: usize, batch: usize) -> bool {
        self.plan.passes[self.pass].process.iter().any(|&step| {
            let group = batch / self.group(step, item) as usize;
            self.plan.steps[step].made.is_some()
                && self.is_open(step, item, group)
                && self.made_wanted(step, item, group)
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
        self.reserved = 0;
    }

    /// Whether frames made on a batch are still kept.
    fn holds_made(&self, item: usize, batch: usize) -> bool {
        self.made.keys().any(|&(step, of, group)| of == item && group == batch / self.group(step, item) as usize)
    }

    /// Whether some task on the batch is still to be done.
    fn has_open_tasks(&self, item: usize, batch: usize) -> bool {
        self.plan.passes[self.pass]
            .process
            .iter()
            .any(|&step| self.is_open(step, item, batch / self.group(step, item) as usize))
    }

    /// Whether a task is to be done: it has no result, or its result is there but not the frames that another open task needs.
    fn is_open(&self, step: usize, item: usize, group: usize) -> bool {
        match self.status(step, item, group) {
            Status::Empty => false,
            Status::Unknown => self.could_have_frames(step, item, group),
            Status::Missing(_) => true,
            Status::Done(..) => !self.made.contains_key(&(step, item, group)) && self.made_wanted(step, item, group),
        }
    }

    /// Whether an unknown task may turn out to have frames to do.
    fn could_have_frames(&self, step: usize, item: usize, group: usize) -> bool {
        let size = self.group(step, item);
        !self.footage[item].group_known(group, size) || self.chosen_range(step, item, group).is_some()
    }

    /// The frames of a group that the job does, unless a preview leaves the group out.
    pub(crate) fn chosen_range(&self, step: usize, item: usize, group: usize) -> Option<FrameRange> {
        let range = self.footage[item].group_range(group, self.group(step, item), &self.plan.range)?;
        self.preview.as_ref().is_none_or(|preview| preview.includes(step, item, &range)).then_some(range)
    }

    /// Whether open tasks look at decoded frames of a batch.
    fn demands_pixels(&self, item: usize, batch: usize) -> bool {
        let range = self.footage[item].batch_range(batch);
        self.readers_of(self.pass, PixelSource::Ingest).any(|step| self.open_readers(step, item, &range))
    }

    /// Whether open tasks look at the frames that a task made.
    pub(crate) fn made_wanted(&self, step: usize, item: usize, group: usize) -> bool {
        let Some(range) = self.chosen_range(step, item, group) else { return false };
        self.readers_of(self.pass, PixelSource::Step(step)).any(|reader| self.open_readers(reader, item, &range))
    }

    /// Whether a task of `step` that can see frames of `range` is open.
    fn open_readers(&self, step: usize, item: usize, range: &FrameRange) -> bool {
        let halo = self.halo(step, item);
        let near = self.footage[item].window(range, Halo { before: halo.after, after: halo.before });
        self.footage[item].groups_of(&near, self.group(step, item)).any(|group| self.is_open(step, item, group))
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

    /// Frames of the largest group of this pass.
    fn group_frames(&self, item: usize) -> u64 {
        let steps = self.plan.passes[self.pass].process.iter();
        let largest = steps.map(|&step| self.group(step, item)).max().unwrap_or(1);
        if largest > 1 { largest * self.footage[item].batch_frames } else { 0 }
    }

    /// Bytes that a whole batch of an item can hold in this pass.
    fn batch_bytes(&self, item: usize) -> u64 {
        framefleet_pipeline::batch_bytes(&self.plan, self.pass, &self.footage[item].item)
    }

    /// Tasks that may run now, the ones to take first in front: indexing just ahead of admission, decoding ahead of the steps
    /// (but no more than they can soon use), then whatever has its inputs.
    pub fn desired(&self, slots: usize) -> Vec<TaskRef> {
        if self.finished || self.stop.is_some() {
            return Vec::new();
        }
        let process = self.ready_process(slots);
        let mut tasks = self.ready_index(slots);
        if process.len() < 2 * slots {
            tasks.extend(self.ready_ingest(slots));
        }
        tasks.extend(process);
        if self.drained() && self.options.preview.is_none() {
            let missing = |step: &&usize| matches!(self.finish[**step], FinishStatus::Missing(_));
            tasks.extend(
                self.plan.passes[self.pass].finish.iter().filter(missing).map(|&step| TaskRef::finish(self.pass, step)),
            );
        }
        tasks.retain(|task| !self.condemned.contains_key(task));
        tasks
    }

    fn ready_index(&self, slots: usize) -> Vec<TaskRef> {
        let ahead = self.footage.iter().enumerate().skip(self.cursor.0).take(2 * slots);
        ahead.filter(|(_, footage)| !footage.complete).map(|(item, _)| TaskRef::index(item)).collect()
    }

    /// Decoding goes on in order inside a decode range, so that an open decoder never has to seek back; ranges run in parallel.
    fn ready_ingest(&self, slots: usize) -> Vec<TaskRef> {
        let waiting = |place: &(usize, usize)| {
            self.admitted.get(place).is_some_and(|admitted| matches!(admitted.decoded, Decoded::Awaited))
        };
        let can_start = |&(item, batch): &(usize, usize)| {
            let seekable = self.footage[item].batches.get(batch).is_none_or(|info| info.seekable);
            seekable || batch == 0 || !waiting(&(item, batch - 1))
        };
        let open = self.admitted.keys().filter(|place| waiting(place) && self.demands_pixels(place.0, place.1));
        open.filter(|place| can_start(place))
            .take(slots)
            .map(|&(item, batch)| TaskRef::ingest(self.pass, item, batch))
            .collect()
    }

    fn ready_process(&self, slots: usize) -> Vec<TaskRef> {
        let mut ready = BTreeSet::new();
        let mut per_step = vec![0; self.plan.steps.len()];
        for &(item, batch) in &self.live {
            for &step in &self.plan.passes[self.pass].process {
                let group = batch / self.group(step, item) as usize;
                let task = TaskRef::process(self.pass, step, item, group);
                if per_step[step] < 2 * slots && self.is_ready(step, item, group) && ready.insert(task) {
                    per_step[step] += 1;
                }
            }
        }
        ready.into_iter().collect()
    }

    /// Whether a task is to be done and has everything it needs.
    fn is_ready(&self, step: usize, item: usize, group: usize) -> bool {
        if matches!(self.status(step, item, group), Status::Unknown) || !self.is_open(step, item, group) {
            return false;
        }
        match self.inputs(step, item, group) {
            Inputs::Known(inputs) => self.pixels(step, item, &inputs).is_some(),
            Inputs::Unknown | Inputs::Empty => false,
        }
    }

    /// The volatile frames that a task looks at; `None` while some are not there.
    pub(crate) fn pixels(&self, step: usize, item: usize, inputs: &ProcessInputs) -> Option<Vec<Pixels>> {
        let footage = &self.footage[item];
        let mut pixels = Vec::new();
        for input in &self.plan.steps[step].pixels {
            match input.source {
                PixelSource::Ingest => {
                    for batch in ascending(inputs.visible.iter().flat_map(|range| footage.batches_of(range))) {
                        let Decoded::Here(decoded) = &self.admitted.get(&(item, batch))?.decoded else { return None };
                        pixels.extend(
                            decoded
                                .iter()
                                .filter(|of| of.rendition() == input.rendition)
                                .map(|of| visible_of(of, inputs)),
                        );
                    }
                }
                PixelSource::Step(maker) => {
                    let size = self.group(maker, item);
                    for group in ascending(inputs.visible.iter().flat_map(|range| footage.groups_of(range, size))) {
                        if matches!(self.status(maker, item, group), Status::Empty) {
                            continue;
                        }
                        let made = self.made.get(&(maker, item, group))?;
                        pixels.extend(
                            made.iter()
                                .map(|of| Pixels { rendition: input.rendition as i32, ..visible_of(of, inputs) }),
                        );
                    }
                }
            }
        }
        pixels.retain(|of| !of.frames.is_empty());
        Some(pixels)
    }

    /// The key and inputs under which a task is to run now; `None` when it is not (any more).
    pub(crate) fn process_work(
        &self,
        step: usize,
        item: usize,
        group: usize,
    ) -> Option<(framefleet_ledger::TaskKey, Box<ProcessInputs>)> {
        let key = match self.status(step, item, group) {
            Status::Missing(key) | Status::Done(key, _) => *key,
            Status::Unknown | Status::Empty => return None,
        };
        match self.inputs(step, item, group) {
            Inputs::Known(inputs) => Some((key, inputs)),
            Inputs::Unknown | Inputs::Empty => None,
        }
    }
}

/// Only the frames that the task looks at: what else happens to be in the blob must not be seen.
fn visible_of(pixels: &Pixels, inputs: &ProcessInputs) -> Pixels {
    let visible = |number: u64| inputs.visible.iter().any(|range| frame::contains(range, number));
    Pixels { frames: pixels.frames.iter().filter(|of| visible(of.frame)).cloned().collect(), ..pixels.clone() }
}

/// Which batches a preview does: whole batches spread over the items, each widened for a step by what later steps look at.
#[derive(Clone, Debug)]
pub(crate) struct Preview {
    /// Frames per item.
    chosen: Vec<Vec<FrameRange>>,
    /// Per step, frames before and after that users of its annotations look at.
    margin: Vec<Halo>,
}

impl Preview {
    /// `count` batches, spread evenly over the batches that the headers promise.
    pub fn new(count: u64, state: &JobState) -> Self {
        let sizes: Vec<u64> = state.footage.iter().map(|footage| footage.batch_frames).collect();
        let batches =
            |(footage, size): (&crate::footage::Footage, &u64)| footage.item.estimated_frames.div_ceil(*size).max(1);
        let lengths: Vec<u64> = state.footage.iter().zip(&sizes).map(batches).collect();
        let total: u64 = lengths.iter().sum();
        let mut chosen = vec![Vec::new(); lengths.len()];
        for number in 0..count.min(total) {
            let mut place = (2 * number + 1) * total / (2 * count.min(total));
            for (item, length) in lengths.iter().enumerate() {
                if place < *length {
                    chosen[item].push(FrameRange { start: place * sizes[item], end: (place + 1) * sizes[item] });
                    break;
                }
                place -= length;
            }
        }
        Self { chosen, margin: margins(state) }
    }

    /// The groups of a step, of so many frames each, that it does of a part of an item.
    pub fn ranges(&self, step: usize, item: usize, group: u64, part: &FrameRange) -> Vec<FrameRange> {
        let margin = self.margin[step];
        let groups = self.chosen[item].iter().flat_map(|chosen| {
            chosen.start.saturating_sub(margin.before) / group..(chosen.end + margin.after).div_ceil(group)
        });
        let groups: BTreeSet<u64> = groups.collect();
        let range = |number: u64| FrameRange {
            start: (number * group).max(part.start),
            end: ((number + 1) * group).min(part.end),
        };
        let done = |range: &FrameRange| range.start < range.end && self.includes(step, item, range);
        groups.into_iter().map(range).filter(done).collect()
    }

    fn includes(&self, step: usize, item: usize, range: &FrameRange) -> bool {
        let margin = self.margin[step];
        let near =
            |chosen: &FrameRange| range.start < chosen.end + margin.after && chosen.start < range.end + margin.before;
        self.chosen[item].iter().any(near)
    }
}

/// How far users of a step's results look around, summed along the worst path.
fn margins(state: &JobState) -> Vec<Halo> {
    let steps = &state.plan.steps;
    let mut margin = vec![Halo::default(); steps.len()];
    for (user, plan) in steps.iter().enumerate().rev() {
        let annotations = plan.process.iter().flat_map(|half| &half.providers).map(|provider| provider.step);
        let frames = plan.pixels.iter().filter_map(|input| match input.source {
            PixelSource::Step(maker) => Some(maker),
            PixelSource::Ingest => None,
        });
        for provider in annotations.chain(frames).collect::<BTreeSet<_>>() {
            let reach =
                Halo { before: margin[user].before + plan.halo.before, after: margin[user].after + plan.halo.after };
            let known = margin[provider];
            margin[provider] = Halo { before: known.before.max(reach.before), after: known.after.max(reach.after) };
        }
    }
    margin
}

/// Renditions that ingest is asked for.
pub(crate) const RENDITIONS: [Rendition; 2] = [Rendition::Proxy, Rendition::Full];

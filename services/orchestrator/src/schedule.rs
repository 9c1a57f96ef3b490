//! What should run now, derived from the state: tasks that are open, have their inputs, and have memory for what they make.
use crate::batch::Batch;
use crate::frame_sets::ascending;
use crate::keys::{Inputs, ProcessInputs};
use crate::state::{Decoded, FinishStatus, JobState, Status};
use crate::task::TaskRef;
use framefleet_media::{FrameRange, Rendition, frame};
use framefleet_pipeline::PixelSource;
use framefleet_proto::v1::{FramePixels, Pixels};
use framefleet_stage::Halo;
use std::collections::BTreeSet;

impl JobState {
    /// Whether some task on the batch is still to be done.
    pub(crate) fn has_open_tasks(&self, item: usize, batch: usize) -> bool {
        let footage = &self.footage[item];
        let range = footage.batch_range(batch);
        self.plan.passes[self.pass]
            .process
            .iter()
            .any(|&step| footage.tasks_of(step, &range).any(|task| self.is_open(step, item, task)))
    }

    /// Whether a task is to be done: it has no result, or its result is there but not the frames that another open task needs.
    pub(crate) fn is_open(&self, step: usize, item: usize, group: usize) -> bool {
        match self.status(step, item, group) {
            Status::Empty => false,
            Status::Unknown => self.could_have_frames(step, item, group),
            Status::Missing(_) => true,
            Status::Done(..) => !self.made.contains_key(&(step, item, group)) && self.made_wanted(step, item, group),
        }
    }

    /// Whether an unknown task may turn out to have frames to do.
    fn could_have_frames(&self, step: usize, item: usize, group: usize) -> bool {
        !self.footage[item].task_known(step, group) || self.chosen_range(step, item, group).is_some()
    }

    /// The frames of a group that the job does, unless a preview leaves the group out.
    pub(crate) fn chosen_range(&self, step: usize, item: usize, group: usize) -> Option<FrameRange> {
        let range = self.footage[item].task_range(step, group, &self.plan.range)?;
        self.preview.as_ref().is_none_or(|preview| preview.includes(step, item, &range)).then_some(range)
    }

    /// Whether open tasks look at decoded frames of a batch.
    pub(crate) fn demands_pixels(&self, item: usize, batch: usize) -> bool {
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
        self.footage[item].tasks_of(step, &near).any(|group| self.is_open(step, item, group))
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
        tasks.retain(|task| !self.without_worker.get(task).is_some_and(Option::is_some));
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
            let seekable = self.footage[item].batches.get(batch).is_none_or(Batch::seekable);
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
        let encoding = self.encoding_tasks();
        for &(item, batch) in &self.live {
            let range = self.footage[item].batch_range(batch);
            for &step in &self.plan.passes[self.pass].process {
                for index in self.footage[item].tasks_of(step, &range) {
                    let task = TaskRef::process(self.pass, step, item, index);
                    let has_encoder = self.plan.steps[step].encodes.is_none() || encoding.contains(&task);
                    if per_step[step] < 2 * slots
                        && has_encoder
                        && self.is_ready(step, item, index)
                        && ready.insert(task)
                    {
                        per_step[step] += 1;
                    }
                }
            }
        }
        ready.into_iter().collect()
    }

    /// Whether a task is to be done and has everything it needs.
    fn is_ready(&self, step: usize, item: usize, group: usize) -> bool {
        let is_known = !matches!(self.status(step, item, group), Status::Unknown);
        if !is_known || !self.is_open(step, item, group) || !self.has_room(step, item, group) {
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
                    for group in ascending(inputs.visible.iter().flat_map(|range| footage.tasks_of(maker, range))) {
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
    let frames = pixels.frames.iter().filter(|of| visible(of.frame));
    Pixels {
        rendition: pixels.rendition,
        made_by: pixels.made_by.clone(),
        blob: pixels.blob.clone(),
        frames: frames.map(|of| FramePixels { pts_ns: 0, ..of.clone() }).collect(),
    }
}

/// Which batches a preview does: whole batches spread over the items, each widened for a step by what later steps look at.
#[derive(Clone, Debug)]
pub(crate) struct Preview {
    /// Frames per item, ascending.
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
        self.first_done_by(step, item, range.start).is_some_and(|first| first < range.end)
    }

    /// The first frame from this one on that some step does.
    pub fn first_done(&self, item: usize, frame: u64) -> Option<u64> {
        (0..self.margin.len()).filter_map(|step| self.first_done_by(step, item, frame)).min()
    }

    fn first_done_by(&self, step: usize, item: usize, frame: u64) -> Option<u64> {
        let (margin, chosen) = (self.margin[step], &self.chosen[item]);
        let next = chosen.partition_point(|chosen| chosen.end + margin.after <= frame);
        chosen.get(next).map(|chosen| chosen.start.saturating_sub(margin.before).max(frame))
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

//! What should run now, derived from the state: tasks that are open, have their inputs, and have memory for what they make.
use super::JobState;
use super::item::{Inputs, ProcessInputs};
use super::status::{FinishStatus, Status};
use crate::batch::Batch;
use crate::frame_sets::ascending;
use crate::task::TaskRef;
use framefleet_frames::{FrameRange, frame};
use framefleet_pipeline::PixelSource;
use framefleet_proto::v1::{FramePixels, Pixels};
use framefleet_stage::Halo;
use std::collections::BTreeSet;

impl JobState {
    /// Whether some task on the batch is still to be done.
    pub(crate) fn has_open_tasks(&self, item: usize, batch: usize) -> bool {
        let footage = self.footage(item);
        let range = footage.batch_range(batch);
        self.shared
            .process_steps()
            .iter()
            .any(|&step| footage.tasks_of(step, &range).any(|task| self.is_open(step, item, task)))
    }

    /// Whether a task is to be done: it has no result, or its result is there but not the frames that another open task needs.
    pub(crate) fn is_open(&self, step: usize, item: usize, group: usize) -> bool {
        match self.view(item).status(step, group) {
            Status::Empty => false,
            Status::Unknown => self.could_have_frames(step, item, group),
            Status::Missing(_) => true,
            Status::Done(..) => self.memory.made((step, item, group)).is_none() && self.made_wanted(step, item, group),
        }
    }

    /// Whether an unknown task may turn out to have frames to do.
    fn could_have_frames(&self, step: usize, item: usize, group: usize) -> bool {
        !self.footage(item).task_known(step, group) || self.view(item).chosen_range(step, group).is_some()
    }

    /// Whether open tasks look at decoded frames of a batch.
    pub(crate) fn demands_pixels(&self, item: usize, batch: usize) -> bool {
        let range = self.footage(item).batch_range(batch);
        self.shared.readers_of(self.pass(), PixelSource::Ingest).any(|step| self.open_readers(step, item, &range))
    }

    /// Whether open tasks look at the frames that a task made.
    pub(crate) fn made_wanted(&self, step: usize, item: usize, group: usize) -> bool {
        let Some(range) = self.view(item).chosen_range(step, group) else { return false };
        self.shared
            .readers_of(self.pass(), PixelSource::Step(step))
            .any(|reader| self.open_readers(reader, item, &range))
    }

    /// Whether a task of `step` that can see frames of `range` is open.
    fn open_readers(&self, step: usize, item: usize, range: &FrameRange) -> bool {
        let halo = self.view(item).halo(step);
        let near = self.footage(item).window(range, Halo { before: halo.after, after: halo.before });
        self.footage(item).tasks_of(step, &near).any(|group| self.is_open(step, item, group))
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
        if self.drained() && self.shared.preview().is_none() {
            let missing = |step: &&usize| matches!(self.shared.finish(**step), FinishStatus::Missing(_));
            tasks.extend(
                self.shared.finish_steps().iter().filter(missing).map(|&step| TaskRef::finish(self.pass(), step)),
            );
        }
        tasks.retain(|task| !self.failures.is_given_up(*task));
        tasks
    }

    fn ready_index(&self, slots: usize) -> Vec<TaskRef> {
        let ahead = self.all_footage().enumerate().skip(self.cursor.item()).take(2 * slots);
        ahead.filter(|(_, footage)| !footage.complete).map(|(item, _)| TaskRef::index(item)).collect()
    }

    /// Decoding goes on in order inside a decode range, so that an open decoder never has to seek back; ranges run in parallel.
    fn ready_ingest(&self, slots: usize) -> Vec<TaskRef> {
        let can_start = |&(item, batch): &(usize, usize)| {
            let seekable = self.footage(item).batches.get(batch).is_none_or(Batch::seekable);
            seekable || batch == 0 || !self.memory.is_waiting((item, batch - 1))
        };
        let open = self.memory.waiting().filter(|place| self.demands_pixels(place.0, place.1));
        open.filter(can_start).take(slots).map(|(item, batch)| TaskRef::ingest(self.pass(), item, batch)).collect()
    }

    fn ready_process(&self, slots: usize) -> Vec<TaskRef> {
        let mut ready = BTreeSet::new();
        let mut per_step = vec![0; self.plan().steps.len()];
        let encoding = self.encoding_tasks();
        for (item, batch) in self.memory.live() {
            let range = self.footage(item).batch_range(batch);
            for &step in self.shared.process_steps() {
                for index in self.footage(item).tasks_of(step, &range) {
                    let task = TaskRef::process(self.pass(), step, item, index);
                    let has_encoder = self.plan().steps[step].encodes.is_none() || encoding.contains(&task);
                    let is_wanted = per_step[step] < 2 * slots && has_encoder;
                    if is_wanted && self.is_ready(step, item, index) && ready.insert(task) {
                        per_step[step] += 1;
                    }
                }
            }
        }
        ready.into_iter().collect()
    }

    /// Whether a task is to be done and has everything it needs. Once its key is known, all that it is given is, but for the frames.
    fn is_ready(&self, step: usize, item: usize, group: usize) -> bool {
        let is_known = !matches!(self.view(item).status(step, group), Status::Unknown);
        is_known
            && self.is_open(step, item, group)
            && self.has_room(step, item, group)
            && self.view(item).visible(step, group).is_some_and(|visible| self.has_pixels(step, item, &visible))
    }

    /// Whether the volatile frames that a task of a step looks at are there.
    fn has_pixels(&self, step: usize, item: usize, visible: &[FrameRange]) -> bool {
        let footage = self.footage(item);
        self.plan().steps[step].pixels.iter().all(|input| match input.source {
            PixelSource::Ingest => {
                let mut batches = visible.iter().flat_map(|range| footage.batches_of(range));
                batches.all(|batch| self.memory.decoded((item, batch)).is_some())
            }
            PixelSource::Step(maker) => {
                let mut groups = visible.iter().flat_map(|range| footage.tasks_of(maker, range));
                groups.all(|group| {
                    matches!(self.view(item).status(maker, group), Status::Empty)
                        || self.memory.made((maker, item, group)).is_some()
                })
            }
        })
    }

    /// The volatile frames that a task looks at; `None` while some are not there.
    pub(crate) fn pixels(&self, step: usize, item: usize, inputs: &ProcessInputs) -> Option<Vec<Pixels>> {
        let footage = self.footage(item);
        let mut pixels = Vec::new();
        for input in &self.plan().steps[step].pixels {
            match input.source {
                PixelSource::Ingest => {
                    for batch in ascending(inputs.visible.iter().flat_map(|range| footage.batches_of(range))) {
                        let decoded = self.memory.decoded((item, batch))?;
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
                        if matches!(self.view(item).status(maker, group), Status::Empty) {
                            continue;
                        }
                        let made = self.memory.made((maker, item, group))?;
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
        let key = match self.view(item).status(step, group) {
            Status::Missing(key) | Status::Done(key, _) => *key,
            Status::Unknown | Status::Empty => return None,
        };
        match self.view(item).inputs(step, group) {
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
        frames: frames.map(|of| FramePixels { pts_ns: 0, ..*of }).collect(),
    }
}

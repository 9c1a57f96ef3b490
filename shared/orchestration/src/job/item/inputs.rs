//! What a process task is given, but for pixels.
use super::super::status::{FinishStatus, Status};
use super::ItemView;
use super::keys::in_generation;
use crate::counts::SAMPLING;
use crate::frame_sets::{ascending, complement, covers, hash_frames, hash_range, skips, visible_ranges, without};
use crate::job::hashers::hash_scoped;
use framefleet_frames::{FrameRange, Kind, Outcomes, Rendition, annotation, item};
use framefleet_ledger::{KeyHasher, TaskKey};
use framefleet_pipeline::{Half, HalfPlan, PixelInput, PixelSource, Provider, Sampling};
use framefleet_proto::v1::AnnotationsRef;
use framefleet_stage::{Halo, SideInputs};
use std::collections::BTreeSet;

/// What is known of a process task's inputs.
pub(crate) enum Inputs {
    /// Not everything yet.
    Unknown,
    /// No frame of the task belongs to the job.
    Empty,
    /// Everything.
    Known(Box<ProcessInputs>),
}

/// Everything that a process task is given, but for pixels.
pub(crate) struct ProcessInputs {
    pub range: FrameRange,
    pub window: FrameRange,
    /// Frames the step looks at, as ascending ranges.
    pub visible: Vec<FrameRange>,
    /// Frames to do.
    pub frames: Vec<u64>,
    pub decided: Outcomes,
    pub annotations: Vec<AnnotationsRef>,
    pub job_scoped: Vec<AnnotationsRef>,
    /// Of all that the task is given.
    digest: TaskKey,
}

impl ProcessInputs {
    /// The task's key in a retry generation.
    pub fn key(&self, generation: u32) -> TaskKey {
        in_generation(&self.digest, generation)
    }
}

/// The frames that a task has to do with.
struct TaskFrames {
    range: FrameRange,
    window: FrameRange,
    /// Frames of the range that the step does, or would do if all pictures were still there.
    sampled: Vec<u64>,
    /// Frames that it looks at.
    visible: Vec<FrameRange>,
}

/// What a task is given, as it is gathered: every part goes into the key.
struct Gathered {
    hasher: KeyHasher,
    /// Frames that lack something without which they cannot be done.
    blocked: BTreeSet<u64>,
    annotations: Vec<AnnotationsRef>,
    job_scoped: Vec<AnnotationsRef>,
}

impl<'a> ItemView<'a> {
    /// The halo of a step on an item.
    pub(crate) fn halo(self, step: usize) -> Halo {
        self.plan().steps[step].halo_for(&self.footage().item)
    }

    /// Batches that a task of a step spans on an item.
    pub(crate) fn group(self, step: usize) -> u64 {
        self.plan().steps[step].group_for(&self.footage().item)
    }

    /// Frames of `range` that a step does, or would do if all pictures were still there. `range` must be indexed.
    pub(crate) fn sampled(self, step: usize, range: &FrameRange) -> Vec<u64> {
        let plan = &self.plan().steps[step];
        if plan.sampling == Sampling::All {
            return (range.start..range.end).collect();
        }
        let footage = self.footage();
        plan.sampling.sampled_frames(range, &|frame| footage.pts_ns(frame), &self.shots(step))
    }

    /// Shots of an item, for sampling by shot.
    fn shots(self, step: usize) -> Vec<FrameRange> {
        if !matches!(self.plan().steps[step].sampling, Sampling::PerShot(_)) {
            return Vec::new();
        }
        let shot = Kind::new("shot");
        let whole = FrameRange { start: 0, end: u64::MAX };
        let providers = self.job.job_scoped_providers(step, Half::Process);
        let scoped = providers.filter(|(provider, _)| provider.kind == shot).flat_map(|(_, scoped)| scoped);
        annotation::slice(scoped, &self.footage().item.name, &whole, std::slice::from_ref(&shot))
            .into_iter()
            .filter_map(|scoped| scoped.range)
            .collect()
    }

    /// The inputs of the task of `step` on a group of batches.
    pub(crate) fn inputs(self, step: usize, group: usize) -> Inputs {
        self.try_inputs(step, group).unwrap_or(Inputs::Unknown)
    }

    /// Frames that a task looks at, without those whose pictures are gone; nothing while they are unknown.
    pub(crate) fn visible(self, step: usize, group: usize) -> Option<Vec<FrameRange>> {
        let frames = self.task_frames(step, group, self.chosen_range(step, group)?)?;
        let gone: Vec<u64> = frames.sampled.into_iter().filter(|frame| !self.footage().is_there(*frame)).collect();
        Some(without(&frames.visible, &gone))
    }

    /// The frames that a task on a range has to do with; `None` while they are unknown.
    fn task_frames(self, step: usize, group: usize, range: FrameRange) -> Option<TaskFrames> {
        let (footage, halo) = (self.footage(), self.halo(step));
        if !footage.task_known(step, group) || !footage.known_to(range.end + halo.after) {
            return None;
        }
        let window = footage.window(&range, halo);
        let sampled = self.sampled(step, &range);
        let visible = visible_ranges(&sampled, halo, &window);
        Some(TaskFrames { range, window, sampled, visible })
    }

    /// `None` = not everything is known yet.
    ///
    /// The key of a task on stills is that of its batch as it was when its pictures were added: it says nothing of those that are gone. So what was
    /// done of the others is found again, and what is done now has no result for those that are gone, for ever.
    fn try_inputs(self, step: usize, group: usize) -> Option<Inputs> {
        let Some(process) = &self.plan().steps[step].process else { return Some(Inputs::Empty) };
        let footage = self.footage();
        if !footage.task_known(step, group) {
            return None;
        }
        let Some(range) = self.chosen_range(step, group) else { return Some(Inputs::Empty) };
        let frames = self.task_frames(step, group, range)?;
        // What lies beside the frames is known when all of the item is.
        if process.side_inputs != SideInputs::default() && !footage.complete {
            return None;
        }
        let mut hasher = self.job.hashers().process(step).field("item", footage.item.name.as_bytes());
        for (what, digest) in footage.side_digests(process.side_inputs) {
            hasher = hasher.field(what, digest);
        }
        hasher = hash_range(hasher, "range", &frames.range);
        hasher = hash_frames(hasher, "sampled", &frames.sampled);
        let gathered = Gathered { hasher, blocked: BTreeSet::new(), annotations: Vec::new(), job_scoped: Vec::new() };
        let gathered = self.gather_pixels(step, &frames, gathered)?;
        let gathered = self.gather_annotations(process, &frames, gathered)?;
        let gathered = self.gather_job_scoped(step, &frames, gathered);
        Some(Inputs::Known(Box::new(self.known(frames, gathered))))
    }

    /// Decoded and made frames that the task looks at.
    fn gather_pixels(self, step: usize, frames: &TaskFrames, mut gathered: Gathered) -> Option<Gathered> {
        let visible = &frames.visible;
        for input in &self.plan().steps[step].pixels {
            let absent = match input.source {
                PixelSource::Ingest => {
                    for batch in ascending(visible.iter().flat_map(|range| self.footage().batches_of(range))) {
                        gathered.hasher = gathered.hasher.key("pixels", &self.content_key(batch));
                    }
                    self.undecoded(visible)?
                }
                PixelSource::Step(maker) => {
                    for key in self.task_keys(maker, visible)? {
                        gathered.hasher = gathered.hasher.key("made", &key);
                    }
                    self.without_result(maker, visible)?
                }
            };
            let rendition = if input.rendition == Rendition::Proxy { "proxy" } else { "full" };
            gathered.hasher = hash_frames(gathered.hasher, rendition, &absent);
            gathered.blocked.extend(absent);
        }
        Some(gathered)
    }

    /// Annotations of the frames that the task looks at.
    fn gather_annotations(self, process: &HalfPlan, frames: &TaskFrames, mut gathered: Gathered) -> Option<Gathered> {
        for provider in process.providers.iter().filter(|provider| provider.half == Half::Process) {
            let keys = self.task_keys(provider.step, &frames.visible)?;
            let absent = self.without_result(provider.step, &frames.visible)?;
            let hasher = gathered.hasher.field("kind", provider.kind.as_str().as_bytes());
            gathered.hasher = hash_frames(hasher, "absent", &absent);
            for key in keys {
                gathered.hasher = gathered.hasher.key("annotations", &key);
                gathered.annotations.push(self.reference(provider, key));
            }
            if provider.required {
                gathered.blocked.extend(absent);
            }
        }
        Some(gathered)
    }

    /// What finished steps say of the task's window.
    fn gather_job_scoped(self, step: usize, frames: &TaskFrames, mut gathered: Gathered) -> Gathered {
        for (provider, scoped) in self.job.job_scoped_providers(step, Half::Process) {
            let kind = std::slice::from_ref(&provider.kind);
            let slice = annotation::slice(scoped, &self.footage().item.name, &frames.window, kind);
            let hasher = gathered.hasher.field("kind", provider.kind.as_str().as_bytes());
            gathered.hasher = hash_scoped(hasher, slice);
            match self.job.finish(provider.step) {
                FinishStatus::Done(key, _) => gathered.job_scoped.push(self.reference(provider, *key)),
                _ if provider.required => gathered.blocked.extend(frames.sampled.iter().copied()),
                _ => {}
            }
        }
        gathered
    }

    /// The inputs, when all of them are gathered.
    fn known(self, frames: TaskFrames, gathered: Gathered) -> ProcessInputs {
        let TaskFrames { range, window, sampled, visible } = frames;
        let is_there = |frame: &&u64| self.footage().is_there(**frame);
        let (there, gone): (Vec<u64>, Vec<u64>) = sampled.iter().partition(is_there);
        let is_blocked = |frame: &u64| gathered.blocked.contains(frame);
        let (upstream, frames): (Vec<u64>, Vec<u64>) = there.into_iter().partition(is_blocked);
        let mut skipped = skips(complement(&sampled, &range), SAMPLING);
        skipped.extend(skips(&gone, item::GONE));
        skipped.extend(skips(&upstream, "upstream"));
        ProcessInputs {
            range,
            window,
            visible: without(&visible, &gone),
            frames,
            decided: Outcomes { failed: Vec::new(), skipped },
            annotations: gathered.annotations,
            job_scoped: gathered.job_scoped,
            digest: gathered.hasher.finish(),
        }
    }

    fn reference(self, provider: &Provider, key: TaskKey) -> AnnotationsRef {
        AnnotationsRef {
            step: self.plan().steps[provider.step].name.clone(),
            key: key.as_bytes().to_vec().into(),
            kinds: vec![provider.kind.as_str().to_owned()],
        }
    }

    /// Frames of a batch that some step of this pass looks at in a rendition decoded from the source.
    pub(crate) fn wanted(self, batch: usize, rendition: Rendition) -> Vec<u64> {
        let footage = self.footage();
        let pixels = PixelInput { rendition, source: PixelSource::Ingest };
        let sampled = |step: usize, reach: &FrameRange| {
            let selected = footage.batches_of(reach).map(|near| footage.selected(near, &self.plan().range));
            let cut =
                selected.map(|range| FrameRange { start: range.start.max(reach.start), end: range.end.min(reach.end) });
            cut.filter(|range| range.start < range.end).flat_map(|range| self.sampled(step, &range)).collect()
        };
        framefleet_pipeline::wanted(
            self.plan(),
            self.pass(),
            &footage.item,
            pixels,
            &footage.batch_range(batch),
            &sampled,
        )
    }

    /// Visible frames that could not be decoded; `None` while that is unknown.
    fn undecoded(self, visible: &[FrameRange]) -> Option<Vec<u64>> {
        let footage = self.footage();
        let mut absent = Vec::new();
        for batch in ascending(visible.iter().flat_map(|range| footage.batches_of(range))) {
            let (_, failed) = self.item.ingest.get(&batch)?;
            let failed = failed.iter().flat_map(|failed| failed.iter()).flat_map(|range| range.start..range.end);
            absent.extend(failed.filter(|frame| covers(visible, *frame)));
        }
        Some(absent)
    }

    /// Keys of the tasks of `step` that have a visible frame; `None` while one is unknown.
    fn task_keys(self, step: usize, visible: &[FrameRange]) -> Option<Vec<TaskKey>> {
        let mut keys = Vec::new();
        for group in self.groups_over(step, visible) {
            match self.status(step, group) {
                Status::Done(key, _) => keys.push(*key),
                Status::Empty => {}
                Status::Unknown | Status::Missing(_) => return None,
            }
        }
        Some(keys)
    }

    /// Visible frames without a result of `step`; `None` while that is unknown.
    fn without_result(self, step: usize, visible: &[FrameRange]) -> Option<Vec<u64>> {
        let footage = self.footage();
        let mut results: Vec<FrameRange> = Vec::new();
        for group in self.groups_over(step, visible) {
            let Status::Done(_, without) = self.status(step, group) else {
                if matches!(self.status(step, group), Status::Empty) {
                    continue;
                }
                return None;
            };
            let Some(range) = footage.task_range(step, group, &self.plan().range) else { continue };
            match without {
                None => results.push(range),
                Some(without) => results.extend(
                    (range.start..range.end)
                        .filter(|frame| !covers(without, *frame))
                        .map(|frame| FrameRange { start: frame, end: frame + 1 }),
                ),
            }
        }
        let absent = |frame: &u64| !covers(&results, *frame);
        Some(visible.iter().flat_map(|range| range.start..range.end).filter(absent).collect())
    }

    /// Groups of a step that have a visible frame, ascending.
    fn groups_over(self, step: usize, visible: &[FrameRange]) -> Vec<usize> {
        ascending(visible.iter().flat_map(|range| self.footage().tasks_of(step, range)))
    }
}

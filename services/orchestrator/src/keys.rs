//! What a task is given, and the key that follows from it: whatever can change the answer is in the key, and nothing else.
use crate::batch::Batch;
use crate::counts::SAMPLING;
use crate::frame_sets::{ascending, complement, covers, hash_frames, hash_range, skips, visible_ranges, without};
use crate::state::{FinishStatus, JobState, Lookup, Status};
use crate::task::TaskRef;
use framefleet_ledger::{KeyHasher, TaskKey};
use framefleet_media::{FrameRange, Kind, Outcomes, Rendition, ScopedAnnotation, annotation, item};
use framefleet_pipeline::{Half, PixelInput, PixelSource, Plan, PlannedModel, Provider, Sampling, StepPlan};
use framefleet_proto::v1::{AnnotationsRef, EntryOutcomes};
use framefleet_stage::{Beside, Halo};
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

/// The key of a task with these inputs in a retry generation.
fn in_generation(inputs: &TaskKey, generation: u32) -> TaskKey {
    match generation {
        0 => *inputs,
        _ => KeyHasher::new("retry").key("inputs", inputs).field_u64("generation", u64::from(generation)).finish(),
    }
}

/// What keys start with: the same for all tasks of a half, so it is put together once.
pub(crate) struct Hashers {
    process: Vec<KeyHasher>,
    finish: Vec<KeyHasher>,
    ingest: KeyHasher,
}

impl Hashers {
    /// Those of a plan.
    pub fn new(plan: &Plan) -> Self {
        let of_half = |half: Half| plan.steps.iter().map(|step| step_hasher(half, plan, step)).collect();
        let ingest = KeyHasher::new("ingest")
            .field_u64("version", u64::from(plan.ingest_version))
            .field("settings", serde_json::Value::Object(plan.ingest.clone()).to_string().as_bytes());
        Self { process: of_half(Half::Process), finish: of_half(Half::Finish), ingest }
    }
}

/// Raised when keys are made of other things than before: outputs of earlier forms are computed anew, once. 2: each half has the
/// settings, models and files that it is given, no others.
const FORM: u64 = 2;

/// A step as keys of a half's tasks have it: the digest of all that acts on that half, since it is hashed again with every task. Files
/// are in it by the digests that stand in the settings.
fn step_hasher(half: Half, plan: &Plan, step: &StepPlan) -> KeyHasher {
    let models: Vec<serde_json::Value> = step.models_of(half).map(what_acts).collect();
    let acts = KeyHasher::new("step")
        .field_u64("form", FORM)
        .field("stage", step.stage.as_bytes())
        .field_u64("version", u64::from(step.version))
        .field("settings", serde_json::Value::Object(step.settings_of(half)).to_string().as_bytes())
        .field("class", plan.class.as_bytes())
        .field("models", serde_json::Value::Array(models).to_string().as_bytes())
        .field_u64("seed", plan.seed);
    KeyHasher::new(&half.to_string()).key("step", &acts.finish())
}

impl JobState {
    /// The halo of a step on an item.
    pub(crate) fn halo(&self, step: usize, item: usize) -> Halo {
        self.plan.steps[step].halo_for(&self.footage[item].item)
    }

    /// Batches that a task of a step spans on an item.
    pub(crate) fn group(&self, step: usize, item: usize) -> u64 {
        self.plan.steps[step].group_for(&self.footage[item].item)
    }

    /// Frames of `range` that a step does, or would do if all pictures were still there. `range` must be indexed.
    pub(crate) fn sampled(&self, step: usize, item: usize, range: &FrameRange) -> Vec<u64> {
        let plan = &self.plan.steps[step];
        if plan.sampling == Sampling::All {
            return (range.start..range.end).collect();
        }
        let footage = &self.footage[item];
        plan.sampling.sampled_frames(range, &|frame| footage.pts_ns(frame), &self.shots(step, item))
    }

    /// Shots of an item, for sampling by shot.
    fn shots(&self, step: usize, item: usize) -> Vec<FrameRange> {
        if !matches!(self.plan.steps[step].sampling, Sampling::PerShot(_)) {
            return Vec::new();
        }
        let shot = Kind::new("shot");
        let whole = FrameRange { start: 0, end: u64::MAX };
        let providers = self.job_scoped_providers(step, Half::Process);
        let scoped = providers.filter(|(provider, _)| provider.kind == shot).flat_map(|(_, scoped)| scoped);
        annotation::slice(scoped, &self.footage[item].item.name, &whole, std::slice::from_ref(&shot))
            .into_iter()
            .filter_map(|scoped| scoped.range)
            .collect()
    }

    /// The providers of job-scoped kinds of a half, with what they made (nothing when their finish failed).
    fn job_scoped_providers(&self, step: usize, half: Half) -> impl Iterator<Item = (&Provider, &[ScopedAnnotation])> {
        let plan = &self.plan.steps[step];
        let providers = match half {
            Half::Process => plan.process.as_ref().map_or(&[][..], |process| &process.providers),
            Half::Finish => &plan.finish.providers,
        };
        providers.iter().filter(|provider| provider.half == Half::Finish).map(|provider| {
            match &self.finish[provider.step] {
                FinishStatus::Done(_, scoped) => (provider, scoped.as_slice()),
                _ => (provider, &[][..]),
            }
        })
    }

    /// The inputs of the task of `step` on a group of batches.
    pub(crate) fn inputs(&self, step: usize, item: usize, group: usize) -> Inputs {
        self.try_inputs(step, item, group).unwrap_or(Inputs::Unknown)
    }

    /// `None` = not everything is known yet.
    ///
    /// The key of a task on stills is that of its batch as it was when its pictures were added: it says nothing of those that are gone. So what was
    /// done of the others is found again, and what is done now has no result for those that are gone, for ever.
    fn try_inputs(&self, step: usize, item: usize, group: usize) -> Option<Inputs> {
        let plan = &self.plan.steps[step];
        let Some(process) = &plan.process else { return Some(Inputs::Empty) };
        let footage = &self.footage[item];
        if !footage.task_known(step, group) {
            return None;
        }
        let Some(range) = self.chosen_range(step, item, group) else { return Some(Inputs::Empty) };
        let halo = self.halo(step, item);
        if !footage.known_to(range.end + halo.after) {
            return None;
        }
        let window = footage.window(&range, halo);
        let sampled = self.sampled(step, item, &range);
        let visible = visible_ranges(&sampled, halo, &window);

        // What lies beside the frames is known when all of the item is.
        if process.beside != Beside::default() && !footage.complete {
            return None;
        }
        let mut hasher = self.hashers.process[step].clone().field("item", footage.item.name.as_bytes());
        for (what, digest) in footage.beside(process.beside) {
            hasher = hasher.field(what, digest);
        }
        hasher = hash_range(hasher, "range", &range);
        hasher = hash_frames(hasher, "sampled", &sampled);
        let mut blocked = BTreeSet::new();
        for input in &plan.pixels {
            let absent = match input.source {
                PixelSource::Ingest => {
                    for batch in ascending(visible.iter().flat_map(|range| footage.batches_of(range))) {
                        hasher = hasher.key("pixels", &self.content_key(item, batch));
                    }
                    self.undecoded(item, &visible)?
                }
                PixelSource::Step(maker) => {
                    for key in self.task_keys(maker, item, &visible)? {
                        hasher = hasher.key("made", &key);
                    }
                    self.without_result(maker, item, &visible)?
                }
            };
            hasher = hash_frames(hasher, if input.rendition == Rendition::Proxy { "proxy" } else { "full" }, &absent);
            blocked.extend(absent);
        }
        let mut annotations = Vec::new();
        for provider in process.providers.iter().filter(|provider| provider.half == Half::Process) {
            let keys = self.task_keys(provider.step, item, &visible)?;
            let absent = self.without_result(provider.step, item, &visible)?;
            hasher = hash_frames(hasher.field("kind", provider.kind.as_str().as_bytes()), "absent", &absent);
            for key in keys {
                hasher = hasher.key("annotations", &key);
                annotations.push(self.reference(provider, key));
            }
            if provider.required {
                blocked.extend(absent);
            }
        }
        let mut job_scoped = Vec::new();
        for (provider, scoped) in self.job_scoped_providers(step, Half::Process) {
            let slice = annotation::slice(scoped, &footage.item.name, &window, std::slice::from_ref(&provider.kind));
            hasher = hash_scoped(hasher.field("kind", provider.kind.as_str().as_bytes()), &slice);
            match &self.finish[provider.step] {
                FinishStatus::Done(key, _) => job_scoped.push(self.reference(provider, *key)),
                _ if provider.required => blocked.extend(sampled.iter().copied()),
                _ => {}
            }
        }
        let (there, gone): (Vec<u64>, Vec<u64>) = sampled.iter().partition(|frame| footage.is_there(**frame));
        let (upstream, frames): (Vec<u64>, Vec<u64>) = there.into_iter().partition(|frame| blocked.contains(frame));
        let mut skipped = skips(&complement(&sampled, &range), SAMPLING);
        skipped.extend(skips(&gone, item::GONE));
        skipped.extend(skips(&upstream, "upstream"));
        let decided = Outcomes { failed: Vec::new(), skipped };
        Some(Inputs::Known(Box::new(ProcessInputs {
            range,
            window,
            visible: without(&visible, &gone),
            frames,
            decided,
            annotations,
            job_scoped,
            digest: hasher.finish(),
        })))
    }

    fn reference(&self, provider: &Provider, key: TaskKey) -> AnnotationsRef {
        AnnotationsRef {
            step: self.plan.steps[provider.step].name.clone(),
            key: key.as_bytes().to_vec().into(),
            kinds: vec![provider.kind.as_str().to_owned()],
        }
    }

    /// What decoding a batch gives, whoever asks for it: the packets and the ingest settings.
    fn content_key(&self, item: usize, batch: usize) -> TaskKey {
        let digest = self.footage[item].batches.get(batch).map_or(&[][..], Batch::digest);
        self.hashers.ingest.clone().field("packets", digest).finish()
    }

    /// The key of an ingest task: what it decodes, and which frames of it are wanted in this pass.
    pub(crate) fn ingest_key(&self, item: usize, batch: usize, lookup: Lookup) -> TaskKey {
        self.latest_ingest(item, batch, lookup).0
    }

    /// The key of an ingest task in its newest retry generation, and what the ledger has under it.
    pub(crate) fn latest_ingest(&self, item: usize, batch: usize, lookup: Lookup) -> (TaskKey, Option<EntryOutcomes>) {
        let footage = &self.footage[item];
        let mut hasher = self
            .hashers
            .ingest
            .clone()
            .field("item", footage.item.name.as_bytes())
            .key("content", &self.content_key(item, batch));
        hasher = hash_range(hasher, "range", &footage.batch_range(batch));
        for rendition in [Rendition::Proxy, Rendition::Full] {
            hasher = hash_frames(hasher, "wanted", &self.wanted(item, batch, rendition));
        }
        let inputs = hasher.finish();
        let key = |generation| in_generation(&inputs, generation);
        self.latest_generation(TaskRef::ingest(self.pass, item, batch), key, lookup)
    }

    /// Frames of a batch that some step of this pass looks at in a rendition decoded from the source.
    pub(crate) fn wanted(&self, item: usize, batch: usize, rendition: Rendition) -> Vec<u64> {
        let footage = &self.footage[item];
        let pixels = PixelInput { rendition, source: PixelSource::Ingest };
        let sampled = |step: usize, reach: &FrameRange| {
            let selected = footage.batches_of(reach).map(|near| footage.selected(near, &self.plan.range));
            let cut =
                selected.map(|range| FrameRange { start: range.start.max(reach.start), end: range.end.min(reach.end) });
            cut.filter(|range| range.start < range.end).flat_map(|range| self.sampled(step, item, &range)).collect()
        };
        framefleet_pipeline::wanted(&self.plan, self.pass, &footage.item, pixels, &footage.batch_range(batch), &sampled)
    }

    /// Visible frames that could not be decoded; `None` while that is unknown.
    fn undecoded(&self, item: usize, visible: &[FrameRange]) -> Option<Vec<u64>> {
        let footage = &self.footage[item];
        let mut absent = Vec::new();
        for batch in ascending(visible.iter().flat_map(|range| footage.batches_of(range))) {
            let (_, failed) = self.ingest.get(&(item, batch))?;
            let failed = failed.iter().flat_map(|failed| failed.iter()).flat_map(|range| range.start..range.end);
            absent.extend(failed.filter(|frame| covers(visible, *frame)));
        }
        Some(absent)
    }

    /// Keys of the tasks of `step` that have a visible frame; `None` while one is unknown.
    fn task_keys(&self, step: usize, item: usize, visible: &[FrameRange]) -> Option<Vec<TaskKey>> {
        let mut keys = Vec::new();
        for group in self.groups_over(step, item, visible) {
            match self.status(step, item, group) {
                Status::Done(key, _) => keys.push(*key),
                Status::Empty => {}
                Status::Unknown | Status::Missing(_) => return None,
            }
        }
        Some(keys)
    }

    /// Visible frames without a result of `step`; `None` while that is unknown.
    fn without_result(&self, step: usize, item: usize, visible: &[FrameRange]) -> Option<Vec<u64>> {
        let footage = &self.footage[item];
        let mut results: Vec<FrameRange> = Vec::new();
        for group in self.groups_over(step, item, visible) {
            let Status::Done(_, without) = self.status(step, item, group) else {
                if matches!(self.status(step, item, group), Status::Empty) {
                    continue;
                }
                return None;
            };
            let Some(range) = footage.task_range(step, group, &self.plan.range) else { continue };
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
    fn groups_over(&self, step: usize, item: usize, visible: &[FrameRange]) -> Vec<usize> {
        ascending(visible.iter().flat_map(|range| self.footage[item].tasks_of(step, range)))
    }

    /// The key of a step's finish, once its providers are done and the targets of its corrections are found.
    pub(crate) fn finish_key(&self, step: usize) -> Option<TaskKey> {
        if !self.knows_edits(step) {
            return None;
        }
        let plan = &self.plan.steps[step];
        let mut hasher = self.hashers.finish[step].clone();
        for provider in plan.finish.providers.iter().filter(|provider| provider.half == Half::Finish) {
            if !matches!(self.finish[provider.step], FinishStatus::Done(..) | FinishStatus::Failed(_)) {
                return None;
            }
        }
        for (provider, scoped) in self.job_scoped_providers(step, Half::Finish) {
            hasher = hash_scoped(
                hasher.field("kind", provider.kind.as_str().as_bytes()),
                &scoped.iter().collect::<Vec<_>>(),
            );
        }
        for edit in self.edits(step) {
            hasher = hasher.field("edit", &prost::Message::encode_to_vec(edit));
        }
        for (item, footage) in self.footage.iter().enumerate() {
            hasher = hasher.field("item", footage.item.name.as_bytes());
            for status in &self.process[step][item] {
                if let Status::Done(key, _) = status {
                    hasher = hasher.key("task", key);
                }
            }
            for (what, digest) in footage.beside(plan.finish.beside) {
                hasher = hasher.field(what, digest);
            }
            // Which pictures are there, and what they are called.
            for file in footage.all_files() {
                hasher = hasher.field_u64("frame", file.frame).field("file", file.name.as_bytes());
            }
        }
        Some(hasher.finish())
    }
}

/// What of a network changes answers: not its name, nor its licence.
fn what_acts(model: &PlannedModel) -> serde_json::Value {
    serde_json::json!([model.role, model.sha256, model.micro_batch, model.dims, model.mode])
}

fn hash_scoped(hasher: KeyHasher, scoped: &[&ScopedAnnotation]) -> KeyHasher {
    scoped.iter().fold(hasher, |hasher, annotation| hasher.field("scoped", &prost::Message::encode_to_vec(*annotation)))
}

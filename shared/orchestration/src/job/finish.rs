//! The finish halves of a pass: when they are due, and under which key.
use super::JobState;
use super::facts::Lookup;
use super::hashers::hash_scoped;
use super::status::{FinishStatus, Status};
use framefleet_frames::Edit;
use framefleet_ledger::TaskKey;
use framefleet_pipeline::Half;
use std::collections::BTreeSet;

/// The user's corrections.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    all: Vec<Edit>,
    /// Steps whose corrections have their targets where they are now.
    resolved: BTreeSet<usize>,
}

impl Edits {
    /// Those of a job, in the order they were made.
    pub fn new(all: Vec<Edit>) -> Self {
        Self { all, resolved: BTreeSet::new() }
    }
}

impl JobState {
    /// Computes keys of the finish halves of this pass, in order, as their inputs become known.
    pub(super) fn settle_finishes(&mut self, lookup: Lookup) {
        for step in self.shared.finish_steps().to_vec() {
            if !matches!(self.shared.finish(step), FinishStatus::Waiting) {
                continue;
            }
            let Some(key) = self.finish_key(step) else { continue };
            self.set_finish(
                step,
                match lookup(&key) {
                    Some(_) => FinishStatus::Committed(key),
                    None => FinishStatus::Missing(key),
                },
            );
        }
    }

    fn set_finish(&mut self, step: usize, status: FinishStatus) {
        if let Some(finish) = self.shared.finish_mut(step) {
            *finish = status;
        }
    }

    /// A finish has its entry.
    pub(super) fn commit_finish(&mut self, step: usize, key: TaskKey) {
        if self.missing_finish(step) == Some(key) {
            self.set_finish(step, FinishStatus::Committed(key));
        }
    }

    /// A finish was given up.
    pub(super) fn give_up_finish(&mut self, step: usize, reason: String) {
        if self.missing_finish(step).is_some() {
            self.set_finish(step, FinishStatus::Failed(reason));
        }
    }

    /// Whether all finishes of the pass are over.
    pub(super) fn pass_is_finished(&self) -> bool {
        self.shared.finish_steps().iter().all(|&step| self.shared.finish(step).is_over())
    }

    /// Finish entries whose annotations are to be read and handed back as [`Fact::Finished`](super::Fact::Finished).
    pub fn unread_finishes(&self) -> Vec<(usize, TaskKey)> {
        let committed = |step: usize| match self.shared.finish(step) {
            FinishStatus::Committed(key) => Some((step, *key)),
            _ => None,
        };
        (0..self.plan().steps.len()).filter_map(committed).collect()
    }

    /// The key of a step's finish, once it is done.
    pub(crate) fn finished_key(&self, step: usize) -> Option<TaskKey> {
        match self.shared.finish(step) {
            FinishStatus::Done(key, _) => Some(*key),
            _ => None,
        }
    }

    /// The key of a step's finish that is to be done.
    pub(crate) fn missing_finish(&self, step: usize) -> Option<TaskKey> {
        match self.shared.finish(step) {
            FinishStatus::Missing(key) => Some(*key),
            _ => None,
        }
    }

    /// Why a step's finish failed.
    pub fn finish_failure(&self, step: usize) -> Option<&str> {
        match self.shared.finish(step) {
            FinishStatus::Failed(reason) => Some(reason),
            _ => None,
        }
    }

    /// The key of a step's finish, once its providers are done and the targets of its corrections are found.
    fn finish_key(&self, step: usize) -> Option<TaskKey> {
        if !self.knows_edits(step) {
            return None;
        }
        let plan = &self.plan().steps[step];
        let mut providers = plan.finish.providers.iter().filter(|provider| provider.half == Half::Finish);
        if !providers.all(|provider| self.shared.finish(provider.step).is_over()) {
            return None;
        }
        let mut hasher = self.shared.hashers().finish(step);
        for (provider, scoped) in self.shared.job_scoped_providers(step, Half::Finish) {
            hasher = hash_scoped(hasher.field("kind", provider.kind.as_str().as_bytes()), scoped);
        }
        for edit in self.edits(step) {
            hasher = hasher.field("edit", &prost::Message::encode_to_vec(edit));
        }
        for item in &self.items {
            let footage = item.footage();
            hasher = hasher.field("item", footage.item.name.as_bytes());
            for status in item.statuses(step) {
                if let Status::Done(key, _) = status {
                    hasher = hasher.key("task", key);
                }
            }
            for (what, digest) in footage.side_digests(plan.finish.side_inputs) {
                hasher = hasher.field(what, digest);
            }
            // Which pictures are there, and what they are called.
            for file in footage.all_files() {
                hasher = hasher.field_u64("frame", file.frame).field("file", file.name.as_bytes());
            }
        }
        Some(hasher.finish())
    }

    /// Steps of this pass whose finish waits for the targets of their corrections.
    pub(crate) fn edits_due(&self) -> Vec<usize> {
        if !self.finishes_are_due() {
            return Vec::new();
        }
        let waits =
            |step: &usize| matches!(self.shared.finish(*step), FinishStatus::Waiting) && !self.knows_edits(*step);
        self.shared.finish_steps().iter().copied().filter(waits).collect()
    }

    /// Whether the pass waits for its finishes alone.
    pub(super) fn finishes_are_due(&self) -> bool {
        self.drained() && !self.finished && self.stop.is_none() && self.shared.preview().is_none()
    }

    /// Whether the targets of a step's corrections, if it has any, are where they say.
    fn knows_edits(&self, step: usize) -> bool {
        self.edits.resolved.contains(&step) || self.edits(step).next().is_none()
    }

    /// The user's corrections of a step.
    pub(crate) fn edits(&self, step: usize) -> impl Iterator<Item = &Edit> {
        let name = &self.plan().steps[step].name;
        self.edits.all.iter().filter(move |edit| edit.step == *name)
    }

    /// Takes the corrections of a step with their targets as they are now.
    pub(crate) fn note_edits(&mut self, step: usize, edits: Vec<Edit>) {
        let name = self.plan().steps[step].name.clone();
        self.edits.all.retain(|edit| edit.step != name);
        self.edits.all.extend(edits);
        self.edits.resolved.insert(step);
    }

    /// The task that made a step's annotations on a frame.
    pub(crate) fn task_on(&self, step: usize, item: &str, frame: u64) -> Option<TaskKey> {
        let item = self.items.iter().position(|of| of.footage().item.name == item)?;
        let batch = frame / self.footage(item).batch_frames;
        let group = usize::try_from(batch / self.view(item).group(step)).ok()?;
        match self.view(item).status(step, group) {
            Status::Done(key, _) => Some(*key),
            _ => None,
        }
    }
}

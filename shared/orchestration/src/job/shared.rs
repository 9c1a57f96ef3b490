//! What all items of a job are settled by: the plan, the pass that runs, and what its finished steps made.
use super::hashers::Hashers;
use super::preview::Preview;
use super::status::FinishStatus;
use framefleet_frames::ScopedAnnotation;
use framefleet_pipeline::{Half, PixelSource, Plan, Provider};
use std::sync::Arc;

/// What is the same for all items.
pub(crate) struct Shared {
    plan: Arc<Plan>,
    hashers: Hashers,
    pass: usize,
    /// By step.
    finish: Vec<FinishStatus>,
    preview: Option<Preview>,
    retry_failed: bool,
}

impl Shared {
    /// That of a job of which nothing has happened.
    pub fn new(plan: Arc<Plan>, preview: Option<Preview>, retry_failed: bool) -> Self {
        let finish = vec![FinishStatus::default(); plan.steps.len()];
        Self { hashers: Hashers::new(&plan), plan, pass: 0, finish, preview, retry_failed }
    }

    /// The plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// What keys begin with.
    pub fn hashers(&self) -> &Hashers {
        &self.hashers
    }

    /// The pass that runs, from 0.
    pub fn pass(&self) -> usize {
        self.pass
    }

    /// Goes on to the next pass.
    pub fn begin_next_pass(&mut self) {
        self.pass += 1;
    }

    /// Steps whose process half runs in this pass.
    pub fn process_steps(&self) -> &[usize] {
        &self.plan.passes[self.pass].process
    }

    /// Steps whose finish half runs in this pass.
    pub fn finish_steps(&self) -> &[usize] {
        &self.plan.passes[self.pass].finish
    }

    /// What is known of a step's finish.
    pub fn finish(&self, step: usize) -> &FinishStatus {
        &self.finish[step]
    }

    /// What is known of a step's finish, to change; `None` when there is no such step.
    pub fn finish_mut(&mut self, step: usize) -> Option<&mut FinishStatus> {
        self.finish.get_mut(step)
    }

    /// The part that is done, when it is a preview.
    pub fn preview(&self) -> Option<&Preview> {
        self.preview.as_ref()
    }

    /// Whether frames that failed in earlier runs are done once more.
    pub fn retry_failed(&self) -> bool {
        self.retry_failed
    }

    /// Steps of a pass that look at frames from `source`.
    pub fn readers_of(&self, pass: usize, source: PixelSource) -> impl Iterator<Item = usize> {
        let steps = &self.plan.steps;
        let reads = move |step: &usize| steps[*step].pixels.iter().any(|input| input.source == source);
        self.plan.passes[pass].process.iter().copied().filter(reads)
    }

    /// The providers of job-scoped kinds of a half, with what they made (nothing when their finish failed).
    pub fn job_scoped_providers(
        &self,
        step: usize,
        half: Half,
    ) -> impl Iterator<Item = (&Provider, &[ScopedAnnotation])> {
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
}

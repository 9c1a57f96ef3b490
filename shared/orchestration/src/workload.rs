//! How many frames a job has to do: per step those that the output held before, those that this run did, those that are left.
//!
//! Bookkeeping alone. The state says how many frames a step is to do on an item (`expectation.rs`), and what became of them.
use framefleet_pipeline::StepPlan;
use std::collections::{BTreeMap, BTreeSet};

/// Frames of one step. Frames that its sampling or the job's range leave out are none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepFrames {
    /// All that are to have an outcome; by headers until items are indexed.
    pub all: u64,
    /// Of them, those whose outcome the output held before this run.
    pub reused: u64,
    /// Of them, those that this run did.
    pub done: u64,
    /// Of them, those that this run has yet to do, as far as that is known: see [`Workload::step`].
    pub left: u64,
}

impl StepFrames {
    /// Frames of this run, done or not.
    pub fn to_do(&self) -> u64 {
        self.done + self.left
    }

    /// The part of the step that this run has to do, or has yet to do: `frames` of all.
    fn share(&self, frames: u64) -> f64 {
        if self.all > 0 { frames as f64 / self.all as f64 } else { 0.0 }
    }
}

/// What the last run into an output ended with.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    /// Frames that have outcomes, by item.
    pub items: BTreeMap<String, u64>,
    /// Names of the steps that are as they were.
    pub steps: BTreeSet<String>,
}

impl Earlier {
    pub(crate) fn has(&self, step: &StepPlan) -> bool {
        self.steps.contains(&step.name)
    }
}

/// The frames of all steps, by item.
#[derive(Clone, Debug, Default)]
pub(crate) struct Workload {
    steps: Vec<Step>,
    passes: Vec<Decoding>,
    job: PerItem,
}

/// A number of frames per item, and their sum.
#[derive(Clone, Debug, Default)]
struct PerItem {
    of: Vec<u64>,
    all: u64,
}

impl PerItem {
    fn new(items: usize) -> Self {
        Self { of: vec![0; items], all: 0 }
    }

    fn set(&mut self, item: usize, frames: u64) {
        if let Some(of) = self.of.get_mut(item) {
            self.all = self.all - *of + frames;
            *of = frames;
        }
    }

    fn get(&self, item: usize) -> u64 {
        self.of.get(item).copied().unwrap_or_default()
    }
}

#[derive(Clone, Debug, Default)]
struct Step {
    to_do: PerItem,
    reused: u64,
    /// What the frames that are reused took when they were done.
    reused_seconds: f64,
    done: u64,
    /// Frames that an earlier run left in the output when it ended, by item: likely to be found there.
    earlier: PerItem,
    /// Of frames on those items: how many were found in the output, and how many have an outcome by now.
    earlier_reused: u64,
    earlier_settled: u64,
}

/// Decoding in one pass.
#[derive(Clone, Debug, Default)]
struct Decoding {
    /// Frames that the pass's steps look at, were they all to be done.
    wanted: PerItem,
    done: u64,
}

impl Workload {
    /// Nothing to do on any item.
    pub fn new(steps: usize, passes: usize, items: usize) -> Self {
        let step = Step { to_do: PerItem::new(items), earlier: PerItem::new(items), ..Step::default() };
        let pass = Decoding { wanted: PerItem::new(items), done: 0 };
        Self { steps: vec![step; steps], passes: vec![pass; passes], job: PerItem::new(items) }
    }

    /// What an item asks of every step, and of decoding in every pass; replaces what was expected of it.
    pub fn expect(&mut self, item: usize, steps: &[u64], decoding: &[u64]) {
        for (step, frames) in self.steps.iter_mut().zip(steps) {
            step.to_do.set(item, *frames);
        }
        for (pass, frames) in self.passes.iter_mut().zip(decoding) {
            pass.wanted.set(item, *frames);
        }
        self.job.set(item, steps.iter().copied().max().unwrap_or_default());
    }

    /// An earlier run ended with outcomes of a step for so many frames of an item.
    pub fn expect_reuse(&mut self, step: usize, item: usize, frames: u64) {
        if let Some(step) = self.steps.get_mut(step) {
            step.earlier.set(item, frames.min(step.to_do.get(item)));
        }
    }

    /// Frames of a step have an outcome that the output held before this run, when they took so many seconds.
    pub fn reuse(&mut self, step: usize, item: usize, frames: u64, seconds: f64) {
        let Some(step) = self.steps.get_mut(step) else { return };
        step.reused += frames;
        step.reused_seconds += seconds;
        if step.earlier.get(item) > 0 {
            step.earlier_reused += frames;
            step.earlier_settled += frames;
        }
    }

    /// This run did frames of a step.
    pub fn done(&mut self, step: usize, item: usize, frames: u64) {
        let Some(step) = self.steps.get_mut(step) else { return };
        step.done += frames;
        if step.earlier.get(item) > 0 {
            step.earlier_settled += frames;
        }
    }

    /// This run decoded frames.
    pub fn decoded(&mut self, pass: usize, frames: u64) {
        if let Some(pass) = self.passes.get_mut(pass) {
            pass.done += frames;
        }
    }

    /// What the frames of a step that are reused took when they were done.
    pub fn reused_seconds(&self, step: usize) -> f64 {
        self.steps.get(step).map_or(0.0, |step| step.reused_seconds)
    }

    /// Frames of all items that some step does.
    pub fn frames(&self) -> u64 {
        self.job.all
    }

    /// The frames of a step. What nobody has come to yet is left, but for items that an earlier run ended with: of those as large
    /// a part is left as it was of those that were come to.
    pub fn step(&self, step: usize) -> StepFrames {
        let Some(step) = self.steps.get(step) else { return StepFrames::default() };
        let settled = step.reused + step.done;
        let all = step.to_do.all.max(settled);
        let unsettled = all - settled;
        let earlier = step.earlier.all.saturating_sub(step.earlier_settled).min(unsettled);
        let share = match step.earlier_settled {
            0 => 1.0,
            settled => step.earlier_reused as f64 / settled as f64,
        };
        let left = unsettled - (earlier as f64 * share) as u64;
        StepFrames { all, reused: step.reused, done: step.done, left }
    }

    /// The frames of decoding: as much of each pass is to be done as of the step in `readers` of that pass that has most to do.
    /// Passes before `current` are over.
    pub fn decoding(&self, current: usize, readers: &[Vec<usize>]) -> StepFrames {
        let done = self.passes.iter().map(|pass| pass.done).sum();
        let left = (current..self.passes.len()).map(|pass| self.decoding_left(pass, readers)).sum();
        StepFrames { all: done + left, reused: 0, done, left }
    }

    /// Frames that a pass has yet to decode.
    pub fn decoding_left(&self, pass: usize, readers: &[Vec<usize>]) -> u64 {
        let (Some(decoding), Some(readers)) = (self.passes.get(pass), readers.get(pass)) else { return 0 };
        let shares = readers.iter().map(|step| self.step(*step)).map(|step| step.share(step.to_do()));
        let wanted = (decoding.wanted.all as f64 * shares.fold(0.0, f64::max)).round() as u64;
        let open = readers.iter().any(|step| self.step(*step).left > 0);
        if open { wanted.saturating_sub(decoding.done) } else { 0 }
    }

    /// Frames that the tasks of a step have yet to work on in this pass: those that are left, and those that are made again
    /// because one of `readers`, steps that look at frames it makes, still needs them.
    pub fn work_left(&self, step: usize, readers: &[usize]) -> f64 {
        let own = self.step(step);
        let shares = readers.iter().map(|reader| self.step(*reader)).map(|reader| reader.share(reader.left));
        (own.left as f64).max(own.all as f64 * shares.fold(0.0, f64::max))
    }
}

#[cfg(test)]
mod tests;

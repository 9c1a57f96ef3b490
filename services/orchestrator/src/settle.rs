//! What the ledger says of tasks whose keys are known: done, and with what outcomes, or still to do.
use crate::counts::Counts;
use crate::keys::Inputs;
use crate::state::{FinishStatus, JobState, Lookup, Status};
use crate::task::{TaskRef, Work};
use framefleet_ledger::TaskKey;
use framefleet_media::{FrameRange, FrameSkip, Outcomes, item};
use framefleet_proto::v1::EntryOutcomes;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

impl JobState {
    /// Settles ingest outcomes of some batches, then their tasks, providers first.
    pub(crate) fn settle_range(&mut self, item: usize, batches: Range<usize>, lookup: Lookup) {
        for batch in batches.clone() {
            self.settle_ingest(item, batch, lookup);
        }
        let plan = Arc::clone(&self.plan);
        for &step in &plan.passes[self.pass].process {
            for group in self.tasks_over(step, item, &batches) {
                if matches!(self.status(step, item, group), Status::Unknown) {
                    self.settle_process(step, item, group, lookup);
                }
            }
        }
    }

    /// Tasks of a step that some batches have frames of.
    fn tasks_over(&self, step: usize, item: usize, batches: &Range<usize>) -> Range<usize> {
        let footage = &self.footage[item];
        let start = batches.start as u64 * footage.batch_frames;
        footage.tasks_of(step, &FrameRange { start, end: batches.end as u64 * footage.batch_frames })
    }

    /// Settles everything that is live, batches that lie side by side together.
    pub(crate) fn settle_live(&mut self, lookup: Lookup) {
        let mut runs: Vec<(usize, Range<usize>)> = Vec::new();
        for &(item, batch) in &self.live {
            match runs.last_mut() {
                Some((of, run)) if *of == item && run.end == batch => run.end += 1,
                _ => runs.push((item, batch..batch + 1)),
            }
        }
        for (item, batches) in runs {
            self.settle_range(item, batches, lookup);
        }
    }

    /// Asks the ledger what decoding a batch gave.
    pub(crate) fn settle_ingest(&mut self, item: usize, batch: usize, lookup: Lookup) {
        if self.ingest.contains_key(&(item, batch)) {
            return;
        }
        let (key, Some(entry)) = self.latest_ingest(item, batch, lookup) else { return };
        let retry = self.options.retry_failed && self.raise_retry(TaskRef::ingest(self.pass, item, batch), &entry);
        if !retry {
            self.note_ingest(item, batch, key, &entry);
        }
    }

    pub(crate) fn settle_process(&mut self, step: usize, item: usize, group: usize, lookup: Lookup) {
        let task = TaskRef::process(self.pass, step, item, group);
        let ((key, entry), is_idle) = match self.inputs(step, item, group) {
            Inputs::Unknown => return,
            Inputs::Empty => {
                *self.status_mut(step, item, group) = Status::Empty;
                return;
            }
            Inputs::Known(inputs) => {
                (self.latest_generation(task, |generation| inputs.key(generation), lookup), inputs.frames.is_empty())
            }
        };
        match entry {
            Some(entry) if self.options.retry_failed && self.raise_retry(task, &entry) => {
                self.settle_process(step, item, group, lookup);
            }
            Some(entry) => {
                let settled = Counts::of(&self.of_those_there(task, &entry)).settled();
                self.workload.reuse(step, item, settled, entry.stage_seconds);
                self.note_process(task, key, &entry);
            }
            None => {
                *self.status_mut(step, item, group) = Status::Missing(key);
                if is_idle {
                    self.without_worker.insert(task, None);
                }
            }
        }
    }

    /// Marks a task to be done in a new retry generation if frames that are there failed by its entry, and this run has not raised it yet.
    fn raise_retry(&mut self, task: TaskRef, entry: &EntryOutcomes) -> bool {
        has_failures(&self.of_those_there(task, entry)) && self.retried.insert(task)
    }

    /// What an entry says of the frames that are there: it may be of a time when more pictures were.
    pub(crate) fn of_those_there<'e>(&self, task: TaskRef, entry: &'e EntryOutcomes) -> Cow<'e, EntryOutcomes> {
        let footage = &self.footage[task.item];
        let range = match task.kind {
            Work::Process => self.chosen_range(task.step, task.item, task.index).unwrap_or_default(),
            _ => footage.batch_range(task.index),
        };
        let there = footage.count(&range);
        if there == range.end - range.start {
            return Cow::Borrowed(entry);
        }
        let Outcomes { mut failed, skipped } = entry.outcomes.clone().unwrap_or_default();
        failed.retain(|failure| footage.is_there(failure.frame));
        let skipped = skipped.iter().flat_map(|skip| {
            let range = skip.range.unwrap_or_default();
            let there = (range.start..range.end).filter(|frame| footage.is_there(*frame));
            there.map(|frame| FrameSkip { range: Some(FrameRange { start: frame, end: frame + 1 }), ..skip.clone() })
        });
        let skipped: Vec<FrameSkip> = skipped.collect();
        let frames_done = there - failed.len() as u64 - skipped.len() as u64;
        Cow::Owned(EntryOutcomes { frames_done, outcomes: Some(Outcomes { failed, skipped }), ..entry.clone() })
    }

    /// The key of a task in its newest retry generation, and what the ledger has under it: generation 0 when nothing failed in it,
    /// the one after the newest that failed when this run raised the task's generation, and that is not done yet.
    pub(crate) fn latest_generation(
        &self,
        task: TaskRef,
        key: impl Fn(u32) -> TaskKey,
        lookup: Lookup,
    ) -> (TaskKey, Option<EntryOutcomes>) {
        let first = key(0);
        let mut newest = (first, lookup(&first));
        for generation in 1.. {
            if !newest.1.as_ref().is_some_and(has_failures) {
                break;
            }
            let next = key(generation);
            let entry = lookup(&next);
            if entry.is_none() && !self.retried.contains(&task) {
                break;
            }
            newest = (next, entry);
        }
        newest
    }

    /// Computes keys of the finish halves of this pass, in order, as their inputs become known.
    pub(crate) fn settle_finishes(&mut self, lookup: Lookup) {
        let plan = Arc::clone(&self.plan);
        for &step in &plan.passes[self.pass].finish {
            if !matches!(self.finish[step], FinishStatus::Waiting) {
                continue;
            }
            let Some(key) = self.finish_key(step) else { continue };
            self.finish[step] = match lookup(&key) {
                Some(_) => FinishStatus::Committed(key),
                None => FinishStatus::Missing(key),
            };
        }
    }

    /// Records what an ingest entry says.
    pub(crate) fn note_ingest(&mut self, item: usize, batch: usize, key: TaskKey, entry: &EntryOutcomes) {
        if self.ingest.insert((item, batch), (key, failed(entry))).is_none() {
            let entry = self.of_those_there(TaskRef::ingest(self.pass, item, batch), entry);
            self.count(self.plan.steps.len(), item, &entry);
        }
    }

    /// Records what a process entry says.
    pub(crate) fn note_process(&mut self, task: TaskRef, key: TaskKey, entry: &EntryOutcomes) {
        *self.status_mut(task.step, task.item, task.index) = Status::Done(key, without_result(entry));
        let entry = self.of_those_there(task, entry);
        self.count(task.step, task.item, &entry);
    }
}

/// Whether a frame has failed: what `--retry-failed` does again.
fn has_failures(entry: &EntryOutcomes) -> bool {
    entry.outcomes.as_ref().is_some_and(|outcomes| !outcomes.failed.is_empty())
}

/// Frames that failed; `None` when there are none: most entries have none, and there are many.
fn failed(entry: &EntryOutcomes) -> Option<Arc<[FrameRange]>> {
    let failed = entry.outcomes.iter().flat_map(|outcomes| &outcomes.failed);
    some(failed.map(|failure| FrameRange { start: failure.frame, end: failure.frame.saturating_add(1) }).collect())
}

/// Frames that failed or were skipped; `None` when every frame has a result. Those whose picture was gone are not among them: keys of tasks that
/// read this one's results say nothing of them.
fn without_result(entry: &EntryOutcomes) -> Option<Arc<[FrameRange]>> {
    let skipped = entry.outcomes.iter().flat_map(|outcomes| &outcomes.skipped);
    let skipped = skipped.filter(|skip| skip.rule != item::GONE).filter_map(|skip| skip.range);
    some(failed(entry).iter().flat_map(|failed| failed.iter().copied()).chain(skipped).collect())
}

fn some(ranges: Vec<FrameRange>) -> Option<Arc<[FrameRange]>> {
    (!ranges.is_empty()).then(|| ranges.into())
}

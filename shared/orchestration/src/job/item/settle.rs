//! What the ledger says of an item's tasks whose keys are known: done, and with what outcomes, or still to do.
use super::inputs::Inputs;
use super::keys::has_failures;
use super::{ItemState, ItemView};
use crate::counts::Counts;
use crate::job::facts::Lookup;
use crate::job::failures::BatchFailure;
use crate::job::shared::Shared;
use crate::job::status::Status;
use crate::task::{TaskRef, Work};
use framefleet_frames::{FrameRange, FrameSkip, Outcomes, item};
use framefleet_ledger::TaskKey;
use framefleet_proto::v1::EntryOutcomes;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// What became known of a task, for those who count.
#[derive(Debug)]
pub(crate) enum News {
    /// Its frames have their outcomes.
    Done {
        task: TaskRef,
        counts: Counts,
        failure: Option<BatchFailure>,
        /// The output held it before this run: what it took when it was done, in seconds.
        reused_seconds: Option<f64>,
    },
    /// It has no entry, and no frame of it is to be done: no worker has to be asked.
    Idle(TaskRef),
}

impl News {
    /// Whether frames have failed.
    pub fn has_failures(&self) -> bool {
        matches!(self, Self::Done { counts, .. } if counts.failed > 0)
    }
}

impl ItemState {
    /// Settles ingest outcomes of some batches, then their tasks, providers first.
    pub fn settle_range(&mut self, job: &Shared, batches: Range<usize>, lookup: Lookup, news: &mut Vec<News>) {
        for batch in batches.clone() {
            self.settle_ingest(job, batch, lookup, news);
        }
        for &step in job.process_steps() {
            for group in self.tasks_over(step, &batches) {
                if matches!(self.status(step, group), Status::Unknown) {
                    self.settle_process(job, step, group, lookup, news);
                }
            }
        }
    }

    /// Forgets what was settled in the pass that runs.
    pub fn unsettle(&mut self, job: &Shared) {
        self.ingest.clear();
        job.process_steps().iter().for_each(|step| self.process[*step].clear());
    }

    /// Notes the entry of a task that is done. `None` when that is known, or is not the entry that the task is to have.
    pub fn note(&mut self, job: &Shared, task: TaskRef, key: TaskKey, entry: &EntryOutcomes) -> Option<News> {
        match task.kind {
            Work::Ingest => {
                let known = self.ingest.insert(task.index, (key, failed(entry)));
                known.is_none().then(|| self.view(job).done(task, entry, None))
            }
            Work::Process => {
                let is_awaited = matches!(self.status(task.step, task.index), Status::Missing(of) if *of == key);
                is_awaited.then(|| self.note_process(job, task, key, entry, None))
            }
            Work::Index | Work::Finish => None,
        }
    }

    /// Tasks of a step that some batches have frames of.
    fn tasks_over(&self, step: usize, batches: &Range<usize>) -> Range<usize> {
        let footage = &self.footage;
        let start = batches.start as u64 * footage.batch_frames;
        footage.tasks_of(step, &FrameRange { start, end: batches.end as u64 * footage.batch_frames })
    }

    /// Asks the ledger what decoding a batch gave.
    fn settle_ingest(&mut self, job: &Shared, batch: usize, lookup: Lookup, news: &mut Vec<News>) {
        if self.ingest.contains_key(&batch) {
            return;
        }
        let (key, Some(entry)) = self.view(job).latest_ingest(batch, lookup) else { return };
        let task = TaskRef::ingest(job.pass(), self.number, batch);
        if !(job.retry_failed() && self.raise_retry(job, task, &entry)) {
            news.extend(self.note(job, task, key, &entry));
        }
    }

    fn settle_process(&mut self, job: &Shared, step: usize, group: usize, lookup: Lookup, news: &mut Vec<News>) {
        let task = TaskRef::process(job.pass(), step, self.number, group);
        let view = self.view(job);
        let ((key, entry), is_idle) = match view.inputs(step, group) {
            Inputs::Unknown => return,
            Inputs::Empty => {
                *self.status_mut(step, group) = Status::Empty;
                return;
            }
            Inputs::Known(inputs) => {
                (view.latest_generation(task, |generation| inputs.key(generation), lookup), inputs.frames.is_empty())
            }
        };
        match entry {
            Some(entry) if job.retry_failed() && self.raise_retry(job, task, &entry) => {
                self.settle_process(job, step, group, lookup, news);
            }
            Some(entry) => news.push(self.note_process(job, task, key, &entry, Some(entry.stage_seconds))),
            None => {
                *self.status_mut(step, group) = Status::Missing(key);
                if is_idle {
                    news.push(News::Idle(task));
                }
            }
        }
    }

    fn note_process(
        &mut self,
        job: &Shared,
        task: TaskRef,
        key: TaskKey,
        entry: &EntryOutcomes,
        reused_seconds: Option<f64>,
    ) -> News {
        *self.status_mut(task.step, task.index) = Status::Done(key, without_result(entry));
        self.view(job).done(task, entry, reused_seconds)
    }

    /// Marks a task to be done in a new retry generation if frames that are there failed by its entry, and this run has not raised it yet.
    fn raise_retry(&mut self, job: &Shared, task: TaskRef, entry: &EntryOutcomes) -> bool {
        has_failures(&self.view(job).of_those_there(task, entry)) && self.retried.insert(task)
    }

    fn view<'a>(&'a self, job: &'a Shared) -> ItemView<'a> {
        ItemView::new(job, self)
    }
}

impl ItemView<'_> {
    /// Frames of a task that have an outcome by its entry, but for those that sampling left out.
    pub fn settled_frames(self, task: TaskRef, entry: &EntryOutcomes) -> u64 {
        Counts::of(&self.of_those_there(task, entry)).settled()
    }

    fn done(self, task: TaskRef, entry: &EntryOutcomes, reused_seconds: Option<f64>) -> News {
        let entry = self.of_those_there(task, entry);
        let failure = BatchFailure::of(&entry);
        News::Done { task, counts: Counts::of(&entry), failure, reused_seconds }
    }

    /// What an entry says of the frames that are there: it may be of a time when more pictures were.
    fn of_those_there<'e>(self, task: TaskRef, entry: &'e EntryOutcomes) -> Cow<'e, EntryOutcomes> {
        let footage = self.footage();
        let range = match task.kind {
            Work::Process => self.chosen_range(task.step, task.index).unwrap_or_default(),
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

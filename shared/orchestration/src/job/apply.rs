//! Facts, folded in.
use super::JobState;
use super::facts::{Fact, Lookup};
use super::failures::Verdict;
use super::item::News;
use super::status::FinishStatus;
use crate::batch::Batch;
use crate::task::{INGEST, TaskRef, Work};
use framefleet_frames::Item;
use framefleet_ledger::TaskKey;
use framefleet_pipeline::PixelSource;
use framefleet_proto::v1::Pixels;
use std::sync::Arc;

impl JobState {
    /// Folds a fact in. Facts that are old news change nothing.
    pub fn apply(&mut self, fact: Fact, lookup: Lookup) {
        match fact {
            Fact::Listed { item, files } => {
                if let Some(item) = self.items.get_mut(item) {
                    item.footage_mut().files_listed = files;
                }
            }
            Fact::Indexed { item, from, batches, complete, damage, corrected } => {
                let corrected = corrected.map(|item| *item);
                self.indexed(item, from, batches, complete.then_some(damage), corrected);
            }
            Fact::Done { task, key, made } => self.done(task, key, made, lookup),
            Fact::Finished { step, key, scoped } => {
                if let Some(status @ FinishStatus::Committed(_)) = self.shared.finish_mut(step) {
                    *status = FinishStatus::Done(key, scoped);
                }
            }
            Fact::Failed { task, attempt, code, reason, retryable } => {
                self.failed(task, attempt, code, reason, retryable)
            }
            Fact::Stale { task } => self.stale(task),
        }
    }

    /// Batches of an item were found. `complete`: they are the last, and why the rest cannot be read.
    fn indexed(
        &mut self,
        item: usize,
        from: usize,
        batches: Vec<Batch>,
        complete: Option<Option<String>>,
        corrected: Option<Item>,
    ) {
        let range = self.plan().range;
        let Some(state) = self.items.get_mut(item) else { return };
        let footage = state.footage_mut();
        if footage.complete || from > footage.batches.len() {
            return;
        }
        let known = footage.batches.len() - from;
        if let Some(corrected) = corrected {
            footage.item = Item { files: Vec::new(), ..corrected };
        }
        batches.into_iter().skip(known).for_each(|batch| footage.push(batch, &range));
        if let Some(damage) = complete {
            footage.complete = true;
            footage.damage = damage;
        }
        if footage.complete || footage.frames() > footage.item.estimated_frames {
            self.expect(item);
        }
    }

    /// A task's entry is in the ledger; the entry says what came of it.
    fn done(&mut self, task: TaskRef, key: TaskKey, made: Vec<Pixels>, lookup: Lookup) {
        let Some(entry) = lookup(&key) else { return };
        if task.pass != self.pass() && task.kind != Work::Index {
            self.memory.discard(made);
            return;
        }
        self.failures.settle(task);
        match task.kind {
            Work::Index => {}
            Work::Ingest => {
                let news = self.items[task.item].note(&self.shared, task, key, &entry);
                news.into_iter().for_each(|news| self.hear(news));
                if self.memory.put_decoded((task.item, task.index), made) {
                    let frames = self.view(task.item).settled_frames(task, &entry);
                    self.workload.decoded(self.pass(), frames);
                }
            }
            Work::Process => {
                if let Some(news) = self.items[task.item].note(&self.shared, task, key, &entry) {
                    let frames = self.view(task.item).settled_frames(task, &entry);
                    self.workload.done(task.step, task.item, frames);
                    self.hear(news);
                }
                self.keep_made(task, made);
            }
            Work::Finish => self.commit_finish(task.step, key),
        }
    }

    /// Keeps the frames that a task made, if something looks at them.
    fn keep_made(&mut self, task: TaskRef, made: Vec<Pixels>) {
        let making = (task.step, task.item, task.index);
        let is_maker = self.plan().steps[task.step].made.is_some();
        let is_new = self.memory.made(making).is_none();
        if is_maker && is_new && self.made_wanted(task.step, task.item, task.index) {
            self.memory.keep_made(making, made);
        } else {
            self.memory.discard(made);
        }
    }

    /// Counts what became known of a task, and stops a job that only fails.
    pub(super) fn hear(&mut self, news: News) {
        let (task, counts, failure) = match news {
            News::Idle(task) => return self.failures.leave_idle(task),
            News::Done { task, counts, failure, reused_seconds } => {
                if let Some(seconds) = reused_seconds {
                    self.workload.reuse(task.step, task.item, counts.settled(), seconds);
                }
                (task, counts, failure)
            }
        };
        let step = if task.kind == Work::Ingest { self.plan().steps.len() } else { task.step };
        self.counts[step] += counts;
        let failed = self.counts.iter().map(|counts| counts.failed).sum();
        if let Some(reason) = self.failures.too_many(failed) {
            self.halt(reason);
        }
        if let Some((code, reason)) = self.failures.fail_fast(step, task.item, &counts, failure.as_ref()) {
            let name = self.plan().steps.get(step).map_or(INGEST, |step| step.name.as_str());
            self.halt(format!("step {name}: the first three batches all failed ({code}): {reason}"));
        }
    }

    fn failed(&mut self, task: TaskRef, attempt: u32, code: String, reason: String, retryable: bool) {
        match self.failures.fail(task, attempt, &code, &reason, retryable) {
            Verdict::Again => return,
            Verdict::Stop(reason) => return self.halt(reason),
            Verdict::GivenUp => {}
        }
        match task.kind {
            Work::Finish => self.give_up_finish(task.step, reason),
            Work::Index => {
                let Some(item) = self.items.get_mut(task.item) else { return };
                let footage = item.footage_mut();
                if !footage.complete {
                    footage.complete = true;
                    footage.damage = Some(reason);
                    self.expect(task.item);
                }
            }
            Work::Ingest | Work::Process => self.failures.give_up(task, code, reason),
        }
    }

    /// Frames that a task was given have to be made again.
    fn stale(&mut self, task: TaskRef) {
        if task.kind != Work::Process || task.pass != self.pass() {
            return;
        }
        let Some(visible) = self.view(task.item).visible(task.step, task.index) else { return };
        let plan = Arc::clone(self.plan());
        let footage = self.items[task.item].footage();
        for source in plan.steps[task.step].pixels.iter().map(|input| input.source) {
            match source {
                PixelSource::Ingest => {
                    let batches = visible.iter().flat_map(|range| footage.batches_of(range));
                    batches.for_each(|batch| self.memory.lose_decoded((task.item, batch)));
                }
                PixelSource::Step(maker) => {
                    let groups = visible.iter().flat_map(|range| footage.tasks_of(maker, range));
                    groups.for_each(|group| self.memory.release_made((maker, task.item, group)));
                }
            }
        }
    }
}

//! The state of a job as a fold over facts. Pure: no IO, no clock, no async; the ledger is asked through a function.
//!
//! Facts commute where they can: what a task's entry says is final, an entry that is there already wins over anything a
//! worker reports, and duplicates change nothing. What should exist is derived from the state (`schedule.rs`), never stored.
//!
//! The state is made of parts that know nothing of each other: items (`item.rs`), what they share (`shared.rs`), memory for frames
//! (`memory.rs`), failures (`failures.rs`). What needs several of them is a file of methods of [`JobState`].
mod admission;
mod facts;
mod failures;
mod finish;
mod hashers;
mod item;
mod memory;
mod preview;
mod recover;
mod reporting;
mod results;
mod schedule;
mod shared;
mod status;
mod wire;

pub use facts::{Fact, JobOptions, Lookup};
pub(crate) use failures::is_of_the_fleet;
pub(crate) use results::{Decoding, Results};
pub(crate) use wire::indexed_fact;

use crate::batch::Batch;
use crate::counts::Counts;
use crate::footage::Footage;
use crate::task::{INGEST, TaskRef, Work};
use crate::workload::{StepFrames, Workload};
use admission::Cursor;
use failures::{Failures, Verdict};
use finish::Edits;
use framefleet_ledger::TaskKey;
use framefleet_media::Item;
use framefleet_pipeline::{PixelSource, Plan, Sampling};
use framefleet_proto::v1::Pixels;
use item::{ItemState, ItemView, News};
use memory::FrameMemory;
use preview::Preview;
use shared::Shared;
use status::FinishStatus;
use std::ops::Range;
use std::sync::Arc;

/// The state of one job.
pub struct JobState {
    shared: Shared,
    items: Vec<ItemState>,
    cursor: Cursor,
    memory: FrameMemory,
    failures: Failures,
    edits: Edits,
    /// By step; ingest is behind the last step.
    counts: Vec<Counts>,
    /// Frames to do, by step.
    workload: Workload,
    /// What decoding gave, of passes that are over.
    decoded: Vec<Decoding>,
    stop: Option<String>,
    finished: bool,
}

impl JobState {
    /// A job of which nothing has happened.
    pub fn new(plan: Arc<Plan>, items: Vec<Item>, options: JobOptions) -> Self {
        let steps = plan.steps.len();
        let items: Vec<ItemState> = items
            .into_iter()
            .enumerate()
            .map(|(number, item)| ItemState::new(number, Footage::new(item, &plan), steps))
            .collect();
        let preview = options.preview.map(|count| Preview::new(count, &plan, items.iter().map(ItemState::footage)));
        let mut state = Self {
            cursor: Cursor::default(),
            memory: FrameMemory::new(),
            failures: Failures::new(steps, items.len(), options.max_failures),
            edits: Edits::new(options.edits),
            counts: vec![Counts::default(); steps + 1],
            workload: Workload::new(steps, plan.passes.len(), items.len()),
            decoded: Vec::new(),
            stop: None,
            finished: false,
            shared: Shared::new(plan, preview, options.retry_failed),
            items,
        };
        let plan = Arc::clone(state.plan());
        for item in 0..state.items.len() {
            state.expect(item);
            let Some(&frames) = options.earlier.items.get(&state.footage(item).item.name) else { continue };
            for (step, _) in plan.steps.iter().enumerate().filter(|(_, step)| options.earlier.has(step)) {
                state.workload.expect_reuse(step, item, frames);
            }
        }
        state
    }

    /// A job that is looked at before it runs: nothing waits for memory.
    pub fn forecasting(plan: Arc<Plan>, items: Vec<Item>, options: JobOptions) -> Self {
        let mut plan = plan.as_ref().clone();
        plan.memory.budget = u64::MAX;
        let mut state = Self::new(Arc::new(plan), items, options);
        state.memory.lift_limit();
        state
    }

    fn plan(&self) -> &Arc<Plan> {
        self.shared.plan()
    }

    fn view(&self, item: usize) -> ItemView<'_> {
        ItemView::new(&self.shared, &self.items[item])
    }

    fn footage(&self, item: usize) -> &Footage {
        self.items[item].footage()
    }

    /// What is indexed of all items.
    pub(crate) fn all_footage(&self) -> impl Iterator<Item = &Footage> {
        self.items.iter().map(ItemState::footage)
    }

    /// Lets as many batches wait for their frames as keep so many slots busy. Never fewer than before: what is admitted stays.
    pub fn set_slots(&mut self, slots: usize) {
        self.memory.set_slots(slots);
    }

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

    /// Tells the workload what an item asks of every step, and of decoding in every pass.
    fn expect(&mut self, item: usize) {
        let (steps, decoding) = self.view(item).expected();
        self.workload.expect(item, &steps, &decoding);
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
    fn hear(&mut self, news: News) {
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

    /// Settles some batches of an item.
    fn settle_range(&mut self, item: usize, batches: Range<usize>, lookup: Lookup) {
        let mut news = Vec::new();
        self.items[item].settle_range(&self.shared, batches, lookup, &mut news);
        news.into_iter().for_each(|news| self.hear(news));
    }

    /// Settles everything that is live, batches that lie side by side together.
    fn settle_live(&mut self, lookup: Lookup) {
        let mut runs: Vec<(usize, Range<usize>)> = Vec::new();
        for (item, batch) in self.memory.live() {
            match runs.last_mut() {
                Some((of, run)) if *of == item && run.end == batch => run.end += 1,
                _ => runs.push((item, batch..batch + 1)),
            }
        }
        for (item, batches) in runs {
            self.settle_range(item, batches, lookup);
        }
    }

    /// Looks up what became known: keys of tasks whose inputs are now known, entries the ledger already has. Admits batches,
    /// releases volatile frames, goes on to the next pass.
    pub fn advance(&mut self, lookup: Lookup) {
        while !self.finished && self.stop.is_none() {
            let moved = self.admit(lookup);
            self.settle_live(lookup);
            let freed = self.release();
            if moved || freed {
                continue;
            }
            if !self.drained() {
                break;
            }
            if self.shared.preview().is_some() {
                self.finished = true;
                break;
            }
            self.settle_finishes(lookup);
            if !self.pass_is_finished() {
                break;
            }
            self.next_pass();
        }
    }

    /// Whether every batch of the pass is done.
    fn drained(&self) -> bool {
        self.cursor.item() >= self.items.len() && self.memory.live_batches() == 0
    }

    fn next_pass(&mut self) {
        let decoding = self.take_decoding();
        self.decoded.push(decoding);
        if self.pass() + 1 == self.plan().passes.len() {
            self.finished = true;
            return;
        }
        self.shared.begin_next_pass();
        self.cursor.rewind();
        self.failures.begin_pass();
        let by_shot = |step: &usize| matches!(self.plan().steps[*step].sampling, Sampling::PerShot(_));
        if self.shared.process_steps().iter().any(by_shot) {
            // The shots are known now.
            (0..self.items.len()).for_each(|item| self.expect(item));
        }
    }

    /// Volatile frames that nothing needs any more; they are the caller's to release.
    pub fn take_unneeded(&mut self) -> Vec<Pixels> {
        self.memory.take_unneeded()
    }

    /// What decoding came to in passes that are over.
    pub(crate) fn take_decoded(&mut self) -> Vec<Decoding> {
        std::mem::take(&mut self.decoded)
    }

    /// Gives up all volatile frames: the job goes no further.
    pub(crate) fn abandon(&mut self) {
        self.memory.abandon();
    }

    /// Stops the job before its end.
    pub(crate) fn halt(&mut self, reason: String) {
        self.stop.get_or_insert(reason);
    }

    /// Whether there is nothing left to do.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Why the job stopped before its end.
    pub fn stopped(&self) -> Option<&str> {
        self.stop.as_deref()
    }

    /// Frames by outcome of a step; of ingest behind the last step.
    pub fn counts(&self, step: usize) -> Counts {
        self.counts.get(step).copied().unwrap_or_default()
    }

    /// Frames of a step: to do, done, done before.
    pub fn frames(&self, step: usize) -> StepFrames {
        self.workload.step(step)
    }

    /// Frames that the job lets a step see, sampled or not.
    pub fn frames_in_range(&self, step: usize) -> u64 {
        let of_item = |item: usize| {
            let ranges = self.view(item).ranges_of(step);
            ranges.iter().map(|range| self.footage(item).count(range)).sum::<u64>()
        };
        (0..self.items.len()).map(of_item).sum()
    }

    /// The pass that is running.
    pub fn pass(&self) -> usize {
        self.shared.pass()
    }

    /// Batches that wait for work, or are in work.
    pub(crate) fn live_batches(&self) -> usize {
        self.memory.live_batches()
    }

    /// Batches that admission has come to one by one, rather than pass over them because nothing of the job lies near: what going through
    /// long footage costs.
    pub fn examined(&self) -> u64 {
        self.cursor.examined()
    }
}

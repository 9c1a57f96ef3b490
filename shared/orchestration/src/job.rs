//! The state of a job as a fold over facts. Pure: no IO, no clock, no async; the ledger is asked through a function.
//!
//! Facts commute where they can: what a task's entry says is final, an entry that is there already wins over anything a
//! worker reports, and duplicates change nothing. What should exist is derived from the state (`schedule.rs`), never stored.
//!
//! The state is made of parts that know nothing of each other: items (`item.rs`), what they share (`shared.rs`), memory for frames
//! (`memory.rs`), failures (`failures.rs`). What needs several of them is a file of methods of [`JobState`].
mod admission;
mod apply;
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

use crate::counts::Counts;
use crate::footage::Footage;
use crate::workload::{StepFrames, Workload};
use admission::Cursor;
use failures::Failures;
use finish::Edits;
use framefleet_frames::Item;
use framefleet_pipeline::{Plan, Sampling};
use framefleet_proto::v1::Pixels;
use item::{ItemState, ItemView};
use memory::FrameMemory;
use preview::Preview;
use shared::Shared;
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

    /// A job that is forecast before it runs: nothing waits for memory.
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

    /// Tells the workload what an item asks of every step, and of decoding in every pass.
    fn expect(&mut self, item: usize) {
        let (steps, decoding) = self.view(item).expected();
        self.workload.expect(item, &steps, &decoding);
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

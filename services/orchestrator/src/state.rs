//! The state of a job as a fold over facts. Pure: no IO, no clock, no async; the ledger is asked through a function.
//!
//! Facts commute where they can: what a task's entry says is final, an entry that is there already wins over anything a
//! worker tells, and duplicates change nothing. What should exist is derived from the state (`schedule.rs`), never stored.
use crate::batch::Batch;
use crate::counts::Counts;
use crate::footage::Footage;
use crate::keys::{Hashers, Inputs};
use crate::results::Decoding;
use crate::schedule::Preview;
use crate::task::{TaskRef, Work};
use crate::workload::{Earlier, StepFrames, Workload};
use bytes::Bytes;
use framefleet_ledger::TaskKey;
use framefleet_media::{Edit, FrameRange, Item, ScopedAnnotation};
use framefleet_pipeline::{PixelSource, Plan, Sampling};
use framefleet_proto::v1::{EntryOutcomes, Pixels};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Answers whether the ledger holds an entry, and what came of its task.
pub type Lookup<'a> = &'a (dyn Fn(&TaskKey) -> Option<EntryOutcomes> + Sync);

/// Admitted batches that may wait for their frames, at least; a fleet with more slots allows more.
const AHEAD: usize = 8;

/// How often a task is tried before its frames are given up.
pub const ATTEMPTS: u32 = 5;

/// Codes of failures that say nothing of the footage: when trying again does not help, the job stops, and no frame is given up.
const OF_THE_FLEET: [&str; 3] = ["no-room", "blob-store", "bus"];

/// Whether a failure with this code says nothing of the footage.
pub(crate) fn is_of_the_fleet(code: &str) -> bool {
    OF_THE_FLEET.contains(&code)
}

/// What a job does beyond its plan.
#[derive(Clone, Debug, Default)]
pub struct JobOptions {
    /// Do this many whole batches, spread over the items, and no finish.
    pub preview: Option<u64>,
    /// Do frames that failed in earlier runs once more.
    pub retry_failed: bool,
    /// Stop when more frames than this have failed.
    pub max_failures: Option<u64>,
    /// The user's corrections, in the order they were made.
    pub edits: Vec<Edit>,
    /// What is likely not to be done again. Estimates use it, nothing else.
    pub earlier: Arc<Earlier>,
}

/// Something that has happened.
#[derive(Clone, Debug)]
pub enum Fact {
    /// The files of an item were written to the ledger.
    Listed {
        /// Index of the item.
        item: usize,
        /// The document.
        files: Bytes,
    },
    /// Batches of an item were found, in order.
    Indexed {
        /// Index of the item.
        item: usize,
        /// Number of batches found before these.
        from: usize,
        /// The batches.
        batches: Vec<Batch>,
        /// Whether these are the last.
        complete: bool,
        /// Why the rest of the item cannot be read.
        damage: Option<String>,
        /// The item with what reading it corrected.
        corrected: Option<Box<Item>>,
    },
    /// A task has its entry in the ledger.
    Done {
        /// The task.
        task: TaskRef,
        /// The key its result is filed under.
        key: TaskKey,
        /// Volatile frames it made.
        made: Vec<Pixels>,
    },
    /// The job-scoped annotations of a finished step were read.
    Finished {
        /// Index of the step.
        step: usize,
        /// The key of its finish entry.
        key: TaskKey,
        /// What it made.
        scoped: Arc<Vec<ScopedAnnotation>>,
    },
    /// A task did not come to its end.
    Failed {
        /// The task.
        task: TaskRef,
        /// Which attempt.
        attempt: u32,
        /// Short and stable.
        code: String,
        /// For a person.
        reason: String,
        /// Whether trying again can help.
        retryable: bool,
    },
    /// Volatile frames that a task was given are gone, although nobody released them: the place they lay in was emptied.
    Stale {
        /// The task.
        task: TaskRef,
    },
}

/// What is known of a process task.
#[derive(Clone, Debug, Default)]
pub(crate) enum Status {
    /// Its inputs are not all known.
    #[default]
    Unknown,
    /// Its key is known and the ledger has no entry.
    Missing(TaskKey),
    /// The ledger has its entry.
    Done(TaskKey, Option<Arc<[FrameRange]>>),
    /// There is nothing to do: no frame of it belongs to the job.
    Empty,
}

/// What is known of a finish task.
#[derive(Clone, Debug, Default)]
pub(crate) enum FinishStatus {
    #[default]
    Waiting,
    Missing(TaskKey),
    /// Its entry is there, its annotations are not read yet.
    Committed(TaskKey),
    Done(TaskKey, Arc<Vec<ScopedAnnotation>>),
    Failed(String),
}

/// The key of a task that is done, and the frames that have no result of it, if there are any.
pub(crate) type Decided = (TaskKey, Option<Arc<[FrameRange]>>);

/// A batch's volatile frames while they may be needed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Admitted {
    /// Bytes reserved for it.
    pub bytes: u64,
    /// Its decoded frames.
    pub decoded: Decoded,
}

/// Where a batch's decoded frames are.
#[derive(Clone, Debug, Default)]
pub(crate) enum Decoded {
    /// They are to come.
    #[default]
    Awaited,
    /// They are there.
    Here(Vec<Pixels>),
    /// Nothing looks at them any more; frames made of them may still hold the reservation.
    Released,
}

/// The state of one job.
pub struct JobState {
    pub(crate) plan: Arc<Plan>,
    pub(crate) hashers: Hashers,
    pub(crate) options: JobOptions,
    pub(crate) footage: Vec<Footage>,
    pub(crate) pass: usize,
    /// The next slice that admission looks at: its item, and its number there.
    pub(crate) cursor: (usize, usize),
    /// Items before this one were settled together, those at the cursor and behind it among them.
    pub(crate) taken_up: usize,
    /// Batches behind the cursor with open tasks or volatile frames.
    pub(crate) live: BTreeSet<(usize, usize)>,
    pub(crate) admitted: BTreeMap<(usize, usize), Admitted>,
    /// By item and slice, bytes reserved for frames that are made in parts.
    pub(crate) slices: BTreeMap<(usize, usize), u64>,
    pub(crate) reserved: u64,
    /// By item and batch.
    pub(crate) ingest: HashMap<(usize, usize), Decided>,
    /// By step, item and group.
    pub(crate) process: Vec<Vec<Vec<Status>>>,
    /// Frames made by (step, item, group), while they may be needed.
    pub(crate) made: BTreeMap<(usize, usize, usize), Vec<Pixels>>,
    pub(crate) finish: Vec<FinishStatus>,
    pub(crate) attempts: HashMap<TaskRef, u32>,
    /// Tasks that no worker does, so that their entries are to be written by the orchestrator: those that were given up, with code and
    /// reason, and those of which no frame is to be done.
    pub(crate) without_worker: BTreeMap<TaskRef, Option<(String, String)>>,
    /// Volatile frames that nothing needs (any more).
    pub(crate) orphans: Vec<Pixels>,
    /// By step; ingest is behind the last step.
    pub(crate) counts: Vec<Counts>,
    /// Frames to do, by step.
    pub(crate) workload: Workload,
    /// Steps whose corrections have their targets where they are now.
    pub(crate) resolved: BTreeSet<usize>,
    /// Retry generations raised in this run.
    pub(crate) retried: BTreeSet<TaskRef>,
    /// Per step: the code that whole batches failed with so far, and the batches; cleared by the first result.
    pub(crate) failing: Vec<Option<(String, Vec<usize>)>>,
    /// Admitted batches that may wait for their frames: enough to keep decoding ahead, few enough that looking through all
    /// that is live stays cheap.
    pub(crate) ahead: usize,
    /// Batches that admission has come to.
    pub(crate) examined: u64,
    pub(crate) stop: Option<String>,
    pub(crate) finished: bool,
    pub(crate) preview: Option<Preview>,
    /// What decoding gave, of passes that are over.
    pub(crate) decoded: Vec<Decoding>,
}

impl JobState {
    /// A job of which nothing has happened.
    pub fn new(plan: Arc<Plan>, items: Vec<Item>, options: JobOptions) -> Self {
        let steps = plan.steps.len();
        let footage: Vec<Footage> = items.into_iter().map(|item| Footage::new(item, &plan)).collect();
        let mut state = Self {
            process: vec![vec![Vec::new(); footage.len()]; steps],
            finish: vec![FinishStatus::default(); steps],
            counts: vec![Counts::default(); steps + 1],
            workload: Workload::new(steps, plan.passes.len(), footage.len()),
            failing: vec![Some((String::new(), Vec::new())); steps + 1],
            hashers: Hashers::new(&plan),
            plan,
            options,
            footage,
            pass: 0,
            cursor: (0, 0),
            taken_up: 0,
            live: BTreeSet::new(),
            admitted: BTreeMap::new(),
            slices: BTreeMap::new(),
            reserved: 0,
            ingest: HashMap::new(),
            made: BTreeMap::new(),
            attempts: HashMap::new(),
            without_worker: BTreeMap::new(),
            orphans: Vec::new(),
            resolved: BTreeSet::new(),
            retried: BTreeSet::new(),
            ahead: AHEAD,
            examined: 0,
            stop: None,
            finished: false,
            preview: None,
            decoded: Vec::new(),
        };
        state.preview = state.options.preview.map(|count| Preview::new(count, &state));
        for item in 0..state.footage.len() {
            state.expect(item);
            let Some(&frames) = state.options.earlier.items.get(&state.footage[item].item.name) else { continue };
            for (step, _) in state.plan.steps.iter().enumerate().filter(|(_, step)| state.options.earlier.has(step)) {
                state.workload.expect_reuse(step, item, frames);
            }
        }
        state
    }

    /// A job that is looked at before it runs: nothing waits for memory.
    pub fn forecasting(plan: Arc<Plan>, items: Vec<Item>, options: JobOptions) -> Self {
        let mut plan = plan.as_ref().clone();
        plan.memory.budget = u64::MAX;
        Self { ahead: usize::MAX, ..Self::new(Arc::new(plan), items, options) }
    }

    /// Frames of a step: to do, done, done before.
    pub fn frames(&self, step: usize) -> StepFrames {
        self.workload.step(step)
    }

    /// Frames that the job lets a step see, sampled or not.
    pub fn frames_in_range(&self, step: usize) -> u64 {
        let of_item =
            |item: usize| self.ranges_of(step, item).iter().map(|range| self.footage[item].count(range)).sum::<u64>();
        (0..self.footage.len()).map(of_item).sum()
    }

    /// Lets as many batches wait for their frames as keep so many slots busy. Never fewer than before: what is admitted stays.
    pub fn set_slots(&mut self, slots: usize) {
        self.ahead = self.ahead.max(2 * slots);
    }

    /// Folds a fact in. Facts that are old news change nothing.
    pub fn apply(&mut self, fact: Fact, lookup: Lookup) {
        match fact {
            Fact::Listed { item, files } => {
                if let Some(footage) = self.footage.get_mut(item) {
                    footage.files_listed = files;
                }
            }
            Fact::Indexed { item, from, batches, complete, damage, corrected } => {
                let Some(footage) = self.footage.get_mut(item) else { return };
                if footage.complete || from > footage.batches.len() {
                    return;
                }
                let known = footage.batches.len() - from;
                if let Some(corrected) = corrected {
                    footage.item = Item { files: Vec::new(), ..*corrected };
                }
                batches.into_iter().skip(known).for_each(|batch| footage.push(batch, &self.plan.range));
                if complete {
                    footage.complete = true;
                    footage.damage = damage;
                }
                if complete || footage.frames() > footage.item.estimated_frames {
                    self.expect(item);
                }
            }
            Fact::Done { task, key, made } => self.done(task, key, made, lookup),
            Fact::Finished { step, key, scoped } => {
                if let Some(status @ FinishStatus::Committed(_)) = self.finish.get_mut(step) {
                    *status = FinishStatus::Done(key, scoped);
                }
            }
            Fact::Failed { task, attempt, code, reason, retryable } => {
                self.failed(task, attempt, code, reason, retryable)
            }
            Fact::Stale { task } => self.stale(task),
        }
    }

    /// A task's entry is in the ledger; the entry says what came of it.
    fn done(&mut self, task: TaskRef, key: TaskKey, made: Vec<Pixels>, lookup: Lookup) {
        let Some(entry) = lookup(&key) else { return };
        if task.pass != self.pass && task.kind != Work::Index {
            self.orphans.extend(made);
            return;
        }
        self.without_worker.remove(&task);
        match task.kind {
            Work::Index => {}
            Work::Ingest => {
                self.note_ingest(task.item, task.index, key, &entry);
                match self.admitted.get_mut(&(task.item, task.index)) {
                    Some(admitted) if matches!(admitted.decoded, Decoded::Awaited) => {
                        admitted.decoded = Decoded::Here(made);
                        self.workload.decoded(self.pass, Counts::of(&self.of_those_there(task, &entry)).settled());
                    }
                    _ => self.orphans.extend(made),
                }
            }
            Work::Process => {
                if matches!(self.status(task.step, task.item, task.index), Status::Missing(expected) if *expected == key)
                {
                    let settled = Counts::of(&self.of_those_there(task, &entry)).settled();
                    self.workload.done(task.step, task.item, settled);
                    self.note_process(task, key, &entry);
                }
                let place = (task.step, task.item, task.index);
                let maker = self.plan.steps[task.step].made.is_some();
                if maker && !self.made.contains_key(&place) && self.made_wanted(task.step, task.item, task.index) {
                    self.made.insert(place, made);
                } else {
                    self.orphans.extend(made);
                }
            }
            Work::Finish => {
                if matches!(self.finish.get(task.step), Some(FinishStatus::Missing(expected)) if *expected == key) {
                    self.finish[task.step] = FinishStatus::Committed(key);
                }
            }
        }
    }

    fn failed(&mut self, task: TaskRef, attempt: u32, code: String, reason: String, retryable: bool) {
        let attempts = self.attempts.entry(task).or_insert(0);
        if attempt < *attempts {
            return;
        }
        *attempts = attempt + 1;
        if retryable && *attempts < ATTEMPTS {
            return;
        }
        if is_of_the_fleet(&code) {
            self.halt(if retryable { format!("{reason} (tried {ATTEMPTS} times)") } else { reason });
            return;
        }
        match task.kind {
            Work::Finish => {
                if let Some(status @ FinishStatus::Missing(_)) = self.finish.get_mut(task.step) {
                    *status = FinishStatus::Failed(reason);
                }
            }
            Work::Index => {
                if let Some(footage) = self.footage.get_mut(task.item).filter(|footage| !footage.complete) {
                    footage.complete = true;
                    footage.damage = Some(reason);
                    self.expect(task.item);
                }
            }
            Work::Ingest | Work::Process => {
                self.without_worker.insert(task, Some((code, reason)));
            }
        }
    }

    /// Frames that a task was given have to be made again.
    fn stale(&mut self, task: TaskRef) {
        if task.kind != Work::Process || task.pass != self.pass {
            return;
        }
        let Inputs::Known(inputs) = self.inputs(task.step, task.item, task.index) else { return };
        let plan = Arc::clone(&self.plan);
        for source in plan.steps[task.step].pixels.iter().map(|input| input.source) {
            match source {
                PixelSource::Ingest => {
                    for batch in inputs.visible.iter().flat_map(|range| self.footage[task.item].batches_of(range)) {
                        let Some(admitted) = self.admitted.get_mut(&(task.item, batch)) else { continue };
                        if let Decoded::Here(frames) = &mut admitted.decoded {
                            self.orphans.append(frames);
                            admitted.decoded = Decoded::Awaited;
                        }
                    }
                }
                PixelSource::Step(maker) => {
                    for group in inputs.visible.iter().flat_map(|range| self.footage[task.item].tasks_of(maker, range))
                    {
                        self.orphans.extend(self.made.remove(&(maker, task.item, group)).into_iter().flatten());
                    }
                }
            }
        }
    }

    /// What is known of a process task.
    pub(crate) fn status(&self, step: usize, item: usize, group: usize) -> &Status {
        const UNKNOWN: &Status = &Status::Unknown;
        self.process.get(step).and_then(|items| items.get(item)).and_then(|groups| groups.get(group)).unwrap_or(UNKNOWN)
    }

    pub(crate) fn status_mut(&mut self, step: usize, item: usize, group: usize) -> &mut Status {
        let groups = &mut self.process[step][item];
        if groups.len() <= group {
            groups.resize(group + 1, Status::Unknown);
        }
        &mut groups[group]
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
            if self.options.preview.is_some() {
                self.finished = true;
                break;
            }
            self.settle_finishes(lookup);
            if !self.pass_finished() {
                break;
            }
            self.next_pass();
        }
    }

    /// Whether every batch of the pass is done.
    pub(crate) fn drained(&self) -> bool {
        self.cursor.0 >= self.footage.len() && self.live.is_empty()
    }

    fn pass_finished(&self) -> bool {
        self.plan.passes[self.pass]
            .finish
            .iter()
            .all(|&step| matches!(self.finish[step], FinishStatus::Done(..) | FinishStatus::Failed(_)))
    }

    fn next_pass(&mut self) {
        let decoding = self.take_decoding();
        self.decoded.push(decoding);
        if self.pass + 1 == self.plan.passes.len() {
            self.finished = true;
            return;
        }
        self.pass += 1;
        (self.cursor, self.taken_up) = ((0, 0), 0);
        self.attempts.clear();
        let by_shot = |step: &usize| matches!(self.plan.steps[*step].sampling, Sampling::PerShot(_));
        if self.plan.passes[self.pass].process.iter().any(by_shot) {
            // The shots are known now.
            (0..self.footage.len()).for_each(|item| self.expect(item));
        }
    }

    /// Finish entries whose annotations are to be read and handed back as [`Fact::Finished`].
    pub fn unread_finishes(&self) -> Vec<(usize, TaskKey)> {
        let committed = |(step, status): (usize, &FinishStatus)| match status {
            FinishStatus::Committed(key) => Some((step, *key)),
            _ => None,
        };
        self.finish.iter().enumerate().filter_map(committed).collect()
    }

    /// Batches that admission has come to one by one, rather than pass over them because nothing of the job lies near: what going through
    /// long footage costs.
    pub fn examined(&self) -> u64 {
        self.examined
    }

    /// Volatile frames that nothing needs any more; they are the caller's to release.
    pub fn take_orphans(&mut self) -> Vec<Pixels> {
        std::mem::take(&mut self.orphans)
    }

    /// What decoding came to in passes that are over.
    pub(crate) fn take_decoded(&mut self) -> Vec<Decoding> {
        std::mem::take(&mut self.decoded)
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

    /// The pass that is running.
    pub fn pass(&self) -> usize {
        self.pass
    }
}

//! A job with many tasks behind it that nobody did: what an orchestrator finds when it starts again.
use super::TestJob;
use framefleet_frames::BatchInfo;
use framefleet_frames::frame::batch_frames;
use framefleet_ledger::{Entry, Ledger, OpenOptions, Output, SourceIdentity, TaskKey};
use framefleet_orchestration::{Batch, Fact, JobOptions, JobState, TaskRef};
use framefleet_stage::{IndexRequest, SourceStage};
use futures::{StreamExt as _, TryStreamExt as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Steps of the job; decoding makes one task more of each batch.
const STEPS: u64 = 4;
/// Frames of an item: an hour and a bit.
const ITEM: u64 = 100_000;
/// Frames of a batch of the synthetic footage.
const BATCH: u64 = 32;
/// Slots of the fleet that the state is asked for.
const SLOTS: usize = 512;
/// Entries written together.
const TOGETHER: usize = 32;
/// Entries written before they are compacted.
const COMPACTED: u64 = 20_000;

/// A job of about so many tasks.
pub struct LongJob {
    job: TestJob,
    indexed: Vec<Fact>,
}

/// How long a new orchestrator took to know what is left to do.
pub struct Resumed {
    /// Opening the output: reading its entries.
    pub open: Duration,
    /// Folding them into the job's state.
    pub fold: Duration,
    /// Entries found.
    pub entries: usize,
    /// What is to be done next.
    pub next: Vec<TaskRef>,
}

impl Resumed {
    /// All of it.
    pub fn total(&self) -> Duration {
        self.open + self.fold
    }
}

impl LongJob {
    /// A job of at least so many tasks over items of an hour.
    pub fn new(tasks: u64) -> Self {
        // Steps of one stage with the same settings would share their entries.
        let step =
            |number: u64| format!("[steps.s{number}]\nstage = \"sleep\"\nsettings = {{ milliseconds = {number}.5 }}\n");
        let steps: String = (0..STEPS).map(step).collect();
        let frames = tasks.div_ceil(STEPS + 1) * BATCH;
        let items: Vec<u64> = (0..frames.div_ceil(ITEM)).map(|item| (frames - item * ITEM).min(ITEM)).collect();
        let job = TestJob::new(&steps, &items);
        let indexed = job.source.items.iter().enumerate().map(|(number, item)| {
            let mut batches = Vec::new();
            let found = &mut |found: Vec<BatchInfo>| {
                batches.extend(found.into_iter().map(Batch::from));
                true
            };
            job.source.index(item, IndexRequest::fresh(batch_frames(item)), found).unwrap();
            Fact::Indexed { item: number, from: 0, batches, complete: true, damage: None, corrected: None }
        });
        Self { indexed: indexed.collect(), job }
    }

    fn state(&self, ledger: &Ledger) -> JobState {
        let plan = Arc::new(self.job.plan().unwrap());
        let mut state = JobState::new(plan, self.job.source.items.clone(), JobOptions::default());
        for fact in &self.indexed {
            state.apply(fact.clone(), &|key| ledger.outcomes(key));
        }
        state
    }

    /// Writes the entries of all tasks but those of the last batch, and compacts them. How many there are.
    pub async fn fill(&self, output: &Output) -> u64 {
        let ledger = open(output).await;
        let lookup = |key: &TaskKey| ledger.outcomes(key);
        let mut state = self.state(&ledger);
        state.set_slots(SLOTS);
        let last = self.indexed.len() - 1;
        let Fact::Indexed { batches, .. } = &self.indexed[last] else { panic!("items are indexed") };
        let left_out = |task: &TaskRef| task.item == last && task.index == batches.len() - 1;
        let (mut filled, mut loose) = (0, 0);
        loop {
            state.advance(&lookup);
            let tasks: Vec<TaskRef> = state.desired(SLOTS).into_iter().filter(|task| !left_out(task)).collect();
            if tasks.is_empty() {
                break;
            }
            let entries: Vec<(TaskRef, Entry)> =
                tasks.into_iter().map(|task| (task, entry(&state, task, &ledger))).collect();
            let writing = entries.into_iter().map(|(task, entry)| {
                let ledger = ledger.clone();
                async move { ledger.commit(entry, Default::default(), Vec::new()).await.map(|entry| (task, entry)) }
            });
            let done: Vec<_> = futures::stream::iter(writing).buffer_unordered(TOGETHER).try_collect().await.unwrap();
            (filled, loose) = (filled + done.len() as u64, loose + done.len() as u64);
            for (task, entry) in done {
                let key = TaskKey::from_bytes(&entry.key).unwrap();
                state.apply(Fact::Done { task, key, made: Vec::new() }, &lookup);
            }
            if loose >= COMPACTED {
                ledger.compact().await.unwrap();
                loose = 0;
            }
        }
        ledger.compact().await.unwrap();
        ledger.close().await.unwrap();
        filled
    }

    /// Opens the output as an orchestrator does that starts again, and finds out what is left.
    pub async fn resume(&self, output: &Output) -> Resumed {
        let began = Instant::now();
        let ledger = open(output).await;
        let open = began.elapsed();
        let entries = ledger.len();
        let began = Instant::now();
        let mut state = self.state(&ledger);
        state.advance(&|key| ledger.outcomes(key));
        let next = state.desired(2);
        let fold = began.elapsed();
        ledger.close().await.unwrap();
        Resumed { open, fold, entries, next }
    }
}

async fn open(output: &Output) -> Ledger {
    let source = SourceIdentity { source: "synthetic".to_owned(), items: Default::default() };
    Ledger::open(output.clone(), OpenOptions { fresh: false, build: "test".to_owned(), source }).await.unwrap()
}

/// The entry of a task in which every frame has a result.
fn entry(state: &JobState, task: TaskRef, ledger: &Ledger) -> Entry {
    let message = state.message("test", task, &|key| ledger.outcomes(key)).unwrap();
    Entry { key: message.key, id: message.id, stage: message.stage, ..Entry::default() }
}

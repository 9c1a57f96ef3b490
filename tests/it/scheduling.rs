//! The state of a job as a fold: whatever the order in which results come, however often they are reported or lost, with the least
//! memory that the plan asks for, every task is done and ends under the same key.
use crate::fleet::TestJob;
use framefleet_frames::{BatchInfo, Item};
use framefleet_ledger::TaskKey;
use framefleet_orchestration::{Batch, Counts, Fact, JobState, TaskRef, Work};
use framefleet_pipeline::Plan;
use framefleet_proto::v1::{EntryOutcomes, FrameFailure, Outcomes, Pixels, Task, task::Work as Wire};
use framefleet_stage::{IndexRequest, SourceStage as _};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A sequence of choices.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % bound.max(1)
    }
}

/// What a worker would commit: every frame it was asked for has a result.
fn outcomes(task: &Task) -> EntryOutcomes {
    let (decided, frames) = match task.work.as_ref() {
        Some(Wire::Process(work)) => (work.decided.clone().unwrap_or_default(), work.frames.len()),
        _ => (Outcomes::default(), 0),
    };
    EntryOutcomes { outcomes: Some(decided), frames_done: frames as u64, ..Default::default() }
}

/// Frames that a task leaves in memory.
pub fn made(task: &Task) -> Vec<Pixels> {
    let frame = |number: u64| framefleet_proto::v1::FramePixels { frame: number, ..Default::default() };
    let of = |rendition: i32, frames: &[u64]| Pixels {
        rendition,
        frames: frames.iter().map(|n| frame(*n)).collect(),
        ..Pixels::default()
    };
    match task.work.as_ref() {
        Some(Wire::Ingest(work)) => vec![of(1, &work.proxy), of(2, &work.full)],
        Some(Wire::Process(work)) => vec![of(2, &work.frames)],
        _ => Vec::new(),
    }
}

/// Runs a job's state against workers that answer in an order of chance; the entries at the end.
fn simulate(job: &TestJob, seed: u64) -> Result<BTreeMap<TaskKey, EntryOutcomes>, TestCaseError> {
    let mut chance = Choices(seed);
    let plan = Arc::new(job.plan().unwrap());
    let mut state = JobState::new(plan.clone(), job.source.items.clone(), Default::default());
    state.set_slots(1 + chance.below(4));
    let mut ledger: BTreeMap<TaskKey, EntryOutcomes> = BTreeMap::new();
    let mut inflight: BTreeMap<TaskRef, Task> = BTreeMap::new();
    let mut told: Vec<Fact> = Vec::new();
    for _ in 0..100_000 {
        let lookup = |key: &TaskKey| ledger.get(key).cloned();
        state.advance(&lookup);
        // Once for every piece of news: a state that needs to be asked twice would stand still.
        let finished = state.unread_finishes();
        for &(step, key) in &finished {
            state.apply(Fact::Finished { step, key, scoped: Arc::default() }, &lookup);
        }
        if !finished.is_empty() {
            continue;
        }
        state.take_unneeded();
        if state.is_finished() {
            return Ok(ledger);
        }
        for task in state.desired(3) {
            if let Some(message) = state.message("job", task, &lookup) {
                inflight.entry(task).or_insert(message);
            }
        }
        prop_assert!(!inflight.is_empty(), "nothing can run and nothing is running");
        // One that is done again, because its first answer was lost, may meet the next.
        let is_done = |message: &Task| ledger.contains_key(&TaskKey::from_bytes(&message.key).unwrap());
        let running = inflight.iter().filter(|(task, message)| task.kind == Work::Process && !is_done(message));
        check_encoders(&plan, &job.source.items, running.map(|(task, _)| task))?;
        let (&task, message) = inflight.iter().nth(chance.below(inflight.len())).unwrap();
        let fact = if task.kind == Work::Index { indexed(job, task.item) } else { done(task, message, &mut ledger) };
        match chance.below(6) {
            // Lost: the ledger has the entry, nobody was told. The task is done again.
            0 if task.kind != Work::Index => {}
            // Told twice, and an old story once more.
            1 => {
                apply(&mut state, &fact, &ledger);
                apply(&mut state, &fact, &ledger);
                let old = told.get(chance.below(told.len())).cloned();
                old.iter().for_each(|old| apply(&mut state, old, &ledger));
            }
            _ => apply(&mut state, &fact, &ledger),
        }
        inflight.remove(&task);
        told.push(fact);
    }
    Err(TestCaseError::fail("the job never ends"))
}

/// Encoders of these tasks, which are of one pass, have room together.
fn check_encoders<'a>(
    plan: &Plan,
    items: &[Item],
    tasks: impl Iterator<Item = &'a TaskRef>,
) -> Result<(), TestCaseError> {
    let tasks: Vec<&TaskRef> = tasks.collect();
    let bytes =
        tasks.iter().map(|task| framefleet_pipeline::encoder_bytes(plan, task.step, &items[task.item])).sum::<u64>();
    let pass = tasks.first().map_or(0, |task| plan.steps[task.step].pass);
    prop_assert!(bytes <= plan.memory.encoders(pass), "{bytes} bytes of {}", plan.memory.encoders(pass));
    Ok(())
}

fn apply(state: &mut JobState, fact: &Fact, ledger: &BTreeMap<TaskKey, EntryOutcomes>) {
    state.apply(fact.clone(), &|key| ledger.get(key).cloned());
}

fn done(task: TaskRef, message: &Task, ledger: &mut BTreeMap<TaskKey, EntryOutcomes>) -> Fact {
    let key = TaskKey::from_bytes(&message.key).unwrap();
    ledger.entry(key).or_insert_with(|| outcomes(message));
    Fact::Done { task, key, made: made(message) }
}

pub fn indexed(job: &TestJob, item: usize) -> Fact {
    let mut batches: Vec<BatchInfo> = Vec::new();
    let (corrected, damage) = job
        .source
        .index(&job.source.items[item], IndexRequest::fresh(32), &mut |found| {
            batches.extend(found);
            true
        })
        .unwrap();
    let batches = batches.into_iter().map(Batch::from).collect();
    Fact::Indexed { item, from: 0, batches, complete: true, damage, corrected: Some(Box::new(corrected)) }
}

/// Pipelines of the test stages: makers, some of frames of which few fit into memory, halos over pixels and annotations,
/// sampling, a second pass.
fn pipelines() -> impl Strategy<Value = String> {
    let surround = (0u64..40, prop_oneof![Just("all".to_owned()), (2u64..50).prop_map(|n| format!("every {n}"))]);
    let resize = (prop_oneof![Just(2u32), Just(128), Just(256), Just(512)], 0u64..5);
    let makers = (any::<bool>(), proptest::option::of(resize));
    let reels = proptest::collection::vec(1u64..4, 0..3);
    (makers, any::<bool>(), proptest::collection::vec(surround, 0..3), reels).prop_map(|((brighten, resize), normalise, surrounds, reels)| {
        let mut text = "[steps.level]\n".to_owned();
        if brighten {
            text += "[steps.brighten]\n";
        }
        if let Some((factor, radius)) = resize {
            text += &format!("[steps.resize.settings]\nscale = [{factor}, 1]\nradius = {radius}\n");
        }
        for (number, (radius, frames)) in surrounds.iter().enumerate() {
            text += &format!("[steps.surround{number}]\nstage = \"surround\"\nframes = \"{frames}\"\nsettings = {{ radius = {radius} }}\n");
        }
        for (number, group) in reels.iter().enumerate() {
            text += &format!("[steps.reel{number}]\nstage = \"reel\"\nsettings = {{ group = {group} }}\n");
        }
        if normalise {
            text += "[steps.normalise]\n";
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_order_of_results_ends_in_the_same_state(
        pipeline in pipelines(), frames in proptest::collection::vec(0u64..260, 1..4), seeds in any::<[u64; 2]>(),
    ) {
        let mut job = TestJob { memory: u64::MAX, ..TestJob::new(&pipeline, &frames) };
        job.memory = job.plan().unwrap().memory.needed.iter().copied().max().unwrap();
        let first = simulate(&job, seeds[0])?;
        prop_assert_eq!(simulate(&job, seeds[1])?, first);
    }
}

/// What a new orchestrator finds behind a job: frames by outcome of every step, and what is to be done next, by key.
fn found(job: &TestJob, ledger: &BTreeMap<TaskKey, EntryOutcomes>, together: bool) -> (Vec<Counts>, BTreeSet<Vec<u8>>) {
    let lookup = |key: &TaskKey| ledger.get(key).cloned();
    let plan = Arc::new(job.plan().unwrap());
    let steps = plan.steps.len();
    let mut state = JobState::forecasting(plan, job.source.items.clone(), Default::default());
    for item in 0..job.source.items.len() {
        state.apply(indexed(job, item), &lookup);
        if !together {
            state.advance(&lookup);
        }
    }
    state.advance(&lookup);
    let tasks = state.desired(10_000);
    let keys = tasks.into_iter().map(|task| state.message("job", task, &lookup).unwrap().key.to_vec()).collect();
    ((0..=steps).map(|step| state.counts(step)).collect(), keys)
}

/// Items that are there at once are settled on several threads; one that comes by itself is settled in its turn.
#[test]
fn items_settled_together_are_what_they_are_one_by_one() {
    for pipeline in [
        "[steps.level]\n[steps.surround]\nsettings = { radius = 40 }\n",
        "[steps.level]\n[steps.brighten]\n[steps.normalise]\n",
    ] {
        let job = TestJob::new(pipeline, &[6_000, 6_400, 0, 6_100]);
        let done = simulate(&job, 5).unwrap();
        let mut open = Vec::new();
        for (lost, failed) in [(0, 0), (20, 0), (0, 20), (5, 5)] {
            let mut ledger = done.clone();
            let mut chance = Choices(9 + lost + failed);
            let keys: Vec<TaskKey> = done.keys().copied().collect();
            for _ in 0..lost {
                ledger.remove(&keys[chance.below(keys.len())]);
            }
            for _ in 0..failed {
                let outcomes = ledger.entry(keys[chance.below(keys.len())]).or_default();
                outcomes
                    .outcomes
                    .get_or_insert_default()
                    .failed
                    .push(FrameFailure { frame: 3_210, ..Default::default() });
            }
            let (together, one_by_one) = (found(&job, &ledger, true), found(&job, &ledger, false));
            assert_eq!(together, one_by_one, "{pipeline}: {lost} lost, {failed} failed");
            open.push(together.1.len());
        }
        assert!(open[0] == 0 && open[1] > 0, "{open:?} tasks are to be done");
    }
}

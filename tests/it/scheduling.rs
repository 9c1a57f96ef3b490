//! The state of a job as a fold: whatever the order in which results come, however often they are told or lost, with the least
//! memory that the plan asks for, every task is done and ends under the same key.
use crate::fleet::TestJob;
use framefleet_ledger::TaskKey;
use framefleet_media::{BatchInfo, Content};
use framefleet_pipeline::Plan;
use framefleet_proto::v1::{Entry, EntryOutcomes, FrameFailure, Outcomes, Pixels, Task, task::Work as Wire};
use framefleet_stage::{Beside, SourceStage as _};
use orchestrator::{Counts, Fact, JobState, TaskRef, Work};
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
fn entry(task: &Task) -> Entry {
    let (decided, frames) = match task.work.as_ref() {
        Some(Wire::Process(work)) => (work.decided.clone().unwrap_or_default(), work.frames.len()),
        _ => (Outcomes::default(), 0),
    };
    Entry {
        key: task.key.clone(),
        id: task.id.clone(),
        outcomes: Some(decided),
        frames_done: frames as u64,
        ..Entry::default()
    }
}

/// What the ledger tells of an entry.
fn outcomes(entry: &Entry) -> EntryOutcomes {
    EntryOutcomes { outcomes: entry.outcomes.clone(), frames_done: entry.frames_done }
}

/// Frames that a task leaves in memory.
fn made(task: &Task) -> Vec<Pixels> {
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
fn simulate(job: &TestJob, plan: Plan, seed: u64) -> Result<BTreeMap<TaskKey, Entry>, TestCaseError> {
    let mut chance = Choices(seed);
    let plan = Arc::new(plan);
    let mut state = JobState::new(plan, job.source.items.clone(), Default::default());
    state.set_slots(1 + chance.below(4));
    let mut ledger: BTreeMap<TaskKey, Entry> = BTreeMap::new();
    let mut inflight: BTreeMap<TaskRef, Task> = BTreeMap::new();
    let mut told: Vec<Fact> = Vec::new();
    for _ in 0..100_000 {
        let lookup = |key: &TaskKey| ledger.get(key).map(outcomes);
        state.advance(&lookup);
        // Once for every piece of news: a state that needs to be asked twice would stand still.
        let finished = state.unread_finishes();
        for &(step, key) in &finished {
            state.apply(Fact::Finished { step, key, scoped: Arc::default() }, &lookup);
        }
        if !finished.is_empty() {
            continue;
        }
        state.take_orphans();
        if state.is_finished() {
            return Ok(ledger);
        }
        for task in state.desired(3) {
            if let Some(message) = state.message("job", task, &lookup) {
                inflight.entry(task).or_insert(message);
            }
        }
        prop_assert!(!inflight.is_empty(), "nothing can run and nothing is running");
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

fn apply(state: &mut JobState, fact: &Fact, ledger: &BTreeMap<TaskKey, Entry>) {
    state.apply(fact.clone(), &|key| ledger.get(key).map(outcomes));
}

fn done(task: TaskRef, message: &Task, ledger: &mut BTreeMap<TaskKey, Entry>) -> Fact {
    let key = TaskKey::from_bytes(&message.key).unwrap();
    ledger.entry(key).or_insert_with(|| entry(message));
    Fact::Done { task, key, made: made(message) }
}

fn indexed(job: &TestJob, item: usize) -> Fact {
    let mut batches: Vec<BatchInfo> = Vec::new();
    let (corrected, damage) = job
        .source
        .index(&job.source.items[item], 32, &mut |found| {
            batches.extend(found);
            true
        })
        .unwrap();
    Fact::Indexed { item, from: 0, batches, complete: true, damage, corrected: Some(Box::new(corrected)) }
}

/// Pipelines of the test stages: makers, halos over pixels and annotations, sampling, a second pass.
fn pipelines() -> impl Strategy<Value = String> {
    let surround = (0u64..40, prop_oneof![Just("all".to_owned()), (2u64..50).prop_map(|n| format!("every {n}"))]);
    (any::<bool>(), any::<bool>(), proptest::collection::vec(surround, 0..3)).prop_map(|(brighten, normalise, surrounds)| {
        let mut text = "[steps.level]\n".to_owned();
        if brighten {
            text += "[steps.brighten]\n";
        }
        for (number, (radius, frames)) in surrounds.iter().enumerate() {
            text += &format!("[steps.surround{number}]\nstage = \"surround\"\nframes = \"{frames}\"\nsettings = {{ radius = {radius} }}\n");
        }
        if normalise {
            text += "[steps.normalise]\n";
        }
        text
    })
}

/// The tasks of a job over two items of such contents, by their keys; the finish of `level` reads this beside its records.
fn tasks(beside: Beside, contents: [Option<Content>; 2]) -> BTreeMap<TaskKey, String> {
    let mut job = TestJob::new("[steps.level]\n[steps.brighten]\n[steps.surround]\n[steps.normalise]\n", &[40, 70]);
    for (item, content) in job.source.items.iter_mut().zip(contents) {
        item.content = content;
    }
    let mut plan = job.plan().unwrap();
    plan.steps.iter_mut().filter(|step| step.name == "level").for_each(|step| step.beside = beside);
    let id = |entry: &Entry| {
        entry.id.as_ref().map_or(String::new(), |id| format!("{} {}", id.kind().as_str_name(), id.step))
    };
    simulate(&job, plan, 1).unwrap().into_iter().map(|(key, entry)| (key, id(&entry))).collect()
}

/// Tasks whose keys differ.
fn redone(before: &BTreeMap<TaskKey, String>, after: &BTreeMap<TaskKey, String>) -> Vec<String> {
    after.iter().filter(|(key, _)| !before.contains_key(key)).map(|(_, task)| task.clone()).collect()
}

#[test]
fn what_finish_reads_of_the_files_is_in_its_key_and_in_no_other() {
    let content = |sound: &'static [u8], rest: &'static [u8]| {
        Some(Content { pictures: (&b"pictures"[..]).into(), sound: sound.into(), rest: rest.into() })
    };
    let finish = ["TASK_KIND_FINISH level"];
    let none: [&str; 0] = [];
    let [listens, reads] = [Beside { sound: true, rest: false }, Beside { sound: false, rest: true }];
    for (beside, by_sound, by_rest) in [
        (Beside::default(), &none[..], &none[..]),
        (listens, &finish[..], &none[..]),
        (reads, &none[..], &finish[..]),
        (Beside { sound: true, rest: true }, &finish[..], &finish[..]),
    ] {
        let before = tasks(beside, [content(b"a", b"x"), content(b"b", b"y")]);
        assert!(before.len() > 10);
        // Of one item of two.
        assert_eq!(redone(&before, &tasks(beside, [content(b"a", b"x"), content(b"c", b"y")])), by_sound, "{beside:?}");
        assert_eq!(redone(&before, &tasks(beside, [content(b"a", b"z"), content(b"b", b"y")])), by_rest, "{beside:?}");
        // It makes a difference whose sound it is, and whether there is any.
        assert_eq!(redone(&before, &tasks(beside, [content(b"b", b"x"), content(b"a", b"y")])), by_sound, "{beside:?}");
        assert_eq!(redone(&before, &tasks(beside, [content(b"", b"x"), content(b"b", b"y")])), by_sound, "{beside:?}");
    }
    // Items without sound, as images: their keys are those of outputs that were made before there were digests of it.
    let silent = || content(b"", b"");
    assert_eq!(tasks(listens, [silent(), silent()]), tasks(Beside::default(), [None, None]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_order_of_results_ends_in_the_same_state(
        pipeline in pipelines(), frames in proptest::collection::vec(0u64..260, 1..4), seeds in any::<[u64; 2]>(),
    ) {
        let mut job = TestJob::new(&pipeline, &frames);
        job.memory = job.plan().unwrap().memory.needed.iter().copied().max().unwrap();
        let keys = |seed| Ok::<_, TestCaseError>(simulate(&job, job.plan().unwrap(), seed)?.into_keys().collect::<BTreeSet<_>>());
        prop_assert_eq!(keys(seeds[0])?, keys(seeds[1])?);
    }
}

/// What a new orchestrator finds behind a job: frames by outcome of every step, and what is to be done next, by key.
fn found(job: &TestJob, ledger: &BTreeMap<TaskKey, Entry>, together: bool) -> (Vec<Counts>, BTreeSet<Vec<u8>>) {
    let lookup = |key: &TaskKey| ledger.get(key).map(outcomes);
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
    for pipeline in
        ["[steps.level]\n[steps.surround]\nsettings = { radius = 40 }\n", "[steps.brighten]\n[steps.normalise]\n"]
    {
        let job = TestJob::new(pipeline, &[6_000, 6_400, 0, 6_100]);
        let done = simulate(&job, job.plan().unwrap(), 5).unwrap();
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

//! Numbers that people read count the frames that a job does: no more, no less, at every moment.
use crate::computation::EVERYTHING;
use crate::fleet::{TestJob, source::FRAME_NS};
use crate::scheduling::{indexed, made};
use framefleet_ledger::{Output, TaskKey};
use framefleet_orchestration::{Earlier, Efficiency, Fact, JobOptions, JobState, Machines, StepFrames, Work};
use framefleet_pipeline::Position;
use framefleet_proto::v1::{EntryOutcomes, FrameFailure, Outcomes, task::Work as Wire};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an output holds.
type Held = BTreeMap<TaskKey, EntryOutcomes>;

/// Frames of every step: as the job began, before each of its tasks, and as it ended.
struct Counts {
    steps: Vec<Vec<StepFrames>>,
}

impl Counts {
    fn first(&self, step: usize) -> StepFrames {
        self.steps[0][step]
    }

    fn last(&self, step: usize) -> StepFrames {
        self.steps[self.steps.len() - 1][step]
    }
}

/// Runs a job's state, task by task; frames for which `breaks` holds fail.
fn run(job: &TestJob, held: &mut Held, breaks: impl Fn(u64) -> bool) -> Counts {
    let plan = Arc::new(job.plan().unwrap());
    let mut state = JobState::new(Arc::clone(&plan), job.source.items.clone(), job.options.clone());
    let frames = |state: &JobState| (0..plan.steps.len()).map(|step| state.frames(step)).collect::<Vec<_>>();
    let mut counts = Counts { steps: vec![frames(&state)] };
    for _ in 0..100_000 {
        let lookup = |key: &TaskKey| held.get(key).cloned();
        state.advance(&lookup);
        counts.steps.push(frames(&state));
        let finished = state.unread_finishes();
        for &(step, key) in &finished {
            state.apply(Fact::Finished { step, key, scoped: Arc::default() }, &lookup);
        }
        state.take_unneeded();
        if state.is_finished() {
            return counts;
        }
        let Some(&task) = state.desired(3).first() else { continue };
        if task.kind == Work::Index {
            state.apply(indexed(job, task.item), &lookup);
            continue;
        }
        let message = state.message("job", task, &lookup).unwrap();
        let key = TaskKey::from_bytes(&message.key).unwrap();
        held.entry(key).or_insert_with(|| match message.work.as_ref().unwrap() {
            Wire::Process(work) => {
                let failed = work.frames.iter().copied().filter(|frame| breaks(*frame));
                let failed: Vec<FrameFailure> = failed
                    .map(|frame| FrameFailure { frame, code: "broken".to_owned(), ..Default::default() })
                    .collect();
                let frames_done = (work.frames.len() - failed.len()) as u64;
                let decided = work.decided.clone().unwrap_or_default();
                EntryOutcomes { outcomes: Some(Outcomes { failed, ..decided }), frames_done, stage_seconds: 0.0 }
            }
            _ => EntryOutcomes::default(),
        });
        state.apply(Fact::Done { task, key, made: made(&message) }, &|key| held.get(key).cloned());
    }
    panic!("the job never ends");
}

fn never(_: u64) -> bool {
    false
}

fn frames(all: u64, reused: u64, done: u64) -> StepFrames {
    StepFrames { all, reused, done, left: 0 }
}

#[test]
fn a_job_counts_its_range_and_what_its_steps_sample() {
    let pipeline = "[steps.level]\n[steps.tenth]\nstage = \"surround\"\nframes = \"every 10\"\n\
                    [steps.second]\nstage = \"surround\"\nframes = \"2/s\"\n";
    let mut job = TestJob::new(pipeline, &[86_400, 30]);
    job.range.end = Some(Position::TimeNs(250 * FRAME_NS));
    let counts = run(&job, &mut Held::new(), never);
    // 250 frames of the film and all of the short one; headers say as much before anything is read.
    for (step, all) in [(0, 280), (1, 25 + 3), (2, 20 + 3)] {
        assert_eq!(counts.first(step), StepFrames { all, reused: 0, done: 0, left: all }, "step {step}");
        assert_eq!(counts.last(step), frames(all, 0, all), "step {step}");
        assert!(counts.steps.iter().all(|steps| steps[step].done + steps[step].left == all), "at every moment");
    }
}

#[test]
fn a_preview_counts_its_batches() {
    let mut job = TestJob::new(EVERYTHING, &[3200, 320]);
    job.options.preview = Some(3);
    let counts = run(&job, &mut Held::new(), never);
    let plan = job.plan().unwrap();
    for (step, planned) in plan.steps.iter().enumerate() {
        let (first, last) = (counts.first(step), counts.last(step));
        assert_eq!((last.left, last.all), (0, last.done), "{}", planned.name);
        assert_eq!(first.all, last.all, "{}: known from the headers", planned.name);
        assert_eq!(last.done > 0, planned.pass == 0, "{}: a preview ends with the first pass", planned.name);
    }
    assert_eq!(counts.last(plan.step("surround").unwrap().0).done, 3 * 32);
}

#[test]
fn a_second_run_counts_what_it_adds() {
    let mut held = Held::new();
    let job = TestJob::new("[steps.level]\n", &[640, 64]);
    assert_eq!(run(&job, &mut held, never).last(0), frames(704, 0, 704));
    assert_eq!(run(&job, &mut held, never).last(0), frames(704, 704, 0), "nothing is left");
    // One more item, which is sorted in front of all.
    let mut more = TestJob::new("[steps.level]\n", &[640, 64, 96]);
    more.source.items.rotate_right(1);
    let counts = run(&more, &mut held, never);
    assert_eq!(counts.first(0).left, 800, "nobody knows yet");
    assert_eq!(counts.last(0), frames(800, 704, 96));
    // The same, when the output says which items the run before ended with.
    let mut held = Held::new();
    run(&job, &mut held, never);
    let items = job.source.items.iter().map(|item| (item.name.clone(), item.estimated_frames)).collect();
    let earlier = Earlier { items, steps: ["level".to_owned()].into() };
    more.options = JobOptions { earlier: Arc::new(earlier), ..JobOptions::default() };
    let counts = run(&more, &mut held, never);
    assert!(counts.steps.iter().all(|steps| steps[0].done + steps[0].left <= 96), "at every moment");
    // And when they are to be done again all the same.
    more.pipeline = "[steps.level]\nsettings = { offset = 3 }\n".to_owned();
    assert_eq!(run(&more, &mut held, never).last(0), frames(800, 0, 800));
}

#[test]
fn a_retry_counts_the_batches_that_it_does_again() {
    let mut held = Held::new();
    let mut job = TestJob::new("[steps.level]\n", &[320]);
    assert_eq!(run(&job, &mut held, |frame| frame == 40).last(0), frames(320, 0, 320));
    job.options.retry_failed = true;
    assert_eq!(run(&job, &mut held, never).last(0), frames(320, 288, 32));
}

#[test]
fn an_absurd_header_is_replaced_by_what_is_there() {
    let mut job = TestJob::new("[steps.level]\n", &[64, 96]);
    let plan = Arc::new(job.plan().unwrap());
    job.source.items[0].estimated_frames = u64::from(u32::MAX);
    let mut state = JobState::new(plan, job.source.items.clone(), JobOptions::default());
    assert_eq!(state.frames(0).left, u64::from(u32::MAX) + 96);
    job.source.items[0].estimated_frames = 64;
    state.apply(indexed(&job, 0), &|_| None);
    assert_eq!(state.frames(0).left, 160);
}

/// Of a pipeline with all that there is, whatever was done before: what is done and left is all, and at the end nothing is left.
#[test]
fn at_every_moment_the_parts_are_the_whole() {
    let mut held = Held::new();
    let mut job = TestJob::new(EVERYTHING, &[100, 7, 64, 1]);
    for (start, end) in [(Some(20), Some(60)), (None, None), (Some(50), None)] {
        job.range.start = start.map(Position::Frame);
        job.range.end = end.map(Position::Frame);
        let counts = run(&job, &mut held, |frame| frame == 33);
        for steps in &counts.steps {
            for of in steps {
                assert_eq!(of.reused + of.done + of.left, of.all, "{of:?}");
            }
        }
        assert!(counts.steps[counts.steps.len() - 1].iter().all(|of| of.left == 0));
    }
}

/// A run of one stage that does `milliseconds` of work a frame.
async fn efficiency(stage: &str) -> Efficiency {
    let job = TestJob::new(&format!("[steps.{stage}]\nsettings = {{ milliseconds = 4.0 }}\n"), &[320]);
    let summary = job.run(&Output::in_memory()).await;
    Efficiency::of(&summary.progress, Machines { threads: job.threads, devices: 0 })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_waits_is_busy_and_computes_nothing() {
    let waits = efficiency("sleep").await;
    assert!(waits.utilisation > 0.0 && waits.waiting > 0.8, "{waits:?}");
    assert!(waits.efficiency < 0.2 * waits.utilisation, "{waits:?}");
    let computes = efficiency("spin").await;
    assert!(computes.efficiency > 0.0 && computes.efficiency <= computes.utilisation, "{computes:?}");
}

//! The model of computation: the same answer however a job is computed, and nothing done twice.
use crate::fleet::{TestJob, digest};
use framefleet_frames::Outcome;
use framefleet_frames::annotation::to_json;
use framefleet_ledger::{Ledger, Output, Row};
use framefleet_orchestration::{Ending, JobOptions, JobSummary};
use framefleet_pipeline::Position;
use framefleet_records::StepCounts;
use futures::StreamExt as _;
use std::sync::atomic::Ordering;
use tokio_util::sync::CancellationToken;

/// Frames made, their neighbours' annotations in the halo, and a second pass for what finish makes.
pub const EVERYTHING: &str = r#"
[steps.level]
[steps.brighten]
[steps.surround]
[steps.normalise]
[steps.sparse]
stage = "surround"
frames = "every 10"
input = "source"
"#;

/// All rows of a step.
async fn rows(output: &Output, step: &str) -> Vec<Row> {
    let ledger = Ledger::read(output.clone()).await.unwrap();
    let manifests = ledger.manifests().await.unwrap();
    let manifest = manifests.iter().find(|manifest| manifest.step == step).unwrap_or_else(|| panic!("no step {step}"));
    ledger.rows(manifest).map(|row| row.unwrap()).collect().await
}

/// One number of a row's first annotation.
fn number(row: &Row, field: &str) -> f64 {
    to_json(&row.annotations[0]).unwrap()[field].as_f64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digest_is_the_same_with_one_thread_and_many() {
    let job = TestJob::new(EVERYTHING, &[100, 7, 64, 1]);
    let one = TestJob { threads: 1, ..job.clone() }.digest().await;
    assert_eq!(job.digest().await, one);
    assert_eq!(TestJob { threads: 8, ..job }.digest().await, one);
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_those_of_a_plain_loop() {
    let job = TestJob::new(EVERYTHING, &[70]);
    let output = Output::in_memory();
    let summary = job.run(&output).await;
    assert_eq!(summary.ending, Ending::Finished);
    assert_eq!(summary.progress.passes, 2, "normalise needs what finish of level makes");
    let grey = |frame: i64| f64::from(crate::fleet::source::grey("item0.mp4", frame as u64));
    let surround = rows(&output, "surround").await;
    assert_eq!(surround.len(), 70);
    for (frame, row) in surround.iter().enumerate() {
        let around: Vec<i64> = (frame as i64 - 3..=frame as i64 + 3).filter(|near| (0..70).contains(near)).collect();
        assert_eq!(number(row, "count"), around.len() as f64, "frame {frame}");
        assert_eq!(number(row, "levels"), around.iter().map(|near| grey(*near)).sum::<f64>(), "frame {frame}");
        assert_eq!(
            number(row, "pixels"),
            around.iter().map(|near| grey(*near) + 3.0).sum::<f64>(),
            "frames made by brighten"
        );
    }
    let sparse = rows(&output, "sparse").await;
    assert_eq!(sparse.iter().map(|row| row.frame).collect::<Vec<_>>(), [0, 10, 20, 30, 40, 50, 60]);
    let near: f64 = (7..=13).map(grey).sum();
    assert_eq!((number(&sparse[1], "levels"), number(&sparse[1], "pixels")), (near, near), "halos count source frames");
    let greys: Vec<f64> = (0..70).map(grey).collect();
    let (least, greatest) = (greys.iter().copied().fold(f64::MAX, f64::min), greys.iter().copied().fold(0.0, f64::max));
    for (frame, row) in rows(&output, "normalise").await.iter().enumerate() {
        assert!((number(row, "place") - (greys[frame] - least) / (greatest - least)).abs() < 1e-9);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_run_again_does_nothing() {
    let job = TestJob::new(EVERYTHING, &[100, 40]);
    let output = Output::in_memory();
    job.run(&output).await;
    let first = digest(&output).await;
    let decoded = job.source.decoded.swap(0, Ordering::Relaxed);
    assert!(job.asked.take_all() > 0 && decoded > 0);
    job.run(&output).await;
    assert_eq!((job.asked.take_all(), job.source.decoded.load(Ordering::Relaxed)), (0, 0));
    assert_eq!(digest(&output).await, first);
}

/// Frames 0, 100, … each lie in a batch of their own; all other batches have nothing that anybody looks at.
#[tokio::test(flavor = "multi_thread")]
async fn batches_of_which_no_frame_is_sampled_are_neither_decoded_nor_handed_out() {
    let job = TestJob::new("[steps.level]\nframes = \"every 100\"\n", &[1000, 40]);
    let output = Output::in_memory();
    let tasks = |summary: JobSummary| summary.progress.steps.iter().map(|step| step.tasks).collect::<Vec<_>>();
    assert_eq!(tasks(job.run(&output).await), [11 + 1, 11], "a task of level and of decoding each, and the finish");
    assert_eq!(rows(&output, "level").await.len(), 11);
    let report = framefleet_records::verify(&output, true).await.unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    let counts = |step: &StepCounts| (step.result, step.failed, step.skipped);
    let [ingest, level] = [&report.steps[0], &report.steps[1]];
    assert_eq!((level.step.as_str(), counts(level)), ("level", (11, 0, 1029)), "every frame has its outcome");
    assert_eq!((ingest.step.as_str(), ingest.result), ("ingest", 11));
    assert_eq!(tasks(job.run(&output).await), [0, 0]);
    assert_eq!(digest(&output).await, report.digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_setting_redoes_what_depends_on_it() {
    let job = TestJob::new(EVERYTHING, &[100]);
    let output = Output::in_memory();
    job.run(&output).await;
    job.asked.take_all();
    let pipeline = EVERYTHING.replace("[steps.surround]", "[steps.surround]\nsettings = { radius = 2 }");
    let changed = TestJob { pipeline, ..job };
    changed.run(&output).await;
    let [level, brighten, surround, normalise] =
        ["level", "brighten", "surround", "normalise"].map(|stage| changed.asked.take(stage));
    assert_eq!((level, normalise), (0, 0));
    assert_eq!(surround, 100, "the step itself, and not its namesake with other settings");
    assert_eq!(brighten, 100, "made frames are volatile: who looks at them has them made again");
    assert_eq!(digest(&output).await, changed.digest().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grown_source_does_only_what_is_new() {
    let pipeline = "[steps.level]\n[steps.surround]\n";
    let output = Output::in_memory();
    TestJob::new(pipeline, &[64, 32]).run(&output).await;
    let grown = TestJob::new(pipeline, &[64, 32, 20]);
    grown.run(&output).await;
    assert_eq!((grown.asked.take("level"), grown.asked.take("surround")), (20, 20));
    assert_eq!(digest(&output).await, grown.digest().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_anywhere_it_goes_on_to_the_same_digest() {
    let job = TestJob { threads: 3, ..TestJob::new(EVERYTHING, &[200, 64]) };
    let whole = job.digest().await;
    job.asked.take_all();
    let output = Output::in_memory();
    let mut runs = 0;
    loop {
        let interrupt = CancellationToken::new();
        let decoded = job.source.decoded.clone();
        decoded.store(0, Ordering::Relaxed);
        // Interrupts come after more and more of the work, so that every part of a job is met.
        let enough = 20 * (runs + 1);
        let interrupted = interrupt.clone();
        let watching = tokio::spawn(async move {
            while decoded.load(Ordering::Relaxed) < enough {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            interrupted.cancel();
        });
        let summary = job.run_until(&output, interrupt).await.unwrap();
        watching.abort();
        runs += 1;
        if summary.ending == Ending::Finished {
            break;
        }
        assert!(runs < 100, "the job never ends");
    }
    assert!(runs > 1, "the job was never interrupted");
    assert_eq!(digest(&output).await, whole);
    assert_eq!(job.asked.take("normalise"), 264, "a step that makes no frames does each frame once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_done_with_a_halo_that_reaches_outside() {
    let mut job = TestJob::new("[steps.level]\n[steps.surround]\nsettings = { radius = 2 }\n", &[100]);
    job.range.start = Some(Position::Frame(40));
    job.range.end = Some(Position::TimeNs(50 * crate::fleet::source::FRAME_NS));
    let output = Output::in_memory();
    job.run(&output).await;
    let surround = rows(&output, "surround").await;
    assert_eq!(surround.iter().map(|row| row.frame).collect::<Vec<_>>(), (40..50).collect::<Vec<_>>());
    let grey = |frame: u64| f64::from(crate::fleet::source::grey("item0.mp4", frame));
    assert_eq!(number(&surround[0], "pixels"), (38..=42).map(grey).sum::<f64>(), "pixels are there outside the range");
    assert_eq!(number(&surround[0], "count"), 3.0, "annotations are not: no step was asked for them");
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_cannot_be_decoded_are_failures_and_those_behind_go_on() {
    let mut job = TestJob::new("[steps.level]\n[steps.surround]\n", &[64]);
    job.source.broken = vec![5, 33];
    let output = Output::in_memory();
    let summary = job.run(&output).await;
    let ingest = summary.progress.steps.last().unwrap();
    assert_eq!((ingest.failed, ingest.result), (2, 62));
    let level = rows(&output, "level").await;
    assert_eq!(level.len(), 64);
    for row in level {
        match row.frame {
            5 | 33 => assert_eq!(row.outcome, Outcome::Skipped { rule: "upstream".to_owned() }),
            _ => assert_eq!(row.outcome, Outcome::Result),
        }
    }
    let surround = rows(&output, "surround").await;
    assert_eq!(number(&surround[4], "count"), 6.0, "frame 5 is absent from its neighbours' halos");
    digest(&output).await;
    // Once they can be decoded, --retry-failed does exactly those frames, and what looked at them.
    job.source.broken.clear();
    job.options = JobOptions { retry_failed: true, ..JobOptions::default() };
    let summary = job.run(&output).await;
    assert_eq!(summary.progress.steps.iter().map(|step| step.failed).sum::<u64>(), 0);
    assert_eq!(digest(&output).await, TestJob::new("[steps.level]\n[steps.surround]\n", &[64]).digest().await);
}

/// Frames that failed and frames with a result, of step `fragile`.
async fn fragile(settings: &str, frames: u64) -> (Vec<u64>, usize) {
    let job = TestJob::new(&format!("[steps.fragile]\nsettings = {{ {settings} }}\n"), &[frames]);
    let output = Output::in_memory();
    job.run(&output).await;
    digest(&output).await;
    let rows = rows(&output, "fragile").await;
    assert_eq!(rows.len(), frames as usize);
    let failed = rows.iter().filter(|row| matches!(row.outcome, Outcome::Failed { .. })).map(|row| row.frame).collect();
    (failed, rows.iter().filter(|row| row.outcome == Outcome::Result && row.annotations.len() == 1).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_break_a_stage_are_located() {
    assert_eq!(fragile("breaks_on = [40]", 1000).await, (vec![40], 999));
    assert_eq!(fragile("breaks_on = [0, 31, 32, 99]", 100).await, (vec![0, 31, 32, 99], 96));
    assert_eq!(fragile("breaks_on = [40], panics = true", 100).await, (vec![40], 99));
    assert_eq!(fragile("breaks_on = [40], knows = true", 100).await, (vec![40], 99));
    assert_eq!(fragile("breaks_on = [31, 64], radius = 2", 100).await, (vec![31, 64], 98), "also when halos show them");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_only_fails_stops_and_a_bound_on_failures_holds() {
    let all: Vec<String> = (0..1000).map(|frame| frame.to_string()).collect();
    let pipeline = format!("[steps.fragile]\nsettings = {{ breaks_on = [{}], knows = true }}\n", all.join(", "));
    let output = Output::in_memory();
    let summary = TestJob::new(&pipeline, &[1000]).run(&output).await;
    assert!(
        matches!(&summary.ending, Ending::Stopped(reason) if reason.contains("fragile") && reason.contains("first three")),
        "{:?}",
        summary.ending
    );
    let pipeline = "[steps.fragile]\nsettings = { breaks_on = [1, 40, 70, 100, 130, 160], knows = true }\n";
    let mut job = TestJob::new(pipeline, &[1000]);
    job.options.max_failures = Some(2);
    let summary = job.run(&Output::in_memory()).await;
    assert!(
        matches!(&summary.ending, Ending::Stopped(reason) if reason.contains("--max-failures")),
        "{:?}",
        summary.ending
    );
    job.options.max_failures = Some(6);
    assert_eq!(job.run(&Output::in_memory()).await.ending, Ending::Finished);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_counts_later() {
    let job = TestJob::new(EVERYTHING, &[320, 320]);
    let output = Output::in_memory();
    let mut preview = job.clone();
    preview.options.preview = Some(4);
    let summary = preview.run(&output).await;
    assert_eq!(summary.ending, Ending::Finished);
    let steps = &summary.progress.steps;
    assert_eq!(steps[job.plan().unwrap().step("surround").unwrap().0].result, 4 * 32);
    job.asked.take_all();
    job.run(&output).await;
    assert_eq!(job.asked.take("normalise"), 640);
    assert!(job.asked.take("level") < 640, "batches of the preview were done again");
    assert_eq!(digest(&output).await, job.digest().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_least_memory_that_a_plan_asks_for_is_enough() {
    let mut job = TestJob::new(EVERYTHING, &[300, 10, 90]);
    let whole = job.digest().await;
    job.memory = job.plan().unwrap().memory.needed.iter().copied().max().unwrap();
    assert_eq!(job.digest().await, whole);
    job.memory -= 1;
    assert!(job.plan().is_err(), "a plan that cannot fit is refused");
}

#[tokio::test]
async fn a_worker_of_another_release_does_not_file_results_as_this_ones() {
    let output = Output::in_memory();
    let job = TestJob { planned_version: Some(99), ..TestJob::new("[steps.level]\n", &[64]) };
    let interrupt = CancellationToken::new();
    let error = job.run_until(&output, interrupt).await.unwrap_err().to_string();
    assert!(error.contains("version 99 of stage level") && error.contains("one release"), "{error}");
    let ledger = framefleet_ledger::Ledger::read(output).await.unwrap();
    assert_eq!(ledger.manifests().await.unwrap().iter().filter(|of| of.step == "level").count(), 0);
}

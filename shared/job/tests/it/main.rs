//! Jobs in one process, from request to outcome.
#![cfg(test)]

mod numbers;

use framefleet_job::{
    FailureLimit, JobError, JobOutcome, JobRequest, OutcomeKind, PipelineChoice, Planner, PreparedJob, Resources,
    RunningJob, in_process, output, planning_runtime,
};
use framefleet_ledger::{Ledger, Output};
use framefleet_orchestration::Progress;
use framefleet_service::Exit;
use framefleet_stage::Registry;
use framefleet_testkit::{Clip, numbered};
use numbers::Numbers;
use serde_json::Value;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Frames of the clip: two batches.
const FRAMES: u64 = 40;
/// Memory for frames.
const MEMORY: u64 = 256 << 20;

/// A folder with a clip whose frames are numbered, and the planner of a program with the one stage that reads numbers.
struct Place {
    folder: TempDir,
    planner: Planner,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clip = Clip::new(160, 120, FRAMES).gop(12);
        clip.write(&folder.path().join("clip.mp4"), |number| numbered(160, 120, number)).unwrap();
        let registry = Registry::new().with::<Numbers>().unwrap();
        let planner = Planner::new(registry, Arc::new(planning_runtime(None).unwrap()));
        Self { folder, planner }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn request(&self) -> JobRequest {
        JobRequest {
            source: self.path("clip.mp4"),
            output: self.path("out"),
            pipeline: PipelineChoice::Stages(vec!["numbers".to_owned()]),
            ..JobRequest::default()
        }
    }

    fn prepare(&self, request: JobRequest, memory: u64) -> Result<PreparedJob, JobError> {
        PreparedJob::open(request, Resources { memory, ..Resources::unbounded() }, self.planner.clone())
    }

    fn run(&self, request: JobRequest, interrupt: bool) -> Result<JobOutcome, JobError> {
        let prepared = self.prepare(request, MEMORY)?;
        in_process::runtime(2).unwrap().block_on(async {
            let job = RunningJob::begin(prepared).await?;
            let stop = CancellationToken::new();
            if interrupt {
                stop.cancel();
            }
            in_process::run(job, 2, stop, watch::channel(Progress::default()).0).await
        })
    }

    fn records(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("out/records/numbers.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn refused(&self, change: impl FnOnce(&mut JobRequest)) -> JobError {
        let mut request = self.request();
        change(&mut request);
        self.prepare(request, MEMORY).err().unwrap()
    }
}

fn reused(outcome: &JobOutcome) -> u64 {
    outcome.summary.progress.steps.iter().find(|step| step.step == "numbers").unwrap().reused
}

#[test]
fn every_frame_has_its_result_and_the_next_run_finds_them() {
    let place = Place::new();
    let outcome = place.run(place.request(), false).unwrap();
    assert_eq!((outcome.kind(), outcome.failures, reused(&outcome)), (OutcomeKind::Done, 0, 0));
    assert_eq!((outcome.kind().words(), outcome.kind().exit()), ("done", Exit::Done));
    assert_eq!(outcome.problems(), [""; 0]);
    let numbers: Vec<u64> = place.records().iter().map(|record| record["number"][0]["is"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..FRAMES).collect::<Vec<_>>());
    assert!(std::fs::read_to_string(place.path("out/report.html")).unwrap().contains("clip.mp4"));
    let again = place.run(place.request(), false).unwrap();
    assert_eq!((again.kind(), reused(&again)), (OutcomeKind::Done, FRAMES));
}

#[test]
fn an_output_says_what_it_was_asked_for() {
    let place = Place::new();
    let mut request = JobRequest { seed: 7, max_failures: Some(FailureLimit::Percent(12.5)), ..place.request() };
    request.range.end = Some("10".parse().unwrap());
    place.run(request.clone(), false).unwrap();
    let kept = in_process::runtime(1).unwrap().block_on(async {
        let ledger = Ledger::read(Output::parse(&place.path("out")).unwrap()).await.unwrap();
        output::request(&ledger).await.unwrap()
    });
    assert_eq!(kept, Some(request));
}

#[test]
fn failures_make_a_job_partial_or_stop_it() {
    let place = Place::new();
    let set = vec!["numbers.fail_below=3".to_owned()];
    let partial = place.run(JobRequest { set: set.clone(), ..place.request() }, false).unwrap();
    assert_eq!((partial.kind(), partial.failures), (OutcomeKind::Partial, 3));
    assert_eq!(partial.kind().exit(), Exit::Partial);
    let limited = JobRequest {
        set,
        max_failures: Some(FailureLimit::Percent(5.0)),
        output: place.path("limited"),
        ..place.request()
    };
    let stopped = place.run(limited, false).unwrap();
    assert_eq!((stopped.kind(), stopped.kind().exit()), (OutcomeKind::Stopped, Exit::Failed));
}

#[test]
fn an_interrupted_job_resumes() {
    let place = Place::new();
    let interrupted = place.run(place.request(), true).unwrap();
    assert_eq!((interrupted.kind(), interrupted.kind().exit()), (OutcomeKind::Interrupted, Exit::Interrupted));
    let resumed = place.run(place.request(), false).unwrap();
    assert_eq!(resumed.kind(), OutcomeKind::Done);
    assert_eq!(place.records().len() as u64, FRAMES);
}

#[test]
fn a_forecast_counts_what_is_left_and_touches_nothing() {
    let place = Place::new();
    let forecast = || {
        let prepared = place.prepare(place.request(), MEMORY).unwrap();
        let forecast = in_process::runtime(2).unwrap().block_on(prepared.forecast()).unwrap();
        (forecast.steps[0].to_do, forecast.steps[0].reused)
    };
    assert_eq!(forecast(), (FRAMES, 0));
    assert!(!std::fs::exists(place.path("out")).unwrap());
    place.run(place.request(), false).unwrap();
    assert_eq!(forecast(), (0, FRAMES));
}

#[test]
fn what_cannot_be_done_is_refused_before_the_output_is_touched() {
    let place = Place::new();
    let missing = place.refused(|request| request.source = place.path("nothing.mp4"));
    assert_eq!(missing.exit(), Exit::Usage);
    assert!(missing.to_string().contains("nothing.mp4"), "{missing}");
    let unknown = place.refused(|request| request.pipeline = PipelineChoice::Stages(vec!["letters".to_owned()]));
    assert_eq!(unknown.exit(), Exit::Configuration);
    assert!(unknown.to_string().contains("letters") && unknown.to_string().contains("numbers"), "{unknown}");
    let setting = place.refused(|request| request.set = vec!["numbers.fail_over=3".to_owned()]);
    assert_eq!(setting.exit(), Exit::Configuration);
    assert!(setting.to_string().contains("fail_over"), "{setting}");
    let long = place.refused(|request| request.set = vec![format!("numbers.fail_below={}", "1".repeat(40_000))]);
    assert_eq!(long.exit(), Exit::Usage);
    assert!(long.to_string().contains("more than the 32768 that are kept of a job"), "{long}");
    let cramped = place.prepare(place.request(), 1000).err().unwrap();
    assert_eq!(cramped.exit(), Exit::Configuration);
    assert!(!std::fs::exists(place.path("out")).unwrap());
}

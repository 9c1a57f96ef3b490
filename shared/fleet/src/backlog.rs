//! How much work jobs have left, for autoscaling: queues are short by design and say nothing of it.
use super::jobs::{Jobs, has_ended};
use framefleet_proto::control::{Job, JobStatus};
use framefleet_telemetry::metric;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often it is measured.
const PERIOD: Duration = Duration::from_secs(2);

/// Seconds that a frame is taken to need in a stage that has done none yet.
const UNKNOWN: f64 = 0.01;

/// Keeps the metrics up to date. Never ends.
pub(super) async fn measure(leading: watch::Receiver<Option<Arc<Jobs>>>) {
    let mut seen: BTreeMap<String, f64> = BTreeMap::new();
    loop {
        let jobs = leading.borrow().as_ref().map(|jobs| jobs.list()).unwrap_or_default();
        for (status, name) in [(JobStatus::Queued, "queued"), (JobStatus::Running, "running")] {
            metric::jobs(name, jobs.iter().filter(|job| job.status() == status).count());
        }
        // A stage that has none left says so once more, else its last figure would stand.
        seen.values_mut().for_each(|seconds| *seconds = 0.0);
        for (stage, seconds) in backlog(&jobs) {
            seen.insert(stage, seconds);
        }
        seen.iter().for_each(|(stage, seconds)| metric::backlog_seconds(stage, *seconds));
        tokio::time::sleep(PERIOD).await;
    }
}

/// Seconds of work left, by stage: the frames that jobs have yet to do, at the pace of those that they have done.
fn backlog(jobs: &[Job]) -> BTreeMap<String, f64> {
    let mut backlog = BTreeMap::new();
    for progress in jobs.iter().filter(|job| !has_ended(job)).filter_map(|job| job.progress.as_ref()) {
        for step in &progress.steps {
            let pace = if step.frames_worked > 0 { step.task_seconds / step.frames_worked as f64 } else { UNKNOWN };
            *backlog.entry(step.stage.clone()).or_default() += step.left as f64 * pace;
        }
    }
    backlog
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_proto::control::{Progress, StepProgress};

    #[test]
    fn what_is_left_is_counted_at_the_pace_of_what_is_done() {
        let step = StepProgress {
            stage: "pose".to_owned(),
            frames: 10_300,
            reused: 10_050,
            done: 50,
            left: 200,
            frames_worked: 50,
            task_seconds: 2.0,
            ..Default::default()
        };
        let progress = Some(Progress { frames: 864_000, steps: vec![step], ..Default::default() });
        let running = Job { status: JobStatus::Running.into(), progress: progress.clone(), ..Default::default() };
        let done = Job { status: JobStatus::Done.into(), progress, ..Default::default() };
        assert_eq!(backlog(&[running.clone(), running, done]), BTreeMap::from([("pose".to_owned(), 16.0)]));
    }
}

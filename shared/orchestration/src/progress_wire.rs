//! Progress as the API says it, and back.
use crate::progress::{Progress, StepProgress};
use framefleet_proto::control;
use std::time::Duration;

impl From<Progress> for control::Progress {
    fn from(progress: Progress) -> Self {
        Self {
            frames: progress.frames,
            steps: progress.steps.into_iter().map(control::StepProgress::from).collect(),
            pass: progress.pass as u32,
            passes: progress.passes as u32,
            reserved_bytes: progress.reserved_bytes,
            elapsed_seconds: progress.elapsed.as_secs_f64(),
            first_result_seconds: progress.first_result.unwrap_or_default().as_secs_f64(),
            waiting_for: progress.waiting_for,
            seconds_left: progress.time_left.map(|left| left.as_secs_f64()),
            finishing: progress.finishing,
        }
    }
}

impl From<control::Progress> for Progress {
    fn from(progress: control::Progress) -> Self {
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        Self {
            frames: progress.frames,
            steps: progress.steps.into_iter().map(StepProgress::from).collect(),
            pass: progress.pass as usize,
            passes: progress.passes as usize,
            reserved_bytes: progress.reserved_bytes,
            elapsed: seconds(progress.elapsed_seconds),
            first_result: (progress.first_result_seconds > 0.0).then(|| seconds(progress.first_result_seconds)),
            waiting_for: progress.waiting_for,
            time_left: progress.seconds_left.map(seconds),
            finishing: progress.finishing,
        }
    }
}

impl From<StepProgress> for control::StepProgress {
    fn from(step: StepProgress) -> Self {
        Self {
            step: step.step,
            stage: step.stage,
            result: step.result,
            failed: step.failed,
            skipped: step.skipped,
            frames: step.frames,
            reused: step.reused,
            done: step.done,
            left: step.left,
            frames_per_second: step.frames_per_second,
            task_seconds: step.task_seconds,
            cpu_seconds: step.cpu_seconds,
            device_seconds: step.device_seconds,
            delay_seconds: step.delay_seconds,
            waits: Some(step.waits.into()),
            peak_memory: step.peak_memory,
            frames_worked: step.frames_worked,
            tasks: step.tasks,
            finished: step.finished,
        }
    }
}

impl From<control::StepProgress> for StepProgress {
    fn from(step: control::StepProgress) -> Self {
        Self {
            step: step.step,
            stage: step.stage,
            result: step.result,
            failed: step.failed,
            skipped: step.skipped,
            frames: step.frames,
            reused: step.reused,
            done: step.done,
            left: step.left,
            frames_per_second: step.frames_per_second,
            task_seconds: step.task_seconds,
            cpu_seconds: step.cpu_seconds,
            device_seconds: step.device_seconds,
            delay_seconds: step.delay_seconds,
            waits: step.waits.unwrap_or_default().into(),
            peak_memory: step.peak_memory,
            frames_worked: step.frames_worked,
            tasks: step.tasks,
            finished: step.finished,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_comes_back_as_it_was() {
        let step = StepProgress {
            step: "pose".to_owned(),
            frames: 9,
            reused: 1,
            done: 2,
            left: 6,
            peak_memory: 7,
            waits: crate::waits::Waits { fetch: 1.5, ..Default::default() },
            ..Default::default()
        };
        let progress = Progress {
            frames: 9,
            steps: vec![step],
            time_left: Some(Duration::from_millis(2500)),
            finishing: vec!["motion".to_owned()],
            elapsed: Duration::from_secs(3),
            ..Progress::default()
        };
        let back = Progress::from(control::Progress::from(progress.clone()));
        assert_eq!(serde_json::json!(back), serde_json::json!(progress));
        let unknown = Progress { time_left: None, ..progress };
        assert_eq!(Progress::from(control::Progress::from(unknown)).time_left, None);
    }
}

//! Progress as the API says it, and back.
use crate::{Progress, StepProgress};
use framefleet_proto::control;
use std::time::Duration;

impl From<Progress> for control::Progress {
    fn from(progress: Progress) -> Self {
        let step = |step: StepProgress| control::StepProgress {
            step: step.step,
            stage: step.stage,
            result: step.result,
            failed: step.failed,
            skipped: step.skipped,
            task_seconds: step.task_seconds,
            frames_worked: step.frames_worked,
            tasks: step.tasks,
            finished: step.finished,
        };
        Self {
            frames: progress.frames,
            steps: progress.steps.into_iter().map(step).collect(),
            pass: progress.pass as u32,
            passes: progress.passes as u32,
            reserved_bytes: progress.reserved_bytes,
            elapsed_seconds: progress.elapsed.as_secs_f64(),
            first_result_seconds: progress.first_result.unwrap_or_default().as_secs_f64(),
            waiting_for: progress.waiting_for,
        }
    }
}

impl From<control::Progress> for Progress {
    fn from(progress: control::Progress) -> Self {
        let step = |step: control::StepProgress| StepProgress {
            step: step.step,
            stage: step.stage,
            result: step.result,
            failed: step.failed,
            skipped: step.skipped,
            task_seconds: step.task_seconds,
            frames_worked: step.frames_worked,
            tasks: step.tasks,
            finished: step.finished,
        };
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        Self {
            frames: progress.frames,
            steps: progress.steps.into_iter().map(step).collect(),
            pass: progress.pass as usize,
            passes: progress.passes as usize,
            reserved_bytes: progress.reserved_bytes,
            elapsed: seconds(progress.elapsed_seconds),
            first_result: (progress.first_result_seconds > 0.0).then(|| seconds(progress.first_result_seconds)),
            waiting_for: progress.waiting_for,
        }
    }
}

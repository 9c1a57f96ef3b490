//! How far a job is, how fast it goes, and how long it still takes.
use crate::task::INGEST;
use crate::waits::Waits;
use serde::Serialize;
use std::time::Duration;

/// One step's progress.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StepProgress {
    /// Name of the step; the last one is `ingest`.
    pub step: String,
    /// Its stage.
    pub stage: String,
    /// Frames with a result.
    pub result: u64,
    /// Frames that failed.
    pub failed: u64,
    /// Frames that a rule left out, sampling among them.
    pub skipped: u64,
    /// Frames that are to have an outcome: those of the job's range that the step samples. Estimated from headers until items are
    /// indexed. Of ingest, those that this run decodes.
    pub frames: u64,
    /// Of them, those that the output held before this run.
    pub reused: u64,
    /// Of them, those that this run did.
    pub done: u64,
    /// Of them, those that are left for this run.
    pub left: u64,
    /// Frames per second of wall time, lately.
    pub frames_per_second: f64,
    /// Seconds that tasks of this step worked in this run, on the wall.
    pub task_seconds: f64,
    /// Seconds of a processor that they took.
    pub cpu_seconds: f64,
    /// Seconds that they occupied a device beside the processor.
    pub device_seconds: f64,
    /// Of `task_seconds`, seconds that tasks were ready to compute and others had the cores; 0 where kernels do not say.
    pub delay_seconds: f64,
    /// What went by around its tasks' own work.
    pub waits: Waits,
    /// Largest resident memory of a process that did its tasks, as it was at the end of one: in one process that of all steps so far, in a
    /// fleet that of the step's workers. Bytes; 0 where that is not known.
    pub peak_memory: u64,
    /// Frames that its tasks worked on in this run, those among them that were made again.
    pub frames_worked: u64,
    /// Tasks done in this run.
    pub tasks: u64,
    /// Whether its finish is done.
    pub finished: bool,
}

impl StepProgress {
    /// Frames that have their outcome.
    pub fn settled(&self) -> u64 {
        self.reused + self.done
    }
}

/// A job's progress.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Progress {
    /// Frames that the job does: of all items those that some step is to have an outcome for.
    pub frames: u64,
    /// By step, in the plan's order; ingest last.
    pub steps: Vec<StepProgress>,
    /// The pass that is running, from 1, and how many there are.
    pub pass: usize,
    /// Number of passes.
    pub passes: usize,
    /// How long the frames of the pass that is running still take; `None` while that cannot be known.
    pub time_left: Option<Duration>,
    /// Steps whose finish is all that the pass waits for.
    pub finishing: Vec<String>,
    /// Bytes that batches in flight have reserved.
    pub reserved_bytes: u64,
    /// Stages that no worker serves while tasks wait for one.
    pub waiting_for: Vec<String>,
    /// Time since the run began.
    pub elapsed: Duration,
    /// Time from the run's begin to its first result.
    pub first_result: Option<Duration>,
}

impl Progress {
    /// Frames that are through all steps: as large a part of the job as that of the step furthest behind.
    pub fn done(&self) -> u64 {
        let steps = self.of_pipeline().filter(|step| step.frames > 0);
        let through = |step: &StepProgress| {
            (u128::from(self.frames) * u128::from(step.settled()) / u128::from(step.frames)) as u64
        };
        steps.map(through).min().unwrap_or_default()
    }

    /// Frames per second of the job, lately: of the step that does most, since others may sample.
    pub fn frames_per_second(&self) -> f64 {
        self.of_pipeline().map(|step| step.frames_per_second).fold(0.0, f64::max)
    }

    /// Frames per second of the job over the whole run.
    pub fn mean_frames_per_second(&self) -> f64 {
        let most = self.of_pipeline().map(|step| step.frames_worked).max().unwrap_or_default();
        most as f64 / self.elapsed.as_secs_f64().max(1e-3)
    }

    /// All steps but ingest.
    fn of_pipeline(&self) -> impl Iterator<Item = &StepProgress> {
        self.steps.iter().filter(|step| step.step != INGEST)
    }
}

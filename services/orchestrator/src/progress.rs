//! How far a job is, how fast, and what holds it up.
use crate::counts::Counts;
use crate::state::JobState;
use serde::Serialize;
use std::collections::BTreeMap;
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
    /// Frames that a rule left out.
    pub skipped: u64,
    /// Seconds that tasks of this step worked in this run.
    pub task_seconds: f64,
    /// Frames done in this run.
    pub frames_worked: u64,
    /// Tasks done in this run.
    pub tasks: u64,
    /// Whether its finish is done.
    pub finished: bool,
}

/// A job's progress.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Progress {
    /// Frames of all items: exact where they are indexed, else as their headers say.
    pub frames: u64,
    /// By step, in the plan's order; ingest last.
    pub steps: Vec<StepProgress>,
    /// The pass that is running, from 1, and how many there are.
    pub pass: usize,
    /// Number of passes.
    pub passes: usize,
    /// Bytes that batches in flight have reserved.
    pub reserved_bytes: u64,
    /// Stages that no worker serves while tasks wait for one.
    pub waiting_for: Vec<String>,
    /// Time since the run began.
    pub elapsed: Duration,
    /// Time from the run's begin to its first result.
    pub first_result: Option<Duration>,
}

/// What tasks of one step took, as their events told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Worked {
    pub seconds: f64,
    pub frames: u64,
    pub tasks: u64,
}

impl Progress {
    /// The share of the cores' time that tasks used: Σ task seconds ÷ (elapsed · cores). With tasks that keep a core busy this
    /// is the job's frame rate over the rate of bare loops on all cores.
    pub fn efficiency(&self, cores: usize) -> f64 {
        let worked: f64 = self.steps.iter().map(|step| step.task_seconds).sum();
        let available = self.elapsed.as_secs_f64() * cores as f64;
        if available > 0.0 { (worked / available).min(1.0) } else { 0.0 }
    }

    /// The step that used most time.
    pub fn bottleneck(&self) -> Option<&StepProgress> {
        self.steps
            .iter()
            .filter(|step| step.task_seconds > 0.0)
            .max_by(|a, b| a.task_seconds.total_cmp(&b.task_seconds))
    }
}

impl JobState {
    /// Progress as far as the state knows it.
    pub(crate) fn progress(&self, worked: &BTreeMap<String, Worked>) -> Progress {
        let ingest = self.plan.steps.len();
        let name = |step: usize| self.plan.steps.get(step).map_or(crate::messages::INGEST, |step| step.name.as_str());
        let steps = (0..=ingest).map(|step| {
            let Counts { result, failed, skipped } = self.counts(step);
            let worked = worked.get(name(step)).copied().unwrap_or_default();
            StepProgress {
                step: name(step).to_owned(),
                stage: self.plan.steps.get(step).map_or(crate::messages::INGEST, |step| step.stage.as_str()).to_owned(),
                result,
                failed,
                skipped,
                task_seconds: worked.seconds,
                frames_worked: worked.frames,
                tasks: worked.tasks,
                finished: step < ingest && self.finished_key(step).is_some(),
            }
        });
        Progress {
            frames: self
                .footage
                .iter()
                .map(|footage| if footage.complete { footage.frames() } else { footage.item.estimated_frames })
                .sum(),
            steps: steps.collect(),
            pass: self.pass + 1,
            passes: self.plan.passes.len(),
            reserved_bytes: self.reserved,
            ..Progress::default()
        }
    }
}

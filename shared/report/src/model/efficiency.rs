//! Where a job's time went.
use super::Label;
use serde::Serialize;

/// How fast a job went compared with what its machine could do, and what held it up.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Efficiency {
    /// Frames per second of the job ÷ frames per second that its bare work allows (0–1, a little above by noise).
    pub value: f64,
    /// Frames per second of the job.
    pub frames_per_second: f64,
    /// What held it up, the most pressing first.
    pub bottlenecks: Vec<Bottleneck>,
    /// How busy machines and devices were, as far as that was read.
    pub machines: Vec<Label>,
    /// Where the seconds went.
    pub steps: Vec<StepTime>,
}

/// What held a job up, and what helps.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Bottleneck {
    /// What was measured, in a sentence.
    pub text: String,
    /// The argument that helps; empty where none does.
    pub setting: String,
    /// What that does.
    pub effect: String,
}

/// One step's part of the work.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StepTime {
    /// The step, or `ingest`.
    pub step: String,
    /// Seconds of its own work in its tasks, on the wall.
    pub task_seconds: f64,
    /// Share of all task seconds, 0–1.
    pub share: f64,
    /// Of them, seconds of a processor.
    pub cpu_seconds: f64,
    /// Of them, seconds that a device was occupied.
    pub device_seconds: f64,
    /// Seconds around them: reading inputs, loading models, writing results.
    pub around_seconds: f64,
    /// Median time of a task.
    pub p50_seconds: Option<f64>,
    /// The time that 95 of 100 tasks do not exceed.
    pub p95_seconds: Option<f64>,
    /// Largest resident memory of a process that did its tasks, bytes.
    pub peak_memory: Option<u64>,
}

//! What came of a combination.
use crate::matrix::Combination;
use framefleet_bottleneck::Finding;
use framefleet_orchestration::{StepLatency, Waits};
use framefleet_utilisation::Utilisation;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A combination, and what was measured of it or why nothing was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The combination.
    #[serde(flatten)]
    pub combination: Combination,
    /// Size of the frames that were measured; absent where nothing was.
    pub frame_size: Option<(u32, u32)>,
    /// Why it was not measured; absent where it was.
    pub not_run: Option<String>,
    /// What was measured.
    pub figures: Option<Figures>,
}

/// What was measured of a combination: the run of median speed of those in the timed window. Times are in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Frames of a run.
    pub frames: u64,
    /// Wall time of the run: index, decoding, all steps, finishes and records; without the report.
    pub seconds: f64,
    /// Frames per second of the whole job.
    pub frames_per_second: f64,
    /// That of every run, in their order.
    pub runs: Vec<f64>,
    /// Frames per second inside the stages' `process` alone, by one thread: frames over the sum of that time in all steps.
    pub compute_frames_per_second: f64,
    /// Time of a frame, by the sum over all steps of its part of their tasks' own work; see [`Figures::frame_latency_p95`].
    pub frame_latency_mean: f64,
    /// Sum over all steps of the 95th percentile of that: not less than the percentile of the sum usually is.
    pub frame_latency_p95: f64,
    /// Steps; decoding is `ingest`.
    pub steps: Vec<StepFigures>,
    /// Largest resident memory of the process in the run, bytes; it holds the models that earlier rows left.
    pub memory_peak: Option<u64>,
    /// How busy the processor and devices were, sampled while the run lasted.
    pub utilisation: Option<Utilisation>,
    /// What models really ran on.
    pub models: Vec<RanModel>,
    /// What held it up, the most pressing first.
    pub bottlenecks: Vec<Finding>,
}

/// A step's part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepFigures {
    /// The step.
    pub step: String,
    /// Its tasks' own work, on the wall.
    pub seconds: f64,
    /// Of that, of a processor.
    pub cpu_seconds: f64,
    /// Of that, that devices were occupied.
    pub device_seconds: f64,
    /// Around it.
    pub waits: Waits,
    /// How long tasks on frames took; absent where there were none.
    pub latency: Option<StepLatency>,
}

/// A model as it ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RanModel {
    /// Its id.
    pub model: String,
    /// What executed its nodes, the preferred one first to do so.
    pub provider: Option<String>,
    /// Execution class.
    pub class: String,
    /// Items per run.
    pub micro_batch: u64,
    /// How often that was halved because memory was full.
    pub out_of_memory: u64,
    /// Nodes by the type of their first input.
    pub arithmetic: BTreeMap<String, u64>,
}

impl Row {
    /// A row without figures.
    pub fn not_run(combination: Combination, reason: impl ToString) -> Self {
        Self { combination, frame_size: None, not_run: Some(reason.to_string()), figures: None }
    }

    /// What it is called: size, precision, backend and batch.
    pub fn name(&self) -> String {
        self.combination.to_string()
    }

    /// Memory of devices at most: the largest of them; absent without one.
    pub fn device_memory(&self) -> Option<u64> {
        let utilisation = self.figures.as_ref()?.utilisation.as_ref()?;
        utilisation.devices.iter().filter_map(|device| device.memory_peak).max()
    }
}

impl Figures {
    /// Sums that are made of steps.
    pub(crate) fn with_steps(mut self, steps: Vec<StepFigures>) -> Self {
        let process = |step: &&StepFigures| step.latency.is_some() && step.step != ingest::NAME;
        let in_process = |step: &StepFigures| step.latency.as_ref().map_or(0.0, |of| of.stage.mean * of.tasks as f64);
        let computed: f64 = steps.iter().filter(process).map(in_process).sum();
        self.compute_frames_per_second = if computed > 0.0 { self.frames as f64 / computed } else { 0.0 };
        let of_frames = || steps.iter().filter_map(|step| step.latency.as_ref());
        self.frame_latency_mean = of_frames().map(|of| of.frame.mean).sum();
        self.frame_latency_p95 = of_frames().map(|of| of.frame.p95).sum();
        Self { steps, ..self }
    }
}

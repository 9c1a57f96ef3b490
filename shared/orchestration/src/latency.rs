//! How long tasks of a step took, as a distribution in bounded memory: quantiles are right to 1 % (DDSketch: Masson, Rim, Lee 2019),
//! mean, least and greatest value exact.
use framefleet_proto::v1::Done;
use serde::{Deserialize, Serialize};
use sketches_ddsketch::{Config, DDSketch};

/// A distribution of seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 95 of 100 are not longer.
    pub p95: f64,
    /// 99 of 100 are not longer.
    pub p99: f64,
    /// The shortest.
    pub min: f64,
    /// The longest.
    pub max: f64,
}

/// How long the tasks on frames of one step took in a run; its finish is none of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepLatency {
    /// The step.
    pub step: String,
    /// Tasks.
    pub tasks: u64,
    /// From when a worker had a task in hand to the end of its commit.
    pub task: Latency,
    /// Of that, the stage's own work.
    pub stage: Latency,
    /// The stage's own work for a frame: that of its task over the task's frames.
    pub frame: Latency,
}

/// The distributions of one step while its job runs.
#[derive(Clone)]
pub(crate) struct LatencyRecorder {
    task: DDSketch,
    stage: DDSketch,
    frame: DDSketch,
}

impl LatencyRecorder {
    /// Nothing was done yet.
    pub fn new() -> Self {
        // Values below a microsecond are counted as 0.
        let sketch = || DDSketch::new(Config::new(0.01, 2048, 1e-6));
        Self { task: sketch(), stage: sketch(), frame: sketch() }
    }

    /// A task on frames was done.
    pub fn add(&mut self, done: &Done) {
        self.task.add(done.total_seconds);
        self.stage.add(done.stage_seconds);
        let frames = done.frames_done + done.frames_failed;
        if frames > 0 {
            self.frame.add(done.stage_seconds / frames as f64);
        }
    }

    /// What was recorded of a step; `None` when none of its tasks was done.
    pub fn of_step(&self, step: &str) -> Option<StepLatency> {
        let tasks = self.task.count() as u64;
        let (task, stage) = (latency(&self.task)?, latency(&self.stage)?);
        let frame = latency(&self.frame).unwrap_or_default();
        Some(StepLatency { step: step.to_owned(), tasks, task, stage, frame })
    }
}

fn latency(sketch: &DDSketch) -> Option<Latency> {
    let (min, max) = (sketch.min()?, sketch.max()?);
    // The nearest rank: the least time that so large a share of tasks does not exceed, also of a few. The sketch counts ranks from 0 and
    // rounds them down, and its answer may lie 1 % outside of what was seen.
    let others = sketch.count().saturating_sub(1).max(1) as f64;
    let quantile = |share: f64| {
        let rank = (share * sketch.count() as f64).ceil() - 1.0;
        let place = ((rank + 0.5) / others).clamp(0.0, 1.0);
        sketch.quantile(place).ok().flatten().map(|seconds: f64| seconds.clamp(min, max))
    };
    Some(Latency {
        mean: sketch.sum()? / sketch.count() as f64,
        p50: quantile(0.5)?,
        p95: quantile(0.95)?,
        p99: quantile(0.99)?,
        min,
        max,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(tasks: impl Iterator<Item = (f64, u64)>) -> Option<StepLatency> {
        let mut recorder = LatencyRecorder::new();
        tasks.for_each(|(stage_seconds, frames_done)| {
            recorder.add(&Done { stage_seconds, total_seconds: 2.0 * stage_seconds, frames_done, ..Done::default() });
        });
        recorder.of_step("pose")
    }

    #[test]
    fn quantiles_are_right_to_a_hundredth() {
        let of = recorded((1..=1000).map(|number| (f64::from(number) / 1000.0, 10))).unwrap();
        let near = |found: f64, wanted: f64| assert!((found / wanted - 1.0).abs() < 0.012, "{found} for {wanted}");
        near(of.stage.p50, 0.5);
        near(of.stage.p95, 0.95);
        near(of.stage.p99, 0.99);
        near(of.frame.p50, 0.05);
        assert_eq!((of.tasks, of.stage.min, of.stage.max, of.task.max), (1000, 0.001, 1.0, 2.0));
        assert!((of.stage.mean - 0.5005).abs() < 1e-9);
    }

    #[test]
    fn of_two_tasks_95_of_100_are_both() {
        let of = recorded([(0.1, 1), (0.3, 1)].into_iter()).unwrap().stage;
        assert_eq!((of.p95, of.p99, of.max), (0.3, 0.3, 0.3));
        assert!((of.p50 - 0.1).abs() < 0.001, "half of them: {of:?}");
    }

    #[test]
    fn one_task_is_all_of_its_quantiles_and_none_is_nothing() {
        let of = recorded(std::iter::once((0.25, 0))).unwrap();
        assert_eq!((of.stage.p50, of.stage.p99, of.stage.min), (0.25, 0.25, 0.25));
        assert_eq!(of.frame, Latency::default(), "a task without frames has no time of a frame");
        assert_eq!(recorded(std::iter::empty()), None);
    }
}

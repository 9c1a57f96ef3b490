//! Collects the metrics of the process and writes them as Prometheus reads them.
use crate::metric;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

/// Metrics cannot be collected.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The recorder refuses its settings.
    #[error("metrics: {0}")]
    Settings(#[from] BuildError),
    /// The process collects metrics already.
    #[error("metrics are collected already")]
    Twice,
}

/// The metrics of this process. A process that does not install them collects none: recording is then free.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Collects from now on, once per process. Someone has to call [`Metrics::upkeep`] every few seconds;
    /// [`serve`](crate::serve) does.
    pub fn install() -> Result<Self, MetricsError> {
        let recorder = recorder()?;
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| MetricsError::Twice)?;
        metric::describe();
        Ok(Self(handle))
    }

    /// All metrics in Prometheus' text format, version 0.0.4.
    pub fn text(&self) -> String {
        self.0.render()
    }

    /// Folds recorded times into the histograms: without it they pile up until someone reads the text.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

/// A recorder whose times fall into the buckets of [`metric`].
fn recorder() -> Result<PrometheusRecorder, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for name in [metric::TASK_SECONDS, metric::QUEUE_SECONDS] {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), &metric::SECONDS)?;
    }
    Ok(builder.build_recorder())
}

#[cfg(test)]
mod tests {
    use super::*;
    use metric::{FrameOutcome, TaskResult};
    use std::time::Duration;

    /// The text after `record` ran, collected apart from other tests.
    fn text(record: impl FnOnce()) -> String {
        let recorder = recorder().unwrap();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            metric::describe();
            record();
        });
        handle.render()
    }

    #[test]
    fn a_task_leaves_its_numbers() {
        let text = text(|| {
            metric::task_taken("pose", 1, Duration::from_millis(3));
            metric::task_taken("pose", 2, Duration::from_millis(20));
            metric::task_ended("pose", TaskResult::BadInput, Duration::from_secs(2));
            metric::frames("pose", FrameOutcome::Result, 31);
            metric::frames("pose", FrameOutcome::Failed, 1);
            metric::blob_bytes(4096);
        });
        for line in [
            "ff_tasks_total{stage=\"pose\",result=\"bad_input\"} 1",
            "ff_frames_total{stage=\"pose\",outcome=\"result\"} 31",
            "ff_frames_total{stage=\"pose\",outcome=\"failed\"} 1",
            "ff_in_flight{stage=\"pose\"} 1",
            "ff_redeliveries_total{stage=\"pose\"} 1",
            "ff_blob_bytes 4096",
            "ff_queue_seconds_bucket{stage=\"pose\",le=\"0.0025\"} 0",
            "ff_queue_seconds_bucket{stage=\"pose\",le=\"0.005\"} 1",
            "ff_queue_seconds_bucket{stage=\"pose\",le=\"0.025\"} 2",
            "ff_task_seconds_sum{stage=\"pose\"} 2",
            "# TYPE ff_task_seconds histogram",
        ] {
            assert!(text.lines().any(|found| found == line), "no line {line} in\n{text}");
        }
    }

    #[test]
    fn what_a_device_does_not_say_is_absent_and_not_zero() {
        let text = text(|| {
            let hot = metric::Device { id: "cuda:0", name: "X", temperature: Some(71), ..metric::Device::default() };
            metric::device(&hot);
            metric::device(&metric::Device {
                id: "cuda:1",
                name: "X",
                utilisation: Some(0.5),
                ..metric::Device::default()
            });
            metric::device(&metric::Device { id: "cuda:1", name: "X", ..metric::Device::default() });
            metric::process(1.5, None);
        });
        let has = |line: &str| text.lines().any(|found| found == line);
        assert!(has("ff_device_temperature_celsius{device=\"cuda:0\",name=\"X\"} 71"), "{text}");
        assert!(!text.contains("ff_device_utilisation{device=\"cuda:0\""), "{text}");
        assert!(has("ff_device_utilisation{device=\"cuda:1\",name=\"X\"} NaN"), "no longer said: {text}");
        assert!(has("ff_process_cpu_cores 1.5") && !text.contains("\nff_process_memory_bytes "), "{text}");
    }

    #[test]
    fn every_result_and_outcome_has_a_label_of_its_own() {
        let text = text(|| {
            TaskResult::ALL.into_iter().for_each(|result| metric::task_ended("s", result, Duration::ZERO));
            FrameOutcome::ALL.into_iter().for_each(|outcome| metric::frames("s", outcome, 1));
        });
        let lines = |name: &str| text.lines().filter(|line| line.starts_with(name) && line.ends_with(" 1")).count();
        assert_eq!((lines("ff_tasks_total{"), lines("ff_frames_total{")), (4, 3), "{text}");
    }
}

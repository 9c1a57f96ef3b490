//! Figures of the runs in the timed window.
use crate::row::{Figures, RanModel, StepFigures};
use framefleet_infer::SessionReport;
use framefleet_job::JobOutcome;
use framefleet_orchestration::StepProgress;

/// The run of median speed, with the speeds of all; `None` when no frame was done. Runs come with the process' peak memory.
pub(super) fn median(mut runs: Vec<(JobOutcome, Option<u64>)>, reports: &[SessionReport]) -> Option<Figures> {
    let speed = |outcome: &JobOutcome| outcome.summary.progress.mean_frames_per_second();
    let speeds: Vec<f64> = runs.iter().map(|(outcome, _)| speed(outcome)).collect();
    runs.sort_by(|a, b| speed(&a.0).total_cmp(&speed(&b.0)));
    // Of an even number the slower of the two in the middle.
    let (outcome, memory_peak) = runs.swap_remove(runs.len().checked_sub(1)? / 2);
    let progress = &outcome.summary.progress;
    let frames = progress.steps.iter().filter(|step| step.step != ingest::NAME).map(|step| step.frames_worked).max()?;
    let figures = Figures {
        frames,
        seconds: progress.elapsed.as_secs_f64(),
        frames_per_second: speed(&outcome),
        runs: speeds,
        memory_peak,
        utilisation: outcome.performance.utilisation.clone(),
        models: reports.iter().map(ran_model).collect(),
        bottlenecks: outcome.performance.findings.clone(),
        ..Figures::default()
    };
    let steps = progress.steps.iter().filter(|step| step.tasks > 0).map(|of| step(of, &outcome));
    (frames > 0).then(|| figures.with_steps(steps.collect()))
}

fn step(of: &StepProgress, outcome: &JobOutcome) -> StepFigures {
    StepFigures {
        step: of.step.clone(),
        seconds: of.task_seconds,
        cpu_seconds: of.cpu_seconds,
        device_seconds: of.device_seconds,
        waits: of.waits,
        latency: outcome.summary.latencies.iter().find(|latency| latency.step == of.step).cloned(),
    }
}

fn ran_model(report: &SessionReport) -> RanModel {
    RanModel {
        model: report.model.clone(),
        provider: report.provider.map(|provider| provider.to_string()),
        class: report.class.clone(),
        micro_batch: report.micro_batch as u64,
        out_of_memory: u64::from(report.out_of_memory),
        arithmetic: report.arithmetic.iter().map(|(kind, nodes)| (kind.clone(), *nodes as u64)).collect(),
    }
}

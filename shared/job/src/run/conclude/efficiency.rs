//! What the report says of where time went.
use crate::outcome::JobOutcome;
use framefleet_bottleneck::Finding;
use framefleet_orchestration::{Efficiency, StepLatency, StepProgress};
use framefleet_report::model::{Bottleneck, Efficiency as EfficiencySummary, Label, StepTime};
use framefleet_utilisation::{DeviceUtilisation, Utilisation};

/// How fast a job went; `None` when nothing had to be done.
pub(super) fn summary(outcome: &JobOutcome) -> Option<EfficiencySummary> {
    let progress = &outcome.summary.progress;
    let total: f64 = progress.steps.iter().map(|step| step.task_seconds).sum();
    let worked = progress.steps.iter().filter(|step| step.task_seconds > 0.0);
    let latency = |step: &StepProgress| outcome.summary.latencies.iter().find(|of| of.step == step.step);
    let measured = Efficiency::of(progress, outcome.performance.machines);
    (total > 0.0).then(|| EfficiencySummary {
        value: measured.efficiency,
        frames_per_second: measured.frames_per_second,
        bottlenecks: outcome.performance.findings.iter().map(bottleneck).collect(),
        machines: outcome.performance.utilisation.iter().flat_map(machines).collect(),
        steps: worked.map(|step| step_time(step, step.task_seconds / total, latency(step))).collect(),
    })
}

fn bottleneck(finding: &Finding) -> Bottleneck {
    let (setting, effect) = match &finding.remedy {
        Some(remedy) => (remedy.argument(), remedy.effect.clone()),
        None => Default::default(),
    };
    Bottleneck { text: finding.text.clone(), setting, effect }
}

fn step_time(step: &StepProgress, share: f64, latency: Option<&StepLatency>) -> StepTime {
    StepTime {
        step: step.step.clone(),
        task_seconds: step.task_seconds,
        share,
        cpu_seconds: step.cpu_seconds,
        device_seconds: step.device_seconds,
        around_seconds: step.waits.fetch + step.waits.load + step.waits.commit,
        p50_seconds: latency.map(|of| of.task.p50),
        p95_seconds: latency.map(|of| of.task.p95),
        peak_memory: (step.peak_memory > 0).then_some(step.peak_memory),
    }
}

fn machines(of: &Utilisation) -> Vec<Label> {
    let label = |name: &str, value: String| Label { name: name.to_owned(), value };
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let mut lines = Vec::new();
    lines.extend(of.cpu().map(|share| label("CPU", format!("{} of {} cores", percent(share), of.cores))));
    lines.extend(of.memory_peak.map(|bytes| label("Memory of the process, at most", mebibytes(bytes))));
    lines.extend(of.machine_memory_peak.map(|share| label("Memory of the machine in use, at most", percent(share))));
    lines
        .extend(of.devices.iter().map(|device| label(&format!("{} {}", device.host, device.device), describe(device))));
    lines
}

/// What is known of a device, in a line.
fn describe(device: &DeviceUtilisation) -> String {
    let known = [
        Some(device.name.clone()),
        device.utilisation.map(|share| format!("{:.0} % busy", 100.0 * share)),
        device.memory_peak.map(|bytes| format!("{} at most", mebibytes(bytes))),
        device.temperature_peak.map(|degrees| format!("{degrees} °C at most")),
        device.clock_mhz.map(|clock| format!("{clock:.0} MHz")),
    ];
    known.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

//! `bench.csv`: a line for each combination. What was not measured is empty.
use crate::BenchError;
use crate::row::{Figures, Row};
use framefleet_orchestration::Latency;

/// Columns that every row has.
const COLUMNS: [&str; 22] = [
    "size",
    "width",
    "height",
    "batch",
    "precision",
    "backend",
    "not_run",
    "frames",
    "seconds",
    "frames_per_second",
    "frames_per_second_min",
    "frames_per_second_max",
    "compute_frames_per_second",
    "frame_latency_mean_ms",
    "frame_latency_p95_ms",
    "memory_peak_bytes",
    "device_memory_peak_bytes",
    "cpu_utilisation",
    "device_utilisation",
    "models",
    "bottleneck",
    "remedy",
];

/// Columns of each step, after its name.
const OF_STEP: [&str; 6] = ["mean", "p50", "p95", "p99", "min", "max"];

/// The table, with a header; task and frame latencies of each step in milliseconds, steps in the order that rows have them.
pub fn csv(rows: &[Row]) -> Result<Vec<u8>, BenchError> {
    let mut steps: Vec<&str> = Vec::new();
    for step in rows.iter().flat_map(|row| &row.figures).flat_map(|figures| &figures.steps) {
        if step.latency.is_some() && !steps.contains(&step.step.as_str()) {
            steps.push(&step.step);
        }
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let kinds = ["task", "process", "frame"];
    let of_step = |step: &str| kinds.map(|kind| OF_STEP.map(|of| format!("{step}_{kind}_{of}_ms"))).concat();
    writer
        .write_record(COLUMNS.iter().map(|&name| name.to_owned()).chain(steps.iter().flat_map(|step| of_step(step))))?;
    for row in rows {
        let latencies = steps.iter().flat_map(|step| latencies(row.figures.as_ref(), step));
        writer.write_record(fixed(row).into_iter().chain(latencies))?;
    }
    writer.into_inner().map_err(|error| BenchError::Argument(format!("bench.csv: {error}")))
}

fn fixed(row: &Row) -> [String; 22] {
    let of = row.combination;
    let figures = row.figures.as_ref();
    let utilisation = figures.and_then(|of| of.utilisation.as_ref());
    let device =
        utilisation.and_then(|of| of.devices.iter().filter_map(|device| device.utilisation).max_by(f64::total_cmp));
    let runs = |pick: fn(f64, f64) -> f64| figures.and_then(|of| of.runs.iter().copied().reduce(pick));
    let first = figures.and_then(|of| of.bottlenecks.first());
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.4}"));
    let milliseconds = |value: Option<f64>| number(value.map(|seconds| 1000.0 * seconds));
    let whole = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    let models = |of: &Figures| {
        let model = |model: &crate::RanModel| {
            format!(
                "{} ({}, batches of {})",
                model.model,
                model.provider.as_deref().unwrap_or("nothing"),
                model.micro_batch
            )
        };
        of.models.iter().map(model).collect::<Vec<_>>().join("; ")
    };
    [
        of.size.map_or_else(String::new, |size| size.to_string()),
        whole(row.frame_size.map(|(width, _)| u64::from(width))),
        whole(row.frame_size.map(|(_, height)| u64::from(height))),
        whole(of.batch.map(u64::from)),
        of.precision.map_or_else(String::new, |precision| precision.to_string()),
        of.backend.map_or_else(String::new, |backend| backend.to_string()),
        row.not_run.clone().unwrap_or_default(),
        whole(figures.map(|of| of.frames)),
        number(figures.map(|of| of.seconds)),
        number(figures.map(|of| of.frames_per_second)),
        number(runs(f64::min)),
        number(runs(f64::max)),
        number(figures.map(|of| of.compute_frames_per_second)),
        milliseconds(figures.map(|of| of.frame_latency_mean)),
        milliseconds(figures.map(|of| of.frame_latency_p95)),
        whole(figures.and_then(|of| of.memory_peak)),
        whole(row.device_memory()),
        number(utilisation.and_then(|of| of.cpu())),
        number(device),
        figures.map_or_else(String::new, models),
        first.map_or_else(String::new, |finding| finding.text.clone()),
        first.and_then(|finding| finding.remedy.as_ref()).map_or_else(String::new, |remedy| remedy.argument()),
    ]
}

/// The latencies of a step in a row, in milliseconds; empty where it had none.
fn latencies(figures: Option<&Figures>, step: &str) -> Vec<String> {
    let of = figures.and_then(|figures| figures.steps.iter().find(|of| of.step == step));
    let Some(latency) = of.and_then(|of| of.latency.as_ref()) else { return vec![String::new(); 3 * OF_STEP.len()] };
    let all = |of: &Latency| {
        [of.mean, of.p50, of.p95, of.p99, of.min, of.max].map(|seconds| format!("{:.4}", 1000.0 * seconds))
    };
    [all(&latency.task), all(&latency.stage), all(&latency.frame)].concat()
}

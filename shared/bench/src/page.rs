//! `bench.html`: the results for a person, in one file that fetches nothing. Plots are SVG.
mod plots;

use crate::document::Document;
use crate::row::{Figures, Row, StepFigures};
use minijinja::Environment;
use minijinja::value::Serde;
use plots::{Bars, Line};
use serde::Serialize;

/// The page's template.
const TEMPLATE: &str = include_str!("../templates/bench.html");

/// A row of the page's table.
#[derive(Serialize)]
struct Entry {
    name: String,
    frame_size: String,
    not_run: Option<String>,
    speed: String,
    spread: String,
    compute: String,
    latency: String,
    memory: String,
    device_memory: String,
    cpu: String,
    device: String,
    models: Vec<String>,
    bottleneck: String,
    remedy: String,
    effect: String,
    steps: Vec<StepEntry>,
}

/// A step in the details of a row.
#[derive(Serialize)]
struct StepEntry {
    step: String,
    share: f64,
    cells: Vec<String>,
}

/// What the template shows.
#[derive(Serialize)]
struct Page<'a> {
    document: &'a Document,
    machine: String,
    subject: String,
    paragraphs: Vec<&'a str>,
    speed: Option<Bars>,
    memory: Option<Bars>,
    latency: Option<Bars>,
    batches: Option<Line>,
    rows: Vec<Entry>,
}

/// Draws the page.
pub fn render(document: &Document) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.add_template("bench.html", TEMPLATE)?;
    let page = Page {
        document,
        machine: document.machine.to_string(),
        subject: document.subject.to_string(),
        paragraphs: document.recommendation.split("\n\n").filter(|text| !text.is_empty()).collect(),
        speed: Bars::of_speed(&document.rows),
        memory: Bars::of_memory(&document.rows),
        latency: Bars::of_latency(&document.rows),
        batches: Line::by_batch(&document.rows),
        rows: document.rows.iter().map(entry).collect(),
    };
    environment.get_template("bench.html")?.render(Serde(&page))
}

fn entry(row: &Row) -> Entry {
    let figures = row.figures.as_ref();
    let said = |of: &dyn Fn(&Figures) -> Option<String>| figures.and_then(of).unwrap_or_default();
    let utilisation = figures.and_then(|of| of.utilisation.as_ref());
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let devices = utilisation.iter().flat_map(|of| &of.devices);
    let device: Vec<String> = devices
        .filter_map(|device| device.utilisation.map(|share| format!("{} {}", device.device, percent(share))))
        .collect();
    let finding = figures.and_then(|of| of.bottlenecks.first());
    let remedy = finding.and_then(|of| of.remedy.as_ref());
    Entry {
        name: row.name(),
        frame_size: row.frame_size.map_or_else(String::new, |(width, height)| format!("{width}×{height}")),
        not_run: row.not_run.clone(),
        speed: said(&|of| Some(format!("{:.1}", of.frames_per_second))),
        spread: said(&spread),
        compute: said(&|of| {
            (of.compute_frames_per_second > 0.0).then(|| format!("{:.1}", of.compute_frames_per_second))
        }),
        latency: said(&|of| {
            Some(format!("{} / {}", milliseconds(of.frame_latency_mean), milliseconds(of.frame_latency_p95)))
        }),
        memory: said(&|of| of.memory_peak.map(mebibytes)),
        device_memory: row.device_memory().map(mebibytes).unwrap_or_default(),
        cpu: utilisation.and_then(|of| of.cpu()).map(percent).unwrap_or_default(),
        device: device.join(", "),
        models: figures.iter().flat_map(|of| &of.models).map(model).collect(),
        bottleneck: finding.map(|of| of.text.clone()).unwrap_or_default(),
        remedy: remedy.map(|of| of.argument()).unwrap_or_default(),
        effect: remedy.map(|of| of.effect.clone()).unwrap_or_default(),
        steps: figures.map(step_entries).unwrap_or_default(),
    }
}

/// The slowest and the fastest run, where there were several.
fn spread(figures: &Figures) -> Option<String> {
    let (least, most) =
        (figures.runs.iter().copied().reduce(f64::min)?, figures.runs.iter().copied().reduce(f64::max)?);
    (figures.runs.len() > 1).then(|| format!("{least:.1} – {most:.1}"))
}

fn model(of: &crate::RanModel) -> String {
    let provider = of.provider.as_deref().unwrap_or("nothing yet");
    let arithmetic: Vec<String> = of.arithmetic.iter().map(|(kind, nodes)| format!("{nodes} {kind}")).collect();
    format!("{} by {provider}, batches of {}, nodes: {}", of.model, of.micro_batch, arithmetic.join(", "))
}

fn step_entries(figures: &Figures) -> Vec<StepEntry> {
    let total: f64 = figures.steps.iter().map(|step| step.seconds).sum();
    let share = |step: &StepFigures| if total > 0.0 { step.seconds / total } else { 0.0 };
    let entry = |step: &StepFigures| {
        let of = step.latency.as_ref();
        let task = |pick: fn(&framefleet_orchestration::Latency) -> f64| {
            of.map_or_else(String::new, |of| milliseconds(pick(&of.task)))
        };
        let frame = |pick: fn(&framefleet_orchestration::Latency) -> f64| {
            of.map_or_else(String::new, |of| milliseconds(pick(&of.frame)))
        };
        let waits = step.waits.fetch + step.waits.load + step.waits.commit;
        let cells = vec![
            format!("{:.2}", step.seconds),
            format!("{:.2}", step.cpu_seconds),
            if step.device_seconds > 0.0 { format!("{:.2}", step.device_seconds) } else { String::new() },
            format!("{waits:.2}"),
            of.map_or_else(String::new, |of| of.tasks.to_string()),
            task(|of| of.mean),
            task(|of| of.p50),
            task(|of| of.p95),
            task(|of| of.p99),
            task(|of| of.min),
            task(|of| of.max),
            frame(|of| of.p50),
            frame(|of| of.p95),
        ];
        StepEntry { step: step.step.clone(), share: share(step), cells }
    };
    figures.steps.iter().map(entry).collect()
}

fn milliseconds(seconds: f64) -> String {
    let milliseconds = 1000.0 * seconds;
    if milliseconds < 10.0 { format!("{milliseconds:.2}") } else { format!("{milliseconds:.0}") }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

//! Progress for people and programs: bars on a terminal, plain lines in a pipe, JSON lines when asked for.
use framefleet_service::Exit;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use orchestrator::{Progress, StepProgress};
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often plain lines and JSON lines are written.
const EVERY: Duration = Duration::from_secs(5);
/// How often bars are redrawn.
const REDRAW: Duration = Duration::from_millis(200);

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Bars on standard error.
    Bars,
    /// A line every few seconds on standard error.
    Lines,
    /// JSON lines on standard output.
    Json,
}

impl Style {
    /// Bars on a terminal, else lines; JSON when asked for.
    pub fn choose(json: bool) -> Self {
        match (json, std::io::stderr().is_terminal()) {
            (true, _) => Self::Json,
            (false, true) => Self::Bars,
            (false, false) => Self::Lines,
        }
    }
}

/// Shows progress until the sender is gone.
pub async fn show(mut progress: watch::Receiver<Progress>, style: Style) {
    let mut bars = Bars::default();
    let mut last = Instant::now();
    while progress.changed().await.is_ok() {
        let now = progress.borrow_and_update().clone();
        match style {
            Style::Bars => bars.show(&now),
            Style::Lines if last.elapsed() >= EVERY => eprintln!("{}", line(&now)),
            Style::Json if last.elapsed() >= EVERY => print_json("progress", &now),
            Style::Lines | Style::Json => {}
        }
        if last.elapsed() >= EVERY {
            last = Instant::now();
        }
        if style == Style::Bars {
            tokio::time::sleep(REDRAW).await;
        }
    }
    bars.clear();
}

/// One line of JSON: an object with the event's name.
pub fn print_json(event: &str, value: &impl serde::Serialize) {
    match serde_json::to_value(value) {
        Ok(value) => println!("{}", serde_json::json!({ "event": event, event: value })),
        Err(error) => tracing::error!(%error, "progress could not be written"),
    }
}

/// Frames of a step that are dealt with.
fn dealt_with(step: &StepProgress) -> u64 {
    step.result + step.failed + step.skipped
}

/// Progress in one line.
fn line(progress: &Progress) -> String {
    let steps: Vec<String> = progress
        .steps
        .iter()
        .filter(|step| dealt_with(step) > 0)
        .map(|step| format!("{} {}/{}{}", step.step, dealt_with(step), progress.frames, failures(step)))
        .collect();
    let rate = rate(progress);
    let left =
        time_left(progress).map(|left| format!(", {} left", humantime::format_duration(left))).unwrap_or_default();
    format!("pass {}/{}: {} ({rate:.1} frames/s{left})", progress.pass, progress.passes, steps.join(", "))
}

fn failures(step: &StepProgress) -> String {
    if step.failed > 0 { format!(" ({} failed)", step.failed) } else { String::new() }
}

/// Frames per second of the step that is furthest behind, in this run.
fn rate(progress: &Progress) -> f64 {
    let slowest = progress.steps.iter().filter(|step| step.frames_worked > 0).map(|step| step.frames_worked).min();
    slowest.map_or(0.0, |frames| frames as f64 / progress.elapsed.as_secs_f64().max(1e-3))
}

/// Time until the step furthest behind is through, at the present rate.
fn time_left(progress: &Progress) -> Option<Duration> {
    let behind = progress.steps.iter().map(dealt_with).min()?;
    let remaining = progress.frames.saturating_sub(behind);
    let dealt = behind as f64 / progress.elapsed.as_secs_f64().max(1e-3);
    (dealt > 0.0 && remaining > 0).then(|| Duration::from_secs((remaining as f64 / dealt).ceil() as u64))
}

/// One bar per step.
#[derive(Default)]
struct Bars {
    all: MultiProgress,
    bars: Vec<ProgressBar>,
}

impl Bars {
    fn show(&mut self, progress: &Progress) {
        while self.bars.len() < progress.steps.len() {
            self.bars.push(self.all.add(ProgressBar::new(0).with_style(style())));
        }
        for (bar, step) in self.bars.iter().zip(&progress.steps) {
            bar.set_length(progress.frames.max(dealt_with(step)));
            bar.set_position(dealt_with(step));
            bar.set_prefix(step.step.clone());
            bar.set_message(failures(step));
        }
    }

    fn clear(&self) {
        for bar in &self.bars {
            bar.finish_and_clear();
        }
    }
}

fn style() -> ProgressStyle {
    let template = "{prefix:>18} {bar:32} {pos:>8}/{len} {per_sec:>12} {eta:>5} left{msg}";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// What the exit code means, for the last line.
pub fn outcome(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => "done",
        Exit::Partial => "done, but for the failures listed in failures.jsonl",
        Exit::Interrupted => "interrupted",
        _ => "stopped",
    }
}

//! Progress for people and programs: bars on a terminal, plain lines in a pipe, JSON lines when asked for.
use framefleet_orchestration::{Progress, StepProgress};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
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

/// A line as a terminal may show it: what in names is no letter (line breaks, escapes) is written out.
pub fn printable(line: &str) -> String {
    let written = |letter: char| match letter.is_control() {
        true => letter.escape_default().collect(),
        false => letter.to_string(),
    };
    line.chars().map(written).collect()
}

/// One line of JSON: an object with the event's name.
pub fn print_json(event: &str, value: &impl serde::Serialize) {
    match serde_json::to_value(value) {
        Ok(value) => println!("{}", serde_json::json!({ "event": event, event: value })),
        Err(error) => tracing::error!(%error, "progress could not be written"),
    }
}

/// Progress in one line.
fn line(progress: &Progress) -> String {
    let steps = progress.steps.iter().filter(|step| step.frames > 0);
    let steps: Vec<String> = steps.map(|step| format!("{} {}{}", step.step, frames(step), notes(step))).collect();
    let pass = format!("pass {}/{}: {}", progress.pass, progress.passes, steps.join(", "));
    format!("{pass}; {:.1} frames/s{}", progress.frames_per_second(), and(time_left(progress)))
}

/// Frames of a step in this run: done, of all that are to be done.
fn frames(step: &StepProgress) -> String {
    format!("{}/{}", step.done, step.done + step.left)
}

/// What else there is to say of a step.
fn notes(step: &StepProgress) -> String {
    let failed = (step.failed > 0).then(|| format!("{} failed", step.failed));
    let reused = (step.reused > 0).then(|| format!("{} done before", step.reused));
    let all: Vec<String> = failed.into_iter().chain(reused).collect();
    if all.is_empty() { String::new() } else { format!(" ({})", all.join(", ")) }
}

fn and(text: String) -> String {
    if text.is_empty() { text } else { format!(", {text}") }
}

/// How long a job still takes, in words; empty when nothing is left.
pub fn time_left(progress: &Progress) -> String {
    let pass = if progress.pass < progress.passes { " of this pass" } else { "" };
    match (progress.finishing.as_slice(), progress.time_left) {
        ([], _) if progress.steps.iter().all(|step| step.left == 0) => String::new(),
        ([], None) => "estimating the time left".to_owned(),
        ([], Some(left)) => format!("about {}{pass} left", rounded(left)),
        ([one], _) => format!("finishing {one}"),
        ([one, more @ ..], _) => format!("finishing {one} and {} more", more.len()),
    }
}

/// A duration as exactly as an estimate can be.
fn rounded(time: Duration) -> humantime::FormattedDuration {
    let seconds = time.as_secs_f64().ceil() as u64;
    let unit = match seconds {
        ..600 => 1,
        600..36_000 => 60,
        _ => 3600,
    };
    humantime::format_duration(Duration::from_secs(seconds.div_ceil(unit) * unit))
}

/// One bar per step, and a line for the whole.
#[derive(Default)]
struct Bars {
    all: MultiProgress,
    bars: Vec<ProgressBar>,
    whole: Option<ProgressBar>,
}

impl Bars {
    fn show(&mut self, progress: &Progress) {
        while self.bars.len() < progress.steps.len() {
            self.bars.push(self.all.add(ProgressBar::new(0).with_style(style(BAR))));
        }
        for (bar, step) in self.bars.iter().zip(&progress.steps) {
            bar.set_length(step.done + step.left);
            bar.set_position(step.done);
            bar.set_prefix(step.step.clone());
            bar.set_message(format!("{:>8.1} frames/s{}", step.frames_per_second, notes(step)));
        }
        let whole = self.whole.get_or_insert_with(|| self.all.add(ProgressBar::new(0).with_style(style(WHOLE))));
        whole.set_prefix(format!("pass {}/{}", progress.pass, progress.passes));
        whole.set_message(time_left(progress));
    }

    fn clear(&self) {
        self.bars.iter().chain(&self.whole).for_each(ProgressBar::finish_and_clear);
    }
}

/// The line of a step, and that of the whole.
const BAR: &str = "{prefix:>18} {bar:32} {pos:>8}/{len} {msg}";
const WHOLE: &str = "{prefix:>18} {msg}";

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, reused: u64, done: u64, left: u64) -> StepProgress {
        StepProgress { step: name.to_owned(), frames: reused + done + left, reused, done, left, ..Default::default() }
    }

    fn progress(steps: Vec<StepProgress>, time_left: Option<u64>) -> Progress {
        let time_left = time_left.map(Duration::from_secs);
        Progress { steps, time_left, pass: 1, passes: 1, ..Progress::default() }
    }

    #[test]
    fn a_line_counts_the_frames_of_this_run() {
        let mut steps = vec![step("lighting", 0, 88, 162), step("pose", 1000, 8, 17), step("ingest", 0, 96, 154)];
        steps[0].frames_per_second = 12.34;
        steps[1].failed = 3;
        assert_eq!(
            line(&progress(steps, Some(13))),
            "pass 1/1: lighting 88/250, pose 8/25 (3 failed, 1000 done before), ingest 96/250; 12.3 frames/s, about 13s left"
        );
    }

    #[test]
    fn time_left_is_said_as_far_as_it_is_known() {
        let open = || vec![step("motion", 0, 1, 1)];
        let says = |progress: Progress| time_left(&progress);
        assert_eq!(says(progress(open(), None)), "estimating the time left");
        assert_eq!(says(progress(open(), Some(5000))), "about 1h 24m left");
        assert_eq!(says(progress(open(), Some(200_001))), "about 2days 8h left");
        assert_eq!(says(Progress { passes: 2, ..progress(open(), Some(61)) }), "about 1m 1s of this pass left");
        let finishing = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(
            says(Progress { finishing: finishing(&["motion"]), ..progress(open(), Some(9999)) }),
            "finishing motion"
        );
        assert_eq!(
            says(Progress { finishing: finishing(&["motion", "pose", "sync"]), ..progress(open(), None) }),
            "finishing motion and 2 more"
        );
        assert_eq!(says(progress(vec![step("motion", 50, 0, 0)], None)), "", "nothing was to be done");
    }
}

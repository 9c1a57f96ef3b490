//! How fetching goes on: a bar on a terminal, a line now and then in a pipe.
use crate::terminal::Style;
use bytesize::ByteSize;
use framefleet_models::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// How often a line is written in a pipe.
const EVERY: Duration = Duration::from_secs(5);

/// Shows what is being fetched, on standard error. Things may be fetched within things.
pub struct Shown {
    style: Style,
    open: RefCell<Vec<Open>>,
}

/// Something that is going on.
struct Open {
    what: String,
    bytes: Option<u64>,
    bar: ProgressBar,
    reported: Instant,
}

impl Default for Shown {
    fn default() -> Self {
        Self { style: Style::choose(false), open: RefCell::default() }
    }
}

impl Progress for Shown {
    fn begin(&self, what: &str, bytes: Option<u64>) {
        let bar = if self.style == Style::Bars { bar(what, bytes) } else { ProgressBar::hidden() };
        if self.style == Style::Lines {
            eprintln!("{what}{}", bytes.map_or_else(String::new, |bytes| format!(", {}", ByteSize(bytes))));
        }
        self.open.borrow_mut().push(Open { what: what.to_owned(), bytes, bar, reported: Instant::now() });
    }

    fn at(&self, bytes: u64) {
        let mut open = self.open.borrow_mut();
        let Some(last) = open.last_mut() else { return };
        last.bar.set_position(bytes);
        if self.style == Style::Lines && last.reported.elapsed() >= EVERY {
            last.reported = Instant::now();
            eprintln!("{}: {}", last.what, portion(bytes, last.bytes));
        }
    }

    fn end(&self) {
        if let Some(last) = self.open.borrow_mut().pop() {
            last.bar.finish_and_clear();
        }
    }
}

fn portion(bytes: u64, of: Option<u64>) -> String {
    match of.filter(|&of| of > 0) {
        Some(of) => format!("{} of {} ({} %)", ByteSize(bytes), ByteSize(of), (bytes * 100 / of).min(100)),
        None => ByteSize(bytes).to_string(),
    }
}

fn bar(what: &str, bytes: Option<u64>) -> ProgressBar {
    let (bar, template) = match bytes {
        Some(bytes) => (ProgressBar::new(bytes), "{msg} {bar:32} {bytes}/{total_bytes} {bytes_per_sec} {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {msg} {elapsed}"),
    };
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.set_message(what.to_owned());
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

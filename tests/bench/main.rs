//! What the fleet costs beside the bare work, measured in one run: `make bench` prints the table of docs/performance.md.
//! `cargo bench -- quick` leaves out what takes minutes, and measures less often.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark may stop at the first surprise"
)]

mod bare;
mod efficiency;
#[path = "../fleet/mod.rs"]
mod fleet;
#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../it/footage.rs"]
mod footage;
mod ledger;
mod long;
mod many_frames;
mod models;
#[path = "../processes/mod.rs"]
mod processes;
mod program;
mod recovery;
mod scaling;
mod stages;
mod warm;

use std::time::{Duration, Instant};

/// How often each pair is measured; the median counts.
const ROUNDS: usize = 3;

/// Groups of rows, by the name that runs them alone.
type Group = (&'static str, fn(&Effort));

/// All rows, in the order of the table.
const GROUPS: [Group; 10] = [
    ("efficiency", efficiency::rows),
    ("program", program::rows),
    ("scaling", scaling::rows),
    ("recovery", recovery::rows),
    ("warm", warm::rows),
    ("ledger", ledger::rows),
    ("memory", long::rows),
    ("frames", many_frames::rows),
    ("batches", models::rows),
    ("stages", stages::rows),
];

/// How much is measured.
pub struct Effort {
    /// Without what takes minutes.
    pub quick: bool,
    /// Cores of this machine.
    pub cores: usize,
}

/// Arguments: `quick`, and names of groups to run only those.
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let effort = Effort {
        quick: arguments.iter().any(|argument| argument == "quick"),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
    };
    let chosen = |name: &str| arguments.iter().any(|argument| argument == name);
    let all = !GROUPS.iter().any(|(name, _)| chosen(name));
    println!("| what | measured | bare, in the same run | ratio | goal |\n|---|---|---|---|---|");
    for (name, rows) in GROUPS {
        if all || chosen(name) {
            rows(&effort);
        }
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

/// The pair whose ratio is in the middle.
fn median(mut pairs: Vec<(Duration, Duration)>) -> (Duration, Duration) {
    pairs.sort_by(|a, b| (a.0.as_secs_f64() / a.1.as_secs_f64()).total_cmp(&(b.0.as_secs_f64() / b.1.as_secs_f64())));
    pairs[pairs.len() / 2]
}

/// One row of the table.
fn row(what: &str, measured: &str, bare: &str, ratio: Option<f64>, goal: &str) {
    let ratio = ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
    println!("| {what} | {measured} | {bare} | {ratio} | {goal} |");
}

//! What the fleet costs beside the bare work, measured in one run: `make bench` prints the table of docs/performance.md.
//! `cargo bench -- quick` leaves out what takes minutes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark may stop at the first surprise"
)]

mod bare;
#[path = "../fleet/mod.rs"]
mod fleet;
mod long;
mod program;

use fleet::TestJob;
use framefleet_ledger::Output;
use std::time::{Duration, Instant};

/// How often each pair is measured; the median counts.
const ROUNDS: usize = 3;

fn main() {
    let quick = std::env::args().any(|argument| argument == "quick");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("| what | measured | bare, in the same run | ratio | goal |\n|---|---|---|---|---|");
    for (milliseconds, goal) in [(8.0, "≥ 0.95"), (2.0, "≥ 0.90"), (1.0, "≥ 0.80")] {
        for stage in ["spin", "sleep"] {
            stand_in(stage, milliseconds, cores, goal);
        }
    }
    program::real_clip(cores);
    program::first_result();
    program::decoding();
    if !quick {
        long::memory();
    }
}

/// A stage that only spins or sleeps, in a job and in bare threads.
fn stand_in(stage: &str, milliseconds: f64, cores: usize, goal: &str) {
    let frames = ((3000.0 / milliseconds) as u64 * cores as u64).next_multiple_of(32 * cores as u64);
    let mut pairs = Vec::new();
    for _ in 0..ROUNDS {
        let bare = timed(|| bare::loops(stage, milliseconds, frames, cores));
        let job = timed(|| run(stage, milliseconds, frames, cores));
        pairs.push((job, bare));
    }
    let (job, bare) = median(pairs);
    let rate = |time: Duration| frames as f64 / time.as_secs_f64();
    row(
        &format!("efficiency, {stage} {milliseconds} ms a frame"),
        &format!("{:.0} frames/s", rate(job)),
        &format!("{:.0} frames/s", rate(bare)),
        bare.as_secs_f64() / job.as_secs_f64(),
        goal,
    );
}

fn run(stage: &str, milliseconds: f64, frames: u64, cores: usize) {
    let pipeline = format!("[steps.{stage}]\nsettings = {{ milliseconds = {milliseconds:.1} }}\n");
    let job = TestJob { threads: cores, ..TestJob::new(&pipeline, &[frames]) };
    // A real folder: files are written as in any run.
    let folder = tempfile::tempdir().expect("a folder for the output");
    let output = Output::parse(&folder.path().join("out").to_string_lossy()).expect("an output");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(job.run(&output));
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
fn row(what: &str, measured: &str, bare: &str, ratio: f64, goal: &str) {
    println!("| {what} | {measured} | {bare} | {ratio:.2} | {goal} |");
}

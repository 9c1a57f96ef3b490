//! How long a task and a frame take from one worker to the next, beside the same done with nothing of ours, in one run.
//! `make bench` prints the rows of docs/performance.md; `cargo bench -- quick` measures less often.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark may stop at the first surprise"
)]

mod bare;
mod frames;
mod tasks;

use framefleet_bus_nats::{NatsOptions, NatsServer, ServerOptions};
use std::sync::atomic::{AtomicU64, Ordering};

/// How often each pair is measured; the median counts.
const ROUNDS: usize = 3;

fn main() {
    let quick = std::env::args().any(|argument| argument == "quick");
    let folder = tempfile::tempdir().unwrap();
    let nats = NatsServer::start(ServerOptions::new(folder.path())).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        tasks::rows(&nats.url(), if quick { 1000 } else { 4000 }).await;
        frames::rows(&nats.url(), if quick { 1 } else { 4 }).await;
    });
}

/// Options for a fleet of its own on a server.
fn options(url: &str) -> NatsOptions {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let namespace = format!("bench{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    // The server sets room aside for the events of each.
    NatsOptions { namespace, event_bytes: 16 << 20, ..NatsOptions::new(url) }
}

/// The pair whose ratio is in the middle.
fn median(mut pairs: Vec<(f64, f64)>) -> (f64, f64) {
    pairs.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    pairs[pairs.len() / 2]
}

/// One row of the table.
fn row(what: &str, measured: &str, bare: &str, ratio: f64, goal: &str) {
    println!("| {what} | {measured} | {bare} | {ratio:.2} | {goal} |");
}

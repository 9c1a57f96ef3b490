//! Stages that only spin or sleep: in bare threads, in a job in one process, and in the same job over NATS.
use crate::fleet::{Carriers, TestJob};
use crate::{Effort, ROUNDS, bare, median, row, timed};
use framefleet_bus_nats::{DirBlobs, NatsBus, NatsOptions, NatsServer, ServerOptions};
use framefleet_ledger::Output;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Milliseconds a frame, and the goals.
const WORK: [(f64, &str); 3] = [(8.0, "≥ 0.95"), (2.0, "≥ 0.90"), (1.0, "≥ 0.80")];

/// The rows of the table.
pub fn rows(effort: &Effort) {
    let folder = tempfile::tempdir().expect("a folder");
    let nats = NatsServer::start(ServerOptions::new(folder.path())).expect("nats-server");
    for (milliseconds, goal) in WORK {
        for stage in ["spin", "sleep"] {
            stand_in(&Work { stage, milliseconds, goal }, effort, &nats.url());
        }
    }
}

struct Work {
    stage: &'static str,
    milliseconds: f64,
    goal: &'static str,
}

/// The work in bare threads, in one process and over NATS, in turns.
fn stand_in(work: &Work, effort: &Effort, nats: &str) {
    let Work { stage, milliseconds, goal } = *work;
    let cores = effort.cores;
    let wanted = if effort.quick { 2000.0 } else { 4000.0 };
    let frames = ((wanted / milliseconds) as u64 * cores as u64).next_multiple_of(32 * cores as u64);
    let pipeline = format!("[steps.{stage}]\nsettings = {{ milliseconds = {milliseconds:.1} }}\n");
    let job = TestJob { threads: cores, ..TestJob::new(&pipeline, &[frames]) };
    let (mut alone, mut over_nats) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let bare = timed(|| bare::loops(stage, milliseconds, frames, cores));
        alone.push((run(&job, None), bare));
        over_nats.push((run(&job, Some(nats)), bare));
    }
    let rate = |time: Duration| format!("{:.0} frames/s", frames as f64 / time.as_secs_f64());
    for (how, pairs) in [("in one process", alone), ("over NATS", over_nats)] {
        let (job, bare) = median(pairs);
        let what = format!("efficiency {how}, {stage} {milliseconds} ms a frame");
        row(&what, &rate(job), &rate(bare), Some(bare.as_secs_f64() / job.as_secs_f64()), goal);
    }
}

/// How long the job takes, in memory or over the bus at an address. Output and blobs are real folders, as in any run.
fn run(job: &TestJob, nats: Option<&str>) -> Duration {
    let folder = tempfile::tempdir().expect("a folder for the output");
    let output = Output::parse(&folder.path().join("out").to_string_lossy()).expect("an output");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let frames = in_memory();
    let carriers = match nats {
        None => Carriers::in_memory(),
        Some(url) => runtime.block_on(over_nats(url, frames.path())),
    };
    let interrupt = CancellationToken::new();
    timed(|| drop(runtime.block_on(job.run_over(carriers, &output, interrupt)).expect("the job runs")))
}

/// A bus of one's own on a server, and blobs in a folder.
async fn over_nats(url: &str, frames: &Path) -> Carriers {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let namespace = format!("bench{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    // The server sets room aside for the events of each.
    let options = NatsOptions { namespace, event_bytes: 16 << 20, ..NatsOptions::new(url) };
    let bus = NatsBus::connect(options).await.expect("a bus");
    Carriers { bus: Arc::new(bus), blobs: Arc::new(DirBlobs::open(frames, 64 << 20).expect("blobs")) }
}

/// A folder in memory, where there is one: frames in flight lie there in every fleet.
fn in_memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }).expect("a folder")
}

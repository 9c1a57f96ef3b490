//! A job in this process: bus and blobs in memory, one runner for all stages, one orchestrator.
use crate::allocator;
use crate::error::JobError;
use crate::outcome::JobOutcome;
use crate::run::{Measured, RunContext, RunningJob};
use crate::session_reports;
use framefleet_bus::{Blobs, Bus, MemoryBlobs, MemoryBus};
use framefleet_ledger::Ledgers;
use framefleet_orchestration::{Progress, QueueShares};
use framefleet_pipeline::Plan;
use framefleet_runner::{Runner, RunnerOptions, RunnerParts};
use framefleet_service::device_reader;
use framefleet_utilisation::Sampler;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long a task may be silent before it is handed to another worker. In one process workers do not vanish.
const ACK_WAIT: Duration = Duration::from_secs(30);

/// How often it is read how busy this process and its devices are.
const READING: Duration = Duration::from_millis(200);

/// The job's name on the bus, which is its own.
const NAME: &str = "run";

/// A runtime whose blocking threads are the ones that compute.
pub fn runtime(threads: usize) -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(threads + 2).enable_all().build()
}

/// Runs a job to its end, or until `interrupt` is cancelled, with so many threads that may compute at a time. `progress` is dropped
/// when the run has ended and its results are still being put down.
pub async fn run(
    job: RunningJob,
    threads: usize,
    interrupt: CancellationToken,
    progress: watch::Sender<Progress>,
) -> Result<JobOutcome, JobError> {
    let scratch = tempfile::Builder::new().prefix("framefleet-").tempdir()?;
    let bus: Arc<dyn Bus> = Arc::new(MemoryBus::new(ACK_WAIT));
    // Reservations are checked against the budget at admission; the store itself only counts.
    let blobs: Arc<dyn Blobs> = Arc::new(MemoryBlobs::new(u64::MAX));
    let runner = runner(&job, threads, scratch.path(), &bus, &blobs);
    let stop = CancellationToken::new();
    let working = tokio::spawn(runner.run(stop.clone()));
    let trimming = tokio::spawn(allocator::give_back());
    let share = QueueShares::of_process(threads).join(0);
    let context = RunContext { name: NAME.to_owned(), bus, blobs, share, interrupt, progress: &progress };
    let sampler = Sampler::start(device_reader, READING);
    let summary = job.run(context).await;
    let utilisation = sampler.ok().and_then(Sampler::finish);
    trimming.abort();
    stop.cancel();
    match working.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the runner ended early"),
        Err(error) => tracing::error!(%error, "the runner crashed"),
    }
    drop(progress);
    let reports = session_reports::of_process(job.planner().model_runtime());
    let machines = session_reports::machines(threads, &reports);
    job.conclude(summary?, Measured { machines, in_fleet: false, model_reports: reports, utilisation }).await
}

fn runner(job: &RunningJob, threads: usize, scratch: &Path, bus: &Arc<dyn Bus>, blobs: &Arc<dyn Blobs>) -> Runner {
    let planner = job.planner();
    let stages = std::iter::once(ingest::NAME.to_owned()).chain(planner.registry().names().map(str::to_owned));
    let options = RunnerOptions {
        name: std::process::id().to_string(),
        stages: stages.collect(),
        classes: classes(job.plan()),
        threads,
        scratch: scratch.to_owned(),
        isolation: None,
        alone: true,
    };
    let source = job.source();
    let parts = RunnerParts {
        bus: Arc::clone(bus),
        blobs: Arc::clone(blobs),
        ledgers: Ledgers::of_owner(job.ledger().clone()),
        registry: planner.registry().clone(),
        open_source: Arc::new(move |_| Ok(Arc::clone(&source))),
        hosts: planner.model_runtime().clone(),
    };
    Runner::new(parts, options)
}

/// Execution classes of a plan's tasks, each once.
fn classes(plan: &Plan) -> Vec<String> {
    let of_steps = (0..plan.steps.len()).map(|step| plan.class_of(step).to_owned());
    of_steps.chain([plan.class.clone()]).collect::<BTreeSet<_>>().into_iter().collect()
}

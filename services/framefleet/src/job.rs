//! Runs a job in this process: bus and blobs in memory, one runner for all stages, one orchestrator.
use crate::allocator;
use crate::failure::Failure;
use framefleet_bus::{Blobs, Bus, MemoryBlobs, MemoryBus};
use framefleet_ledger::{Ledger, Ledgers};
use framefleet_runner::{Runner, RunnerOptions, RunnerParts};
use framefleet_service::ModelRuntime;
use framefleet_stage::{Registry, SourceStage};
use orchestrator::{JobRun, JobSummary, Orchestrator, Progress};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// How long a task may be silent before it is handed to another worker. In one process workers do not vanish.
const ACK_WAIT: Duration = Duration::from_secs(30);

/// A runtime whose blocking threads are the ones that compute.
pub fn runtime(threads: usize) -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(threads + 2)
        .enable_all()
        .build();
    Ok(runtime?)
}

/// What a job runs with.
pub struct Fleet {
    /// The output's ledger.
    pub ledger: Ledger,
    /// The stages.
    pub registry: Registry,
    /// What this machine has for models.
    pub model_runtime: Arc<ModelRuntime>,
    /// The source.
    pub source: Arc<dyn SourceStage>,
    /// Threads that may compute at a time.
    pub threads: usize,
}

/// Runs a job to its end, or until `interrupt` turns true.
pub async fn run(
    fleet: Fleet,
    job: JobRun,
    interrupt: watch::Receiver<bool>,
    progress: &watch::Sender<Progress>,
) -> Result<JobSummary, Failure> {
    let scratch = tempfile::Builder::new().prefix("framefleet-").tempdir()?;
    let bus: Arc<dyn Bus> = Arc::new(MemoryBus::new(ACK_WAIT));
    // Reservations are checked against the budget at admission; the store itself only counts.
    let blobs: Arc<dyn Blobs> = Arc::new(MemoryBlobs::new(u64::MAX));
    let stages = std::iter::once(ingest::NAME.to_owned()).chain(fleet.registry.names().map(str::to_owned));
    let classes: BTreeSet<String> = (0..job.plan.steps.len())
        .map(|step| job.plan.class_of(step).to_owned())
        .chain([job.plan.class.clone()])
        .collect();
    let options = RunnerOptions {
        name: format!("{}", std::process::id()),
        stages: stages.collect(),
        classes: classes.into_iter().collect(),
        threads: fleet.threads,
        scratch: scratch.path().to_owned(),
        isolation: None,
    };
    let parts = RunnerParts {
        bus: Arc::clone(&bus),
        blobs: Arc::clone(&blobs),
        ledgers: Ledgers::of_owner(fleet.ledger.clone()),
        registry: fleet.registry,
        open_source: Arc::new(move |_| Ok(Arc::clone(&fleet.source))),
        hosts: fleet.model_runtime,
    };
    let runner = Runner::new(parts, options);
    let (stop, stopped) = watch::channel(false);
    let working = tokio::spawn(runner.run(stopped));
    let giving_back = tokio::spawn(allocator::give_back());
    let summary = Orchestrator { bus, blobs, ledger: fleet.ledger }.run(job, interrupt, progress).await;
    giving_back.abort();
    stop.send_replace(true);
    match working.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the runner ended early"),
        Err(error) => tracing::error!(%error, "the runner crashed"),
    }
    Ok(summary?)
}

/// Turns true at the first Ctrl-C or SIGTERM: running tasks come to their end. The second ends the process at once.
pub fn interrupted() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        next_signal().await;
        sender.send_replace(true);
        eprintln!("framefleet: finishing running tasks; once more to stop at once (nothing finished is lost)");
        next_signal().await;
        std::process::exit(i32::from(framefleet_service::Exit::Interrupted.code()));
    });
    receiver
}

async fn next_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

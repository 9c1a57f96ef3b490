//! A worker's process: joins the fleet, announces itself, serves stages until it is stopped.
use crate::connect::{FleetArguments, JoinError};
use crate::devices::{device_reader, measure};
use crate::model_runtime::{ModelArguments, ModelRuntime};
use crate::warm::{WarmError, warm};
use crate::{Exit, pinning};
use bytes::Bytes;
use framefleet_bus::{Bus, BusError};
use framefleet_ledger::Ledgers;
use framefleet_models::ModelError;
use framefleet_proto::control::{StageVersion, WORKER_TTL, WORKERS, Worker};
use framefleet_proto::v1::DryRun;
use framefleet_runner::{HostProvider as _, IsolatedProcess, Runner, RunnerOptions, RunnerParts};
use framefleet_stage::{OpenSource, Registry, SetupError};
use framefleet_telemetry::{Health, Metrics, Optimization, metric};
use framefleet_utilisation::Meter;
use prost::Message as _;
use std::ffi::OsString;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Bytes of what an announcement says of models, at most.
const MAX_MODELS: usize = 32 << 10;

/// How often a worker announces itself.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(1);

/// The flag of a child process that does a dry run of a task.
const DRY_RUN: &str = "--dry-run";

/// How a worker runs.
#[derive(clap::Args, Clone, Debug)]
pub struct WorkerArguments {
    /// Where the fleet is.
    #[command(flatten)]
    pub fleet: FleetArguments,
    /// Tasks that compute at a time [default: all cores]
    #[arg(long, env = "FRAMEFLEET_SLOTS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub slots: Option<u16>,
    /// Cores to run on, like 0-3,8 [default: any]
    #[arg(long, env = "FRAMEFLEET_CPUS", value_name = "LIST")]
    pub cpus: Option<pinning::Cpus>,
    /// GPU to run on, by number or UUID [default: all that are visible]
    #[arg(long, env = "FRAMEFLEET_GPU", value_name = "GPU")]
    pub gpu: Option<pinning::GpuName>,
    /// Where /metrics, /livez and /readyz are served; port 0 takes a free one
    #[arg(long, env = "FRAMEFLEET_METRICS", default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub metrics: SocketAddr,
    /// How models run.
    #[command(flatten)]
    pub models: ModelArguments,
    /// Name in announcements and events [default: made of the machine's and the process's]
    #[arg(long, env = "FRAMEFLEET_WORKER", value_name = "NAME")]
    pub name: Option<String>,
    /// Models to open and warm up before the worker is ready; "defaults" are those that its stages run by default
    #[arg(long, env = "FRAMEFLEET_WARM", value_delimiter = ',', value_name = "MODEL,…")]
    pub warm: Vec<String>,
    /// Seconds that running tasks have when the worker is stopped
    #[arg(long, env = "FRAMEFLEET_GRACE", default_value_t = 25, value_name = "SECONDS")]
    pub grace: u64,
    /// Run one task from standard input without committing anything, and exit
    #[arg(long, hide = true)]
    pub dry_run: bool,
}

/// What a worker serves.
pub struct Served {
    /// Stages it can run.
    pub registry: Registry,
    /// Names and versions of those it serves, the source stage included.
    pub stages: Vec<(String, u32)>,
    /// Opens the source stage.
    pub open_source: OpenSource,
    /// The arguments that started this process, for children that do dry runs.
    pub arguments: Vec<OsString>,
}

/// A worker cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The fleet cannot be joined.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The bus failed for good.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// An address, a thread or a file.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Models cannot run as asked.
    #[error(transparent)]
    Runtime(#[from] SetupError),
    /// The catalogue or the cache of models.
    #[error(transparent)]
    Models(#[from] ModelError),
    /// Models cannot be opened beforehand.
    #[error(transparent)]
    Warm(#[from] WarmError),
    /// Metrics cannot be collected.
    #[error(transparent)]
    Metrics(#[from] framefleet_telemetry::MetricsError),
}

impl WorkerError {
    /// The exit code it makes.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Join(error) => error.exit(),
            Self::Bus(_) => Exit::BusUnreachable,
            Self::System { .. } | Self::Runtime(_) | Self::Models(_) | Self::Warm(_) => Exit::Configuration,
            Self::Metrics(_) => Exit::Bug,
        }
    }
}

/// Serves until SIGTERM or Ctrl-C; then running tasks come to their end within the grace time, and what they had not begun
/// goes to other workers. Blocks.
pub fn work(arguments: &WorkerArguments, served: Served) -> Result<Exit, WorkerError> {
    let system = |what| move |source| WorkerError::System { what, source };
    if let Some(cpus) = &arguments.cpus {
        cpus.pin().map_err(system("the process cannot be pinned to --cpus"))?;
    }
    if let Some(gpu) = &arguments.gpu {
        gpu.pin().map_err(system("the process cannot be pinned to --gpu"))?;
    }
    let slots =
        arguments.slots.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(slots + 4)
        .enable_all()
        .build()
        .map_err(system("threads cannot be started"))?;
    // A stage that crashes is a failure of its task, reported there; the default hook would print it as well.
    std::panic::set_hook(Box::new(|info| tracing::debug!("{info}")));
    let exit = runtime.block_on(async {
        match arguments.dry_run {
            true => dry_run(arguments, served, slots).await,
            false => serve(arguments, served, slots).await,
        }
    });
    // Tasks that outlive the grace time end with the process.
    runtime.shutdown_background();
    exit
}

async fn serve(arguments: &WorkerArguments, served: Served, slots: usize) -> Result<Exit, WorkerError> {
    let system = |what| move |source| WorkerError::System { what, source };
    let stop = stop_signal().map_err(system("signals cannot be heard"))?;
    let name = arguments.name.clone().unwrap_or_else(default_name);
    let metrics = Metrics::install()?;
    metric::blob_capacity(arguments.fleet.blob_capacity.as_u64());
    let health = Health::default();
    let listener = TcpListener::bind(arguments.metrics).await.map_err(system("--metrics cannot be served"))?;
    let address = listener.local_addr().map_err(system("--metrics cannot be served"))?;
    let model_runtime = Arc::new(ModelRuntime::new(&arguments.models, slots)?);
    let (class, gpu) = model_runtime.classes()?;
    let (reported, lost) = (Arc::clone(&model_runtime), Arc::clone(&model_runtime));
    let optimization: Optimization = Arc::new(move || models_json(&reported));
    let until = stop.clone().cancelled_owned();
    let reporting =
        tokio::spawn(framefleet_telemetry::serve(listener, metrics, health.clone(), Some(optimization), until));
    warm_models(arguments, &served, &model_runtime, &health).await?;
    let bus = arguments.fleet.bus(&name).await?;
    let stages = served.stages.iter().map(|(stage, version)| StageVersion { stage: stage.clone(), version: *version });
    let announcement = Worker {
        name: name.clone(),
        host: host_name(),
        pid: std::process::id(),
        stages: stages.collect(),
        class,
        gpu_class: gpu.unwrap_or_default(),
        models: String::new(),
        slots: slots as u32,
        started: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
        metrics: address.to_string(),
        tasks: 0,
        load: None,
    };
    let scratch = tempfile::Builder::new().prefix("framefleet-").tempdir();
    let scratch = scratch.map_err(system("temporary files cannot be written"))?;
    let worker =
        Parts { name, bus: Arc::clone(&bus), model_runtime: Arc::clone(&model_runtime), scratch: scratch.path() };
    let (parts, options) = runner(arguments, served, slots, worker)?;
    let runner = Runner::new(parts, options);
    let announcing = tokio::spawn(announce(bus, announcement, model_runtime, stop.clone()));
    health.ready();
    tracing::info!(metrics = %address, "serving");
    let serving = tokio::spawn(runner.run(stop.clone()));
    // The runner ends by itself only when the bus is gone for good, or a device is.
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        _ = stop.cancelled() => {
            health.not_ready("draining");
            let grace = Duration::from_secs(arguments.grace);
            match tokio::time::timeout(grace, &mut serving).await {
                Ok(ended) => ended,
                Err(_) => {
                    tracing::warn!(?grace, "running tasks did not end in time; other workers will do them again");
                    Ok(Ok(()))
                }
            }
        }
    };
    // Both end with the stop signal, or with the process.
    let _ = tokio::time::timeout(Duration::from_secs(1), announcing).await;
    reporting.abort();
    match ended {
        Ok(Ok(())) if lost.lost_device().is_some() => Ok(Exit::DeviceLost),
        Ok(ended) => ended.map(|()| Exit::Done).map_err(WorkerError::Bus),
        Err(error) => {
            tracing::error!(%error, "the runner broke");
            Ok(Exit::Bug)
        }
    }
}

/// Opens what `--warm` names; meanwhile the worker is not ready.
async fn warm_models(
    arguments: &WorkerArguments,
    served: &Served,
    model_runtime: &Arc<ModelRuntime>,
    health: &Health,
) -> Result<(), WorkerError> {
    if arguments.warm.is_empty() {
        return Ok(());
    }
    health.not_ready("loading models");
    let (model_runtime, registry, wanted) =
        (Arc::clone(model_runtime), served.registry.clone(), arguments.warm.clone());
    let stages: Vec<String> = served.stages.iter().map(|(stage, _)| stage.clone()).collect();
    let warmed = tokio::task::spawn_blocking(move || warm(&model_runtime, &registry, &stages, &wanted)).await;
    let crashed = |error: tokio::task::JoinError| SetupError(format!("--warm: {error}"));
    Ok(warmed.map_err(crashed)??)
}

/// Runs one task, which may kill this process; whoever waits for it sees how it ends.
async fn dry_run(arguments: &WorkerArguments, served: Served, slots: usize) -> Result<Exit, WorkerError> {
    let system = |what| move |source| WorkerError::System { what, source };
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).map_err(system("standard input cannot be read"))?;
    let Ok(request) = DryRun::decode(bytes.as_slice()) else { return Ok(Exit::Usage) };
    let scratch = tempfile::Builder::new().prefix("framefleet-").tempdir();
    let scratch = scratch.map_err(system("temporary files cannot be written"))?;
    // Nothing is sent: the inputs come from the output and the folder of frames.
    let bus: Arc<dyn Bus> = Arc::new(framefleet_bus::MemoryBus::new(ANNOUNCE_EVERY));
    let model_runtime = Arc::new(ModelRuntime::new(&arguments.models, slots)?);
    let worker = Parts { name: "dry-run".to_owned(), bus, model_runtime, scratch: scratch.path() };
    let (parts, options) = runner(arguments, served, slots, worker)?;
    Runner::dry_run(parts, options, &request).await;
    Ok(Exit::Done)
}

/// What a runner is made of besides arguments.
struct Parts<'a> {
    name: String,
    bus: Arc<dyn Bus>,
    model_runtime: Arc<ModelRuntime>,
    scratch: &'a std::path::Path,
}

fn runner(
    arguments: &WorkerArguments,
    served: Served,
    slots: usize,
    worker: Parts,
) -> Result<(RunnerParts, RunnerOptions), WorkerError> {
    let Parts { name, bus, model_runtime, scratch } = worker;
    let (class, gpu) = model_runtime.classes()?;
    let program = std::env::current_exe();
    let program = program.map_err(|source| WorkerError::System { what: "this program is not found", source })?;
    let mut child = served.arguments;
    child.push(DRY_RUN.into());
    let parts = RunnerParts {
        bus,
        blobs: arguments.fleet.blobs()?,
        ledgers: Ledgers::joining(concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"))),
        registry: served.registry,
        open_source: served.open_source,
        hosts: model_runtime,
    };
    let options = RunnerOptions {
        name,
        stages: served.stages.into_iter().map(|(stage, _)| stage).collect(),
        classes: std::iter::once(class).chain(gpu).collect(),
        threads: slots,
        scratch: scratch.to_owned(),
        isolation: Some(IsolatedProcess { program, arguments: child }),
        alone: false,
    };
    Ok((parts, options))
}

/// What models really ran on so far, as JSON, as far as it fits; reported in the metrics, too.
fn models_json(model_runtime: &ModelRuntime) -> String {
    let mut reports = model_runtime.reports();
    for report in &reports {
        metric::model(&metric::Model {
            id: &report.model,
            provider: &report.provider.map(|provider| provider.to_string()).unwrap_or_default(),
            load_seconds: (report.load_ms + report.compile_ms) / 1000.0,
            warm_up_seconds: report.warm_up_ms.unwrap_or_default() / 1000.0,
            speed_up: report.speed_up,
            bytes: report.memory.shared + report.memory.sessions,
            micro_batch: report.micro_batch,
            out_of_memory: report.out_of_memory,
        });
    }
    loop {
        // Plain numbers and names: there is nothing in it that JSON cannot say.
        let text = serde_json::to_string(&reports).unwrap_or_else(|_| "[]".to_owned());
        if text.len() <= MAX_MODELS || reports.pop().is_none() {
            return text;
        }
    }
}

/// Says again and again that the worker is there; takes it back when it stops.
async fn announce(bus: Arc<dyn Bus>, mut worker: Worker, model_runtime: Arc<ModelRuntime>, stop: CancellationToken) {
    let mut bucket = None;
    let mut meter = Meter::new(device_reader());
    while !stop.is_cancelled() {
        if bucket.is_none() {
            bucket = bus.bucket(WORKERS, Some(WORKER_TTL)).await.ok();
        }
        worker.tasks = metric::in_flight();
        worker.models = models_json(&model_runtime);
        let reading = meter.read();
        measure(&reading);
        worker.load = Some((&reading).into());
        if let Some(bucket) = &bucket
            && let Err(error) = bucket.put(&worker.name, Bytes::from(worker.encode_to_vec()), None).await
        {
            tracing::warn!(%error, "the worker cannot announce itself at the moment");
        }
        let _ = tokio::time::timeout(ANNOUNCE_EVERY, stop.cancelled()).await;
    }
    if let Some(bucket) = bucket {
        // If this fails, the announcement runs out.
        let _ = bucket.delete(&worker.name).await;
    }
}

/// Cancelled at SIGTERM or Ctrl-C.
pub fn stop_signal() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let signalled = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        signalled.cancel();
    });
    Ok(stop)
}

fn default_name() -> String {
    format!("{}-{}", host_name(), std::process::id())
}

/// The machine's name.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

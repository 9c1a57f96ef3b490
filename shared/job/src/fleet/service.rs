//! An orchestrator's process: joins the bus, serves metrics and the API, leads when it has the lock.
use super::runner::FleetRunner;
use crate::error::JobError;
use crate::models::planning_runtime;
use crate::plan::Planner;
use bytesize::ByteSize;
use framefleet_fleet::{FleetOptions, serve};
use framefleet_service::{CatalogueArguments, FleetArguments, host_name, stop_signal};
use framefleet_stage::Registry;
use framefleet_telemetry::{Health, Metrics, metric};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How an orchestrator runs.
#[derive(clap::Args, Clone, Debug)]
pub struct OrchestratorArguments {
    /// Where the fleet is.
    #[command(flatten)]
    pub fleet: FleetArguments,
    /// Where the API is served
    #[arg(long, env = "FRAMEFLEET_LISTEN", default_value = "127.0.0.1:4270", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Where /metrics, /livez and /readyz are served; port 0 takes a free one
    #[arg(long, env = "FRAMEFLEET_METRICS", default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub metrics: SocketAddr,
    /// Memory that frames in flight of all jobs may occupy [default: --blob-capacity]
    #[arg(long, env = "FRAMEFLEET_MEMORY", value_name = "SIZE")]
    pub memory: Option<ByteSize>,
    /// Where models are.
    #[command(flatten)]
    pub models: CatalogueArguments,
}

/// Coordinates a fleet until it is stopped by SIGTERM or Ctrl-C; plans with these stages. Blocks.
pub fn orchestrate(arguments: &OrchestratorArguments, registry: Registry) -> Result<(), JobError> {
    framefleet_vision::use_one_thread().map_err(|error| JobError::Failed(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(run(arguments, registry));
    runtime.shutdown_background();
    ended
}

async fn run(arguments: &OrchestratorArguments, registry: Registry) -> Result<(), JobError> {
    let stop = stop_signal()?;
    let listener = bind(arguments.listen, "--listen").await?;
    let metrics_listener = bind(arguments.metrics, "--metrics").await?;
    let name = format!("orchestrator {} on {}", std::process::id(), host_name());
    let bus = arguments.fleet.bus(&name).await?;
    let blobs = arguments.fleet.blobs()?;
    let health = Health::default();
    health.not_ready("waiting for the lock");
    let (leader, leads) = watch::channel(false);
    let metrics = Metrics::install().map_err(|error| JobError::Failed(error.to_string()))?;
    let until = stop.clone().cancelled_owned();
    tokio::spawn(framefleet_telemetry::serve(metrics_listener, metrics, health.clone(), None, until));
    tokio::spawn(follow(leads, health));
    tracing::info!(api = %listener.local_addr()?, "orchestrator is up");
    let planner = Planner::new(registry, Arc::new(planning_runtime(Some(&arguments.models))?));
    let options = FleetOptions {
        listener,
        bus,
        blobs,
        memory: arguments.memory.unwrap_or(arguments.fleet.blob_capacity).as_u64(),
        runner: Arc::new(FleetRunner::new(planner)),
        name,
        class: framefleet_service::execution_class(),
        leader,
    };
    Ok(serve(options, stop).await?)
}

async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, JobError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| JobError::Configuration(format!("{flag} {address}: {error}")))
}

/// Says at /readyz and in the metrics whether this orchestrator is the leader.
async fn follow(mut leads: watch::Receiver<bool>, health: Health) {
    metric::leader(false);
    while leads.changed().await.is_ok() {
        let leader = *leads.borrow_and_update();
        metric::leader(leader);
        match leader {
            true => health.ready(),
            false => health.not_ready("another orchestrator is the leader"),
        }
    }
}

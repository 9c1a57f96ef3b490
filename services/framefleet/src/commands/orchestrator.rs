//! `framefleet orchestrator`
use crate::args::OrchestratorArguments;
use crate::failure::Failure;
use crate::fleet_runner::FleetRunner;
use crate::model_choice::planning;
use crate::submit;
use framefleet_service::{Exit, host_name, stop_signal};
use framefleet_telemetry::{Health, Metrics, metric};
use orchestrator::fleet::{FleetError, FleetOptions, serve};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Coordinates a fleet until it is stopped.
pub fn run(arguments: &OrchestratorArguments) -> Result<Exit, Failure> {
    framefleet_vision::use_one_thread().map_err(Failure::failed)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(orchestrate(arguments));
    runtime.shutdown_background();
    ended
}

async fn orchestrate(arguments: &OrchestratorArguments) -> Result<Exit, Failure> {
    let stop = stop_signal()?;
    let listener = bind(arguments.listen, "--listen").await?;
    let metrics_listener = bind(arguments.metrics, "--metrics").await?;
    let name = format!("orchestrator {} on {}", std::process::id(), host_name());
    let bus =
        arguments.fleet.bus(&name).await.map_err(|error| Failure { exit: error.exit(), message: error.to_string() })?;
    let blobs = arguments.fleet.blobs().map_err(|error| Failure { exit: error.exit(), message: error.to_string() })?;
    let health = Health::default();
    health.not_ready("waiting for the lock");
    let (leader, leads) = watch::channel(false);
    let mut ending = stop.clone();
    let metrics = Metrics::install().map_err(Failure::failed)?;
    tokio::spawn(framefleet_telemetry::serve(metrics_listener, metrics, health.clone(), None, async move {
        let _ = ending.wait_for(|stop| *stop).await;
    }));
    tokio::spawn(follow(leads, health));
    tracing::info!(api = %listener.local_addr()?, "orchestrator is up");
    let options = FleetOptions {
        listener,
        bus,
        blobs,
        memory: arguments.memory.unwrap_or(arguments.fleet.blob_capacity).as_u64(),
        runner: Arc::new(FleetRunner::new(submit::registry()?, Arc::new(planning(Some(&arguments.models))?))),
        name,
        class: framefleet_service::execution_class(),
        leader,
    };
    match serve(options, stop).await {
        Ok(()) => Ok(Exit::Done),
        Err(error @ FleetError::Bus(_)) => Err(Failure { exit: Exit::BusUnreachable, message: error.to_string() }),
        Err(error) => Err(Failure::failed(error)),
    }
}

async fn bind(address: std::net::SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| Failure::configuration(format!("{flag} {address}: {error}")))
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

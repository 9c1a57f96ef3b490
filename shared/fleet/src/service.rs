//! The service: waits for the lock, leads while it has it, answers calls all the time.
use super::backlog;
use super::control::ControlService;
use super::job_runner::JobRunner;
use super::jobs::{Jobs, JobsParts};
use super::lock::{self, Lock};
use super::workers;
use framefleet_bus::{Blobs, Bus, BusError};
use framefleet_orchestration::QueueShares;
use framefleet_proto::control::{DESCRIPTION, REQUEST_BYTES, WORKER_TTL, WORKERS, control_server::ControlServer};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;

/// What the service works with.
pub struct FleetOptions {
    /// Where calls are taken.
    pub listener: TcpListener,
    /// Carries tasks and events.
    pub bus: Arc<dyn Bus>,
    /// Holds volatile frames.
    pub blobs: Arc<dyn Blobs>,
    /// Bytes that frames of all jobs may occupy.
    pub memory: u64,
    /// Makes plans and does them.
    pub runner: Arc<dyn JobRunner>,
    /// What it is called in the lock.
    pub name: String,
    /// Execution class of jobs that come before any worker.
    pub class: String,
    /// Receives whether it is the leader.
    pub leader: watch::Sender<bool>,
}

/// The service cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The bus failed.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// Calls cannot be taken.
    #[error("the API cannot be served: {0}")]
    Serve(#[from] tonic::transport::Error),
    /// The API's description is broken: a fault of the program.
    #[error("the API's description is broken: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Serves until `stop` is cancelled. Jobs under way are released then: the next leader resumes them.
pub async fn serve(options: FleetOptions, stop: CancellationToken) -> Result<(), FleetError> {
    let announced = options.bus.bucket(WORKERS, Some(WORKER_TTL)).await?;
    let lock_kv = options.bus.bucket(lock::BUCKET, Some(lock::TTL)).await?;
    let (jobs, leading) = watch::channel(None);
    let control = ControlService { bus: Arc::clone(&options.bus), workers: announced.clone(), jobs: leading };
    let (health, health_service) = tonic_health::server::health_reporter();
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTION)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let server = tonic::transport::Server::builder()
        .add_service(health_service)
        .add_service(reflection)
        .add_service(ControlServer::new(control).max_decoding_message_size(REQUEST_BYTES))
        .serve_with_incoming_shutdown(TcpListenerStream::new(options.listener), stop.clone().cancelled_owned());
    let server = tokio::spawn(server);
    let shares = QueueShares::of_fleet();
    let (list, workers) = watch::channel(Vec::new());
    let following = tokio::spawn(workers::follow(announced, Arc::clone(&shares), list));
    let measuring = tokio::spawn(backlog::measure(jobs.subscribe()));
    while !stop.is_cancelled() {
        health.set_not_serving::<ControlServer<ControlService>>().await;
        let lock = tokio::select! {
            lock = Lock::acquire(Arc::clone(&lock_kv), &options.name) => lock,
            () = stop.cancelled() => break,
        };
        tracing::info!("this orchestrator is the leader");
        let parts = JobsParts {
            bus: Arc::clone(&options.bus),
            blobs: Arc::clone(&options.blobs),
            shares: Arc::clone(&shares),
            memory: options.memory,
            runner: Arc::clone(&options.runner),
            workers: workers.clone(),
            class: options.class.clone(),
        };
        let taken = match Jobs::take_over(parts).await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::warn!(%error, "the jobs cannot be read; trying again");
                lock::release(lock_kv.as_ref()).await;
                continue;
            }
        };
        jobs.send_replace(Some(Arc::clone(&taken)));
        options.leader.send_replace(true);
        health.set_serving::<ControlServer<ControlService>>().await;
        let lost = tokio::select! {
            lost = lock.keep() => Some(lost),
            () = stop.cancelled() => None,
        };
        jobs.send_replace(None);
        options.leader.send_replace(false);
        taken.step_down().await;
        match lost {
            Some(reason) => tracing::warn!(reason, "this orchestrator is no longer the leader"),
            None => lock::release(lock_kv.as_ref()).await,
        }
    }
    following.abort();
    measuring.abort();
    // Streams of watchers may be open for ever: they end with the process.
    server.abort();
    Ok(())
}

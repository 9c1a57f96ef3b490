//! The workers that are there: each announces itself again and again, and is gone when it no longer does.
use framefleet_bus::{BusError, Kv, Subject};
use framefleet_orchestration::QueueShares;
use framefleet_proto::control::Worker;
use prost::Message as _;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often they are read.
const PERIOD: Duration = Duration::from_millis(500);

/// The workers there are now, by name.
pub(super) async fn workers(kv: &dyn Kv) -> Result<Vec<Worker>, BusError> {
    let entries = kv.entries().await?;
    Ok(entries.into_iter().filter_map(|(_, value)| Worker::decode(value.bytes).ok()).collect())
}

/// Execution classes that a worker serves.
pub(super) fn classes(worker: &Worker) -> impl Iterator<Item = &String> {
    [&worker.class, &worker.gpu_class].into_iter().filter(|class| !class.is_empty())
}

/// Slots by queue.
pub(super) fn slots(workers: &[Worker]) -> HashMap<Subject, usize> {
    let mut slots = HashMap::new();
    for worker in workers {
        for served in &worker.stages {
            for class in classes(worker) {
                *slots.entry(Subject::task(&served.stage, class)).or_default() += worker.slots as usize;
            }
        }
    }
    slots
}

/// Keeps the shares and the list up to date with the workers there are. Never ends.
pub(super) async fn follow(kv: Arc<dyn Kv>, shares: Arc<QueueShares>, list: watch::Sender<Vec<Worker>>) {
    loop {
        match workers(kv.as_ref()).await {
            Ok(workers) => {
                shares.serve(slots(&workers));
                list.send_replace(workers);
            }
            Err(error) => tracing::warn!(%error, "the workers are not known at the moment"),
        }
        tokio::time::sleep(PERIOD).await;
    }
}

//! Leases tasks and runs them, as many at a time as there is room for.
use crate::context::Context;
use crate::keepalive::{Keepalive, LeaseGuard};
use crate::options::{RunnerOptions, RunnerParts};
use crate::serve::serve;
use crate::task;
use framefleet_bus::{BusError, Inbox, Lease};
use framefleet_proto::v1::DryRun;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Tasks leased ahead of the threads, so that inputs are fetched while the threads compute.
const AHEAD: usize = 2;

/// Wait before a bus that failed is asked again.
const BUS_PAUSE: Duration = Duration::from_secs(1);

/// Serves stages over a bus.
pub struct Runner {
    context: Arc<Context>,
    /// Stage and execution class of every queue, the ones whose tasks go first in front.
    queues: Vec<(String, String)>,
    /// Tasks in hand at a time.
    room: usize,
}

impl Runner {
    /// A runner for these stages.
    pub fn new(parts: RunnerParts, options: RunnerOptions) -> Self {
        let context = Arc::new(Context::new(parts, &options));
        let mut queues = Vec::new();
        for stage in options.stages {
            queues.extend(options.classes.iter().map(|class| (stage.clone(), class.clone())));
        }
        Self { context, queues, room: options.threads + AHEAD }
    }

    /// Runs the stage's part of a task and forgets what it makes: in a process that may die of it.
    pub async fn dry_run(parts: RunnerParts, options: RunnerOptions, request: &DryRun) {
        let context = Arc::new(Context::for_dry_runs(parts, &options));
        let Some(task) = &request.task else { return };
        if let Err(failure) = task::dry_run(&context, task, &request.absent).await {
            tracing::info!(reason = failure.reason, "the task failed and did no more harm");
        }
    }

    /// Serves until `stop` is cancelled, or a device of the process is lost. Then tasks that compute come to their end, and those that wait are handed back. A bus
    /// that fails is asked again until it answers.
    ///
    /// Every inbox is asked all the time, and a task that comes while there is no room is kept until there is: cancelling a
    /// pull would bounce tasks between busy workers.
    pub async fn run(self, stop: CancellationToken) -> Result<(), BusError> {
        let keepalive = Keepalive::start().map_err(|error| BusError::Unreachable(error.to_string()))?;
        let mut tasks = JoinSet::new();
        let mut pulls: FuturesUnordered<_> = self.inboxes().await?.into_iter().enumerate().map(pull).collect();
        // By inbox, those whose tasks go first in front.
        let mut pending: BTreeMap<usize, PendingLease> = BTreeMap::new();
        let ending = self.context.ending().clone();
        while !stop.is_cancelled() && !ending.is_cancelled() {
            while tasks.len() < self.room
                && let Some((number, PendingLease { inbox, guard, lease })) = pending.pop_first()
            {
                let context = Arc::clone(&self.context);
                tasks.spawn(async move { serve(&context, guard, lease).await });
                pulls.push(pull((number, inbox)));
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = ending.cancelled() => {}
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
                Some((number, inbox, lease)) = pulls.next() => match lease {
                    Ok(lease) => {
                        let guard = keepalive.keep(lease.extender());
                        pending.insert(number, PendingLease { inbox, guard, lease });
                    }
                    Err(BusError::Closed) => return Err(BusError::Closed),
                    Err(error) => {
                        tracing::warn!(%error, "no task could be taken; trying again");
                        tokio::time::sleep(BUS_PAUSE).await;
                        pulls.push(pull((number, inbox)));
                    }
                }
            }
        }
        drop((pending, pulls));
        self.context.cores().close();
        while tasks.join_next().await.is_some() {}
        Ok(())
    }

    async fn inboxes(&self) -> Result<Vec<Box<dyn Inbox>>, BusError> {
        let mut inboxes = Vec::new();
        for (stage, class) in &self.queues {
            inboxes.push(self.context.inbox(stage, class).await?);
        }
        Ok(inboxes)
    }
}

/// A task that came while there was no room.
struct PendingLease {
    inbox: Box<dyn Inbox>,
    guard: LeaseGuard,
    lease: Box<dyn Lease>,
}

/// What a pull brought, with its inbox and that one's number.
type Pulled = (usize, Box<dyn Inbox>, Result<Box<dyn Lease>, BusError>);

/// The next task of an inbox.
fn pull((number, mut inbox): (usize, Box<dyn Inbox>)) -> BoxFuture<'static, Pulled> {
    async move {
        let lease = inbox.lease().await;
        (number, inbox, lease)
    }
    .boxed()
}

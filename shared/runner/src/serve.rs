//! A leased task from its message to its acknowledgement: run, reported, counted.
use crate::blobs;
use crate::context::Context;
use crate::failure::TaskFailure;
use crate::keepalive::LeaseGuard;
use crate::task::execute;
use framefleet_bus::Lease;
use framefleet_proto::v1::{Done, FailureKind, Task, event::Kind as EventKind};
use framefleet_telemetry::metric::{self, FrameOutcome, TaskResult};
use prost::Message as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tracing::Instrument as _;

/// Runs a leased task, reports what came of it, acknowledges it.
pub(crate) async fn serve(context: &Arc<Context>, guard: LeaseGuard, lease: Box<dyn Lease>) {
    let task = match Task::decode(lease.message().payload.clone()) {
        Ok(task) => task,
        Err(error) => {
            tracing::error!(%error, "a task could not be read; dropped");
            acknowledge(lease).await;
            return;
        }
    };
    let began = Instant::now();
    let queued = count_taken(&task, lease.attempt());
    let result = execute(context, &task).instrument(span(&task)).await;
    count_ended(&task, &result, began.elapsed());
    metric::blob_bytes(context.blobs().used());
    if matches!(&result, Err(failure) if failure.is_draining()) {
        return;
    }
    let result = match (result, context.lost_device()) {
        (Err(_), Some(reason)) if context.is_alone() => Err(TaskFailure::device_lost(reason)),
        (Err(_), Some(reason)) => {
            tracing::error!(reason, "a device is lost; the task is handed back, and this worker takes no more");
            context.ending().cancel();
            return;
        }
        (result, _) => result,
    };
    let reported = match result {
        Ok(Some(done)) => report_done(context, &task, Done { queue_seconds: queued.as_secs_f64(), ..done }).await,
        Ok(None) => Ok(()),
        // Whoever handed it out no longer listens.
        Err(failure) if failure.is_superseded() => Ok(()),
        Err(failure) => context.report(&task, EventKind::Failed(failure.into_wire())).await,
    };
    match reported {
        Ok(()) => acknowledge(lease).await,
        Err(failure) => {
            tracing::error!(reason = failure.reason, "a result could not be reported; the task is handed back")
        }
    }
    drop(guard);
}

/// Reports what a task made. Where no message carries that, doing the task again would only repeat it: then that is reported, and the
/// frames that nobody knows of are released.
async fn report_done(context: &Context, task: &Task, done: Done) -> Result<(), TaskFailure> {
    let made = done.made.clone();
    match context.report(task, EventKind::Done(done)).await {
        Err(failure) if failure.is_final() => {
            blobs::release(context.blobs().as_ref(), made).await;
            context.report(task, EventKind::Failed(failure.into_wire())).await
        }
        reported => reported,
    }
}

/// What log lines of a task carry: with the job's trace, those of all processes can be put together.
fn span(task: &Task) -> tracing::Span {
    let id = task.id.clone().unwrap_or_default();
    tracing::info_span!("task", traceparent = task.traceparent, job = task.job, step = id.step, item = id.item)
}

async fn acknowledge(lease: Box<dyn Lease>) {
    if let Err(error) = lease.ack().await {
        tracing::warn!(%error, "a task could not be acknowledged; it may be handed out again, which does no harm");
    }
}

/// Counts a task that was leased; how long ago it was published, as far as the machines' clocks agree.
fn count_taken(task: &Task, attempt: u64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let queued = now.saturating_sub(Duration::from_nanos(task.published_ns));
    metric::task_taken(&task.stage, attempt, queued);
    queued
}

/// Counts what came of a task.
fn count_ended(task: &Task, result: &Result<Option<Done>, TaskFailure>, elapsed: Duration) {
    let ended = match result {
        Ok(_) => TaskResult::Done,
        Err(failure) => match failure.kind {
            FailureKind::BadInput => TaskResult::BadInput,
            FailureKind::Crashed | FailureKind::Fatal => TaskResult::Crashed,
            FailureKind::Retry | FailureKind::Stale | FailureKind::Unspecified => TaskResult::Retry,
        },
    };
    metric::task_ended(&task.stage, ended, elapsed);
    let Ok(Some(done)) = result else { return };
    metric::stage_seconds(&task.project, &task.stage, done.stage_seconds, done.cpu_seconds);
    metric::frames(&task.stage, FrameOutcome::Result, done.frames_done);
    metric::frames(&task.stage, FrameOutcome::Failed, done.frames_failed);
    metric::frames(&task.stage, FrameOutcome::Skipped, done.frames_skipped);
}

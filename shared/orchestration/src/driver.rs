//! The loop around the state: publishes what is desired, folds in what is reported, commits what was given up.
mod running;

pub(crate) use running::{Published, Running};

use crate::edits::Resolved;
use crate::job::{Decoding, Fact, JobOptions, JobState, is_of_the_fleet};
use crate::latency::StepLatency;
use crate::progress::Progress;
use crate::queue_shares::QueueShare;
use crate::task::{TaskRef, Work};
use framefleet_bus::{BlobName, Blobs, Bus, BusError, Message, Subject};
use framefleet_frames::{AnnotationBlock, Item};
use framefleet_ledger::{Ledger, LedgerError, TaskKey};
use framefleet_pipeline::Plan;
use framefleet_proto::v1::{Event, FailureKind, Pixels, event::Kind as EventKind};
use framefleet_records::{RecordsError, RecordsOptions, complete_step};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use prost::Message as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// First wait before a task is tried again; doubles with every attempt.
const BACKOFF: Duration = Duration::from_millis(100);

/// Entries that are written together.
const TOGETHER: usize = 32;

/// A job cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum OrchestratorError {
    /// The bus failed.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The output failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A step's records could not be written.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// A message could not be read.
    #[error("an event of the job could not be read: {0}")]
    Wire(#[from] prost::DecodeError),
    /// A worker could not go on.
    #[error("{0}")]
    Fatal(String),
    /// Nothing can run and nothing is running: a fault of the program.
    #[error("the job is stuck in pass {pass}: no task can run ({open} batches open); please report this")]
    Stuck {
        /// The pass.
        pass: usize,
        /// Batches with open tasks.
        open: usize,
    },
}

/// How often a job under way is compared with what the queues hold.
const RECONCILE: Duration = Duration::from_secs(2);

/// A job to run.
pub struct JobRun {
    /// Its name on the bus; without dots.
    pub job: String,
    /// What submit made of it.
    pub plan: Arc<Plan>,
    /// Its items, in order.
    pub items: Vec<Item>,
    /// What it does beyond its plan.
    pub options: JobOptions,
    /// Whom it is for: a label of metrics.
    pub project: String,
    /// Its place among the jobs of the fleet.
    pub share: QueueShare,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything that was asked for is done.
    Finished,
    /// It was interrupted; running tasks came to their end.
    Interrupted,
    /// It stopped before its end, and why.
    Stopped(String),
}

/// What a run has come to.
#[derive(Clone, Debug)]
pub struct JobSummary {
    /// How it ended.
    pub ending: Ending,
    /// Progress at the end.
    pub progress: Progress,
    /// How long tasks on frames took, by step; of ingest last.
    pub latencies: Vec<StepLatency>,
    /// Items that could not be read to their end: (name, why).
    pub damage: Vec<(String, String)>,
    /// Steps whose finish failed: (name, why).
    pub unfinished: Vec<(String, String)>,
    /// Items with what indexing corrected.
    pub items: Vec<Item>,
    /// Corrections of steps whose finish was due, and what became of their targets.
    pub edits: Resolved,
}

/// Runs jobs over a bus.
pub struct Orchestrator {
    /// Carries tasks and events.
    pub bus: Arc<dyn Bus>,
    /// Holds volatile frames.
    pub blobs: Arc<dyn Blobs>,
    /// The output's ledger, owned by this process.
    pub ledger: Ledger,
}

impl Orchestrator {
    /// Runs a job to its end. Cancelling `interrupt` lets running tasks come to their end and starts no more. `progress` is
    /// sent after every event.
    pub async fn run(
        &self,
        run: JobRun,
        interrupt: CancellationToken,
        progress: &watch::Sender<Progress>,
    ) -> Result<JobSummary, OrchestratorError> {
        let mut events = self.bus.listen(&Subject::events(&run.job)).await?;
        let mut job = Running::new(run, self.ledger.epoch());
        self.list_files(&mut job.state, &mut job.run.items).await?;
        let mut reconcile = tokio::time::interval(RECONCILE);
        reconcile.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.catch_up(&mut job).await?;
            let stopping = interrupt.is_cancelled();
            progress.send_replace(job.progress());
            if job.is_over(stopping) {
                return self.conclude(job, stopping).await;
            }
            let stopped = job.state.stopped().is_some();
            let denied = !stopping && self.publish(&mut job).await?;
            if job.state.stopped().is_some() && !stopped {
                continue;
            }
            if job.inflight.is_empty() && job.waiting.is_empty() && !denied {
                return Err(OrchestratorError::Stuck { pass: job.state.pass() + 1, open: job.state.live_batches() });
            }
            let places = job.run.share.changes();
            tokio::select! {
                message = events.next() => {
                    self.fold(&mut job, &message?).await?;
                    // What has arrived by now is folded in together: looking for what is ready costs more than one event.
                    while let Some(message) = events.next().now_or_never() {
                        self.fold(&mut job, &message?).await?;
                    }
                }
                () = places, if denied => {}
                () = job.next_retry() => {}
                _ = reconcile.tick() => self.reconcile(&mut job).await?,
                () = interrupt.cancelled(), if !stopping => {}
            }
        }
    }

    /// Lets the state look up what became known, until nothing changes.
    async fn catch_up(&self, job: &mut Running) -> Result<(), OrchestratorError> {
        loop {
            let lookup = |key: &TaskKey| self.ledger.outcomes(key);
            job.state.advance(&lookup);
            for decoding in job.state.take_decoded() {
                self.complete_decoding(job, &decoding).await?;
            }
            self.release(job.state.take_unneeded()).await;
            let mut changed = false;
            for (step, key) in job.state.unread_finishes() {
                let block = self.ledger.annotations(&key).await?;
                job.state.apply(Fact::Finished { step, key, scoped: Arc::new(block.scoped.clone()) }, &lookup);
                self.complete(job, step).await?;
                changed = true;
            }
            for step in job.state.edits_due() {
                let found = self.resolve_edits(&job.state, step).await?;
                job.state.note_edits(step, found.edits.clone());
                job.edits.extend(found);
                changed = true;
            }
            for (task, key) in self.commit_without_worker(&job.state).await? {
                job.state.apply(Fact::Done { task, key, made: Vec::new() }, &lookup);
                changed = true;
            }
            if !changed {
                return Ok(());
            }
        }
    }

    /// Writes the entries of tasks that no worker does.
    async fn commit_without_worker(&self, state: &JobState) -> Result<Vec<(TaskRef, TaskKey)>, LedgerError> {
        let entries = state.entries_without_worker(&|key| self.ledger.outcomes(key));
        let commits = entries.into_iter().map(|(task, key, entry)| async move {
            self.ledger.commit(entry, AnnotationBlock::default(), Vec::new()).await.map(|_| (task, key))
        });
        futures::stream::iter(commits).buffer_unordered(TOGETHER).try_collect().await
    }

    /// Makes a step's results what the output holds of it.
    async fn complete(&self, job: &mut Running, step: usize) -> Result<(), OrchestratorError> {
        let manifest = job.state.manifest(step);
        if job.completed.insert(manifest.step.clone()) {
            let manifest = self.write_manifest(&job.state, manifest, |item| job.state.results(step, item)).await?;
            complete_step(&self.ledger, manifest, RecordsOptions::default()).await?;
        }
        Ok(())
    }

    /// Makes what decoding came to in a pass what the output holds of it.
    async fn complete_decoding(&self, job: &mut Running, decoding: &Decoding) -> Result<(), OrchestratorError> {
        let manifest = decoding.manifest();
        if job.completed.insert(manifest.step.clone()) {
            let results = |item| job.state.decoding_results(decoding, item);
            let manifest = self.write_manifest(&job.state, manifest, results).await?;
            complete_step(&self.ledger, manifest, RecordsOptions::default()).await?;
        }
        Ok(())
    }

    /// Publishes the desired tasks that are not under way. Whether some have no place in their queue yet.
    async fn publish(&self, job: &mut Running) -> Result<bool, OrchestratorError> {
        let lookup = |key: &TaskKey| self.ledger.outcomes(key);
        let slots = job.run.share.slots();
        job.state.set_slots(slots);
        job.run.share.clear_wanted();
        let mut denied = false;
        for task in job.state.desired(slots) {
            if job.inflight.contains_key(&task) || job.waiting.contains_key(&task) {
                continue;
            }
            let subject = job.state.subject(task);
            if !job.run.share.take(&subject) {
                denied = true;
                continue;
            }
            let Some(mut message) = job.state.message(&job.run.job, task, &lookup) else {
                job.run.share.give_back(&subject);
                continue;
            };
            message.output = self.ledger.output().url().to_owned();
            message.epoch = self.ledger.epoch();
            message.project.clone_from(&job.run.project);
            message.traceparent = job.trace.child();
            message.published_ns = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
            self.add_documents(&job.state, task, &mut message).await?;
            let payload = message.encode_to_vec().into();
            match self.bus.publish(Message { subject: subject.clone(), id: job.next_id(), payload }).await {
                Ok(()) => {}
                Err(BusError::Full(_)) => {
                    job.run.share.give_back(&subject);
                    denied = true;
                    continue;
                }
                // It would be refused again, whoever tries: the job leaves what it has, and says so.
                Err(error) if !error.passes() => {
                    job.run.share.give_back(&subject);
                    job.state.halt(format!("a task of {} cannot be handed out: {error}", job.state.step_name(task)));
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            }
            job.inflight.insert(task, Published { subject, quiet: 0 });
        }
        Ok(denied)
    }

    /// Folds one event in.
    async fn fold(&self, job: &mut Running, message: &Message) -> Result<(), OrchestratorError> {
        let event = Event::decode(message.payload.clone())?;
        let Some((task, fact)) = job.state.fact(&event) else { return Ok(()) };
        // A worker in another process made the entry.
        if let Some(Fact::Done { key, .. }) = &fact {
            self.ledger.find(key).await?;
        }
        match &event.kind {
            Some(EventKind::Failed(failed))
                if failed.kind() == FailureKind::Fatal && !is_of_the_fleet(&failed.code) =>
            {
                return Err(OrchestratorError::Fatal(failed.reason.clone()));
            }
            Some(EventKind::Failed(failed)) => {
                job.landed(task);
                if matches!(failed.kind(), FailureKind::Retry | FailureKind::Stale) {
                    let wait = BACKOFF * 2u32.saturating_pow(event.attempt.min(6));
                    job.waiting.insert(task, Instant::now() + wait);
                }
                tracing::warn!(
                    step = event.id.as_ref().map(|id| id.step.as_str()),
                    reason = failed.reason,
                    "task failed"
                );
            }
            Some(EventKind::Done(done)) => {
                job.landed(task);
                job.worked(task, done);
                if task.kind == Work::Process && done.frames_done > 0 {
                    job.first_result.get_or_insert_with(|| job.started.elapsed());
                }
            }
            Some(EventKind::Indexed(indexed)) if !indexed.document.is_empty() => {
                job.landed(task);
                if job.state.has_to_read(task.item, indexed) {
                    return Ok(self.read_index(&mut job.state, task.item, &indexed.document).await?);
                }
            }
            _ => {}
        }
        if let Some(fact) = fact {
            job.state.apply(fact, &|key| self.ledger.outcomes(key));
        }
        Ok(())
    }

    /// Releases volatile frames; a blob that is gone already is no error.
    async fn release(&self, unneeded: Vec<Pixels>) {
        for blob in unneeded.into_iter().filter_map(|pixels| pixels.blob) {
            let name = BlobName { store: blob.store, place: blob.place, key: blob.key, length: blob.length };
            if let Err(error) = self.blobs.release(&name).await {
                tracing::warn!(%error, "a blob could not be released");
            }
        }
    }

    /// Leaves everything that is done in the output, also of a job that ends early.
    async fn conclude(&self, mut job: Running, interrupted: bool) -> Result<JobSummary, OrchestratorError> {
        for step in 0..job.run.plan.steps.len() {
            if !job.state.manifest(step).complete {
                self.complete(&mut job, step).await?;
            }
        }
        let decoding = job.state.take_decoding();
        self.complete_decoding(&mut job, &decoding).await?;
        job.state.abandon();
        self.release(job.state.take_unneeded()).await;
        let ending = match job.state.stopped() {
            Some(reason) => Ending::Stopped(reason.to_owned()),
            None if interrupted && !job.state.is_finished() => Ending::Interrupted,
            None => Ending::Finished,
        };
        let progress = job.progress();
        let failed =
            |step: usize| Some((job.run.plan.steps[step].name.clone(), job.state.finish_failure(step)?.to_owned()));
        Ok(JobSummary {
            ending,
            progress,
            latencies: job.latencies(),
            damage: job.state.damage(),
            unfinished: (0..job.run.plan.steps.len()).filter_map(failed).collect(),
            items: (0..job.run.items.len()).map(|item| job.state.item(item).clone()).collect(),
            edits: job.edits,
        })
    }
}

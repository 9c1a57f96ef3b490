//! The loop around the state: publishes what is desired, folds in what is told, commits what was given up.
use crate::messages::INGEST;
use crate::progress::{Progress, Worked};
use crate::state::{Fact, JobOptions, JobState};
use crate::task::{TaskRef, Work};
use framefleet_bus::{BlobName, Blobs, Bus, BusError, Message, Subject};
use framefleet_ledger::{Ledger, LedgerError, RecordsOptions, TaskKey};
use framefleet_media::{AnnotationBlock, Item};
use framefleet_pipeline::Plan;
use framefleet_proto::v1::{Event, FailureKind, Pixels, event::What};
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// First wait before a task is tried again; doubles with every attempt.
const BACKOFF: Duration = Duration::from_millis(100);

/// A job cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum OrchestratorError {
    /// The bus failed.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The output failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
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

/// A job to run.
pub struct JobRun {
    /// Its name on the bus.
    pub job: String,
    /// What submit made of it.
    pub plan: Arc<Plan>,
    /// Its items, in order.
    pub items: Vec<Item>,
    /// What it does beyond its plan.
    pub options: JobOptions,
    /// Room for tasks in the workers there are.
    pub slots: usize,
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
    /// Items that could not be read to their end: (name, why).
    pub damage: Vec<(String, String)>,
    /// Steps whose finish failed: (name, why).
    pub unfinished: Vec<(String, String)>,
    /// Items with what indexing corrected.
    pub items: Vec<Item>,
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
    /// Runs a job to its end. `interrupt` turning true lets running tasks come to their end and starts no more. `progress` is
    /// told after every event.
    pub async fn run(
        &self,
        run: JobRun,
        mut interrupt: watch::Receiver<bool>,
        progress: &watch::Sender<Progress>,
    ) -> Result<JobSummary, OrchestratorError> {
        let mut events = self.bus.listen(&Subject::events(&run.job)).await?;
        let mut job = Running::new(run);
        loop {
            self.catch_up(&mut job).await?;
            let stopping = *interrupt.borrow();
            progress.send_replace(job.progress());
            if job.is_over(stopping) {
                return self.conclude(job, stopping).await;
            }
            if !stopping {
                self.publish(&mut job).await?;
            }
            if job.inflight.is_empty() && job.waiting.is_empty() {
                return Err(OrchestratorError::Stuck { pass: job.state.pass() + 1, open: job.state.live.len() });
            }
            tokio::select! {
                message = events.next() => self.fold(&mut job, &message?)?,
                _ = job.next_retry() => {}
                _ = interrupt.changed(), if !stopping => {}
            }
        }
    }

    /// Lets the state look up what became known, until nothing changes.
    async fn catch_up(&self, job: &mut Running) -> Result<(), OrchestratorError> {
        loop {
            let lookup = |key: &TaskKey| self.ledger.entry(key);
            job.state.advance(&lookup);
            for decoded in job.state.take_decoded() {
                self.complete(&mut job.completed, decoded).await?;
            }
            self.release(job.state.take_orphans()).await;
            let mut changed = false;
            for (step, key) in job.state.unread_finishes() {
                let block = self.ledger.annotations(&key).await?;
                job.state.apply(Fact::Finished { step, key, scoped: Arc::new(block.scoped.clone()) }, &lookup);
                self.complete(&mut job.completed, job.state.manifest(step)).await?;
                changed = true;
            }
            for (task, key, entry) in job.state.condemned_entries(&lookup) {
                self.ledger.commit(entry, AnnotationBlock::default(), Vec::new()).await?;
                job.state.apply(Fact::Done { task, key, made: Vec::new() }, &lookup);
                changed = true;
            }
            if !changed {
                return Ok(());
            }
        }
    }

    /// Makes a step's results what the output holds of it.
    async fn complete(
        &self,
        completed: &mut BTreeSet<String>,
        manifest: framefleet_proto::v1::StepManifest,
    ) -> Result<(), OrchestratorError> {
        if completed.insert(manifest.step.clone()) {
            self.ledger.complete_step(manifest, RecordsOptions::default()).await?;
        }
        Ok(())
    }

    /// Publishes the desired tasks that are not under way.
    async fn publish(&self, job: &mut Running) -> Result<(), OrchestratorError> {
        let lookup = |key: &TaskKey| self.ledger.entry(key);
        for task in job.state.desired(job.run.slots) {
            if job.inflight.contains(&task) || job.waiting.contains_key(&task) {
                continue;
            }
            let Some(mut message) = job.state.message(&job.run.job, task, &lookup) else { continue };
            message.published_ns = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
            // Not the key: a pass that makes volatile frames again publishes a task of the same key.
            let id = format!("{}-{task:?}-{}", job.run.job, message.attempt);
            let subject = Subject::task(&message.stage, &job.run.plan.class);
            self.bus.publish(Message { subject, id, payload: message.encode_to_vec().into() }).await?;
            job.inflight.insert(task);
        }
        Ok(())
    }

    /// Folds one event in.
    fn fold(&self, job: &mut Running, message: &Message) -> Result<(), OrchestratorError> {
        let event = Event::decode(message.payload.clone())?;
        let Some((task, fact)) = job.state.fact(&event) else { return Ok(()) };
        match &event.what {
            Some(What::Failed(failed)) if failed.kind() == FailureKind::Fatal => {
                return Err(OrchestratorError::Fatal(failed.reason.clone()));
            }
            Some(What::Failed(failed)) => {
                job.inflight.remove(&task);
                if failed.kind() == FailureKind::Retry {
                    let wait = BACKOFF * 2u32.saturating_pow(event.attempt.min(6));
                    job.waiting.insert(task, Instant::now() + wait);
                }
                tracing::warn!(
                    step = event.id.as_ref().map(|id| id.step.as_str()),
                    reason = failed.reason,
                    "task failed"
                );
            }
            Some(What::Done(done)) => {
                job.inflight.remove(&task);
                let step = event.id.as_ref().map_or(INGEST, |id| id.step.as_str());
                let worked = job.worked.entry(step.to_owned()).or_default();
                worked.seconds += done.stage_seconds;
                worked.frames += done.frames_done;
                worked.tasks += 1;
                if task.kind == Work::Process && done.frames_done > 0 {
                    job.first_result.get_or_insert_with(|| job.started.elapsed());
                }
            }
            Some(What::Indexed(indexed)) if indexed.complete => {
                job.inflight.remove(&task);
            }
            _ => {}
        }
        if let Some(fact) = fact {
            job.state.apply(fact, &|key| self.ledger.entry(key));
        }
        Ok(())
    }

    /// Releases volatile frames; a blob that is gone already is no error.
    async fn release(&self, orphans: Vec<Pixels>) {
        for blob in orphans.into_iter().filter_map(|pixels| pixels.blob) {
            let name = BlobName { store: blob.store, place: blob.place, key: blob.key, length: blob.length };
            if let Err(error) = self.blobs.release(&name).await {
                tracing::warn!(%error, "a blob could not be released");
            }
        }
    }

    /// Leaves everything that is done in the output, also of a job that ends early.
    async fn conclude(&self, mut job: Running, interrupted: bool) -> Result<JobSummary, OrchestratorError> {
        for step in 0..job.run.plan.steps.len() {
            let manifest = job.state.manifest(step);
            if !manifest.complete {
                self.complete(&mut job.completed, manifest).await?;
            }
        }
        let decoded = job.state.ingest_manifest();
        self.complete(&mut job.completed, decoded).await?;
        job.state.abandon();
        self.release(job.state.take_orphans()).await;
        let ending = match job.state.stopped() {
            Some(reason) => Ending::Stopped(reason.to_owned()),
            None if interrupted && !job.state.is_finished() => Ending::Interrupted,
            None => Ending::Finished,
        };
        let failed =
            |step: usize| Some((job.run.plan.steps[step].name.clone(), job.state.finish_failure(step)?.to_owned()));
        Ok(JobSummary {
            ending,
            progress: job.progress(),
            damage: job.state.damage(),
            unfinished: (0..job.run.plan.steps.len()).filter_map(failed).collect(),
            items: (0..job.run.items.len()).map(|item| job.state.item(item).clone()).collect(),
        })
    }
}

/// A job under way.
struct Running {
    run: JobRun,
    state: JobState,
    inflight: BTreeSet<TaskRef>,
    /// Tasks that failed, until they may be tried again.
    waiting: HashMap<TaskRef, Instant>,
    worked: BTreeMap<String, Worked>,
    completed: BTreeSet<String>,
    started: Instant,
    first_result: Option<Duration>,
}

impl Running {
    fn new(run: JobRun) -> Self {
        let state = JobState::new(Arc::clone(&run.plan), run.items.clone(), run.options.clone()).with_slots(run.slots);
        Self {
            run,
            state,
            inflight: BTreeSet::new(),
            waiting: HashMap::new(),
            worked: BTreeMap::new(),
            completed: BTreeSet::new(),
            started: Instant::now(),
            first_result: None,
        }
    }

    /// Whether nothing more is to be waited for: tasks under way come to their end, also when nobody needs them any more.
    fn is_over(&self, stopping: bool) -> bool {
        let ending = stopping || self.state.stopped().is_some() || self.state.is_finished();
        ending && self.inflight.is_empty()
    }

    fn progress(&self) -> Progress {
        Progress {
            elapsed: self.started.elapsed(),
            first_result: self.first_result,
            ..self.state.progress(&self.worked)
        }
    }

    /// Waits until the first task may be tried again; for ever when none waits.
    async fn next_retry(&mut self) {
        let Some((&task, &at)) = self.waiting.iter().min_by_key(|(_, at)| **at) else {
            return std::future::pending().await;
        };
        tokio::time::sleep_until(at.into()).await;
        self.waiting.remove(&task);
    }
}

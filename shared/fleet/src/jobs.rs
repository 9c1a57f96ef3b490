//! The jobs of the fleet: kept in the bus, run beside each other, gone on with after a restart.
use super::classes::Classes;
use super::job_runner::{JobContext, JobEnd, JobRunner, ReadyJob, RunnerError};
use super::memory::MemoryShare;
use super::request::check_request;
use bytes::Bytes;
use framefleet_bus::{Blobs, Bus, BusError, Kv};
use framefleet_orchestration::Progress;
use framefleet_orchestration::QueueShares;
use framefleet_proto::control::{Job, JobStatus, SubmitRequest, Worker};
use parking_lot::Mutex;
use prost::Message as _;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The bucket of jobs: a [`Job`] under its name.
pub(super) const JOBS: &str = "jobs";

/// Ended jobs that are remembered.
const HISTORY: usize = 500;
/// How often progress is sent to watchers.
const REPORT_EVERY: Duration = Duration::from_millis(200);
/// Grace period for a former leader to release its outputs.
const HANDOVER_GRACE: Duration = Duration::from_secs(20);
/// Wait before a job that lost the bus resumes.
const PAUSE: Duration = Duration::from_secs(1);

/// All jobs.
pub(super) struct Jobs {
    bus: Arc<dyn Bus>,
    blobs: Arc<dyn Blobs>,
    shares: Arc<QueueShares>,
    kv: Arc<dyn Kv>,
    memory: Arc<MemoryShare>,
    pub runner: Arc<dyn JobRunner>,
    workers: watch::Receiver<Vec<Worker>>,
    /// The class of a job when no workers are there yet.
    class: String,
    known: Mutex<BTreeMap<String, Known>>,
}

/// What jobs are taken over with.
pub(super) struct JobsParts {
    pub bus: Arc<dyn Bus>,
    pub blobs: Arc<dyn Blobs>,
    pub shares: Arc<QueueShares>,
    pub memory: u64,
    pub runner: Arc<dyn JobRunner>,
    pub workers: watch::Receiver<Vec<Worker>>,
    pub class: String,
}

/// A job and what is under way for it.
struct Known {
    job: watch::Sender<Job>,
    cancel: CancellationToken,
    /// Absent when it has ended before this process knew it.
    running: Option<JoinHandle<()>>,
}

impl Jobs {
    /// Recovers the jobs that the bus stores, and resumes those that have not ended.
    pub async fn take_over(parts: JobsParts) -> Result<Arc<Self>, BusError> {
        let JobsParts { bus, blobs, shares, memory, runner, workers, class } = parts;
        let kv = bus.bucket(JOBS, None).await?;
        let mut kept: Vec<Job> =
            kv.entries().await?.into_iter().filter_map(|(_, value)| Job::decode(value.bytes).ok()).collect();
        kept.sort_by(|a, b| a.submitted.total_cmp(&b.submitted));
        let forgotten = beyond_history(&kept);
        for name in &forgotten {
            kv.delete(name).await?;
        }
        kept.retain(|job| !forgotten.contains(&job.name));
        let memory = MemoryShare::new(memory);
        let jobs = Arc::new(Self { bus, blobs, shares, kv, memory, runner, workers, class, known: Mutex::default() });
        for job in kept {
            let unfinished = !has_ended(&job);
            jobs.insert(job, unfinished, None);
        }
        Ok(jobs)
    }

    /// Takes a job in, or refuses it.
    pub async fn submit(self: &Arc<Self>, mut request: SubmitRequest) -> Result<Job, RunnerError> {
        let ready = self.runner.prepare(&request, &self.classes(), self.memory.total()).await?;
        let rival = self
            .list()
            .into_iter()
            .find(|job| !has_ended(job) && job.request.as_ref().is_some_and(|other| other.output == request.output));
        if let Some(rival) = rival {
            return Err(RunnerError::Refused(format!(
                "job {} is writing to {}: wait for it, cancel it, or give another output",
                rival.name, request.output
            )));
        }
        self.runner.keep_files(&mut request).await?;
        // What is kept of the job: by now without the files that its settings name.
        check_request(&request).map_err(RunnerError::Refused)?;
        let job = Job {
            name: self.new_name(),
            status: JobStatus::Queued.into(),
            request: Some(request),
            submitted: now(),
            ..Job::default()
        };
        self.keep(&job).await.map_err(RunnerError::Bus)?;
        self.insert(job.clone(), true, Some(ready));
        Ok(job)
    }

    /// A job by name.
    pub fn get(&self, name: &str) -> Option<watch::Receiver<Job>> {
        self.known.lock().get(name).map(|known| known.job.subscribe())
    }

    /// All jobs, the newest first.
    pub fn list(&self) -> Vec<Job> {
        let mut jobs: Vec<Job> = self.known.lock().values().map(|known| known.job.borrow().clone()).collect();
        jobs.sort_by(|a, b| b.submitted.total_cmp(&a.submitted));
        jobs
    }

    /// Ends a job early; one that has ended stays as it is.
    pub fn cancel(&self, name: &str) -> Option<Job> {
        let known = self.known.lock();
        let found = known.get(name)?;
        found.cancel.cancel();
        Some(found.job.borrow().clone())
    }

    /// Releases all jobs at once: the next leader resumes them.
    pub async fn step_down(&self) {
        let running: Vec<JoinHandle<()>> =
            self.known.lock().values_mut().filter_map(|known| known.running.take()).collect();
        running.iter().for_each(JoinHandle::abort);
        for job in running {
            // Aborted, or ended in this moment: either is what is wanted.
            let _ = job.await;
        }
    }

    /// The execution classes of the workers there are.
    fn classes(&self) -> Classes {
        Classes::of_workers(&self.workers.borrow(), &self.class)
    }

    /// Takes note of a job, and runs it; what is prepared already is not prepared again.
    fn insert(self: &Arc<Self>, job: Job, run: bool, ready: Option<Box<dyn ReadyJob>>) {
        let name = job.name.clone();
        let cancel = CancellationToken::new();
        let (sender, _) = watch::channel(job);
        let running =
            run.then(|| tokio::spawn(Arc::clone(self).run_to_completion(sender.clone(), cancel.clone(), ready)));
        self.known.lock().insert(name, Known { job: sender, cancel, running });
    }

    /// Runs a job to its end, also over times without a bus.
    async fn run_to_completion(
        self: Arc<Self>,
        job: watch::Sender<Job>,
        cancelled: CancellationToken,
        mut ready: Option<Box<dyn ReadyJob>>,
    ) {
        let taken_over = Instant::now();
        let resumed = job.borrow().started > 0.0;
        let end = loop {
            match self.run_once(&job, cancelled.clone(), ready.take()).await {
                Ok(end) => break end,
                // The former leader may not have released the output yet.
                Err(error) if resumed && error.may_pass() && taken_over.elapsed() < HANDOVER_GRACE => {
                    tracing::info!(job = job.borrow().name, %error, "the job cannot resume yet");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(RunnerError::Bus(error)) if error.passes() => {
                    tracing::warn!(job = job.borrow().name, %error, "the bus is away; the job resumes when it is back");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => break JobEnd::new(JobStatus::Failed, error.to_string()),
            }
        };
        job.send_modify(|job| {
            job.status = end.status.into();
            job.message = framefleet_bus::short(end.message);
            job.left_out = end.left_out.into_iter().map(framefleet_bus::short).collect();
            job.ended = now();
        });
        let ended = job.borrow().clone();
        tracing::info!(job = ended.name, status = end.status.as_str_name(), message = ended.message, "job ended");
        while let Err(error) = self.keep(&ended).await {
            tracing::warn!(job = ended.name, %error, "the end of a job cannot be noted");
            if !error.passes() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.sweep(&ended.name).await;
        self.forget().await;
    }

    /// Forgets the oldest of the ended jobs when there are more than are remembered.
    async fn forget(&self) {
        let mut jobs = self.list();
        jobs.reverse();
        for name in beyond_history(&jobs) {
            if let Err(error) = self.kv.delete(&name).await {
                tracing::warn!(job = name, %error, "an old job cannot be forgotten; tried again when another ends");
                return;
            }
            self.known.lock().remove(&name);
        }
    }

    async fn run_once(
        &self,
        job: &watch::Sender<Job>,
        cancelled: CancellationToken,
        ready: Option<Box<dyn ReadyJob>>,
    ) -> Result<JobEnd, RunnerError> {
        let (name, request) = {
            let job = job.borrow();
            (job.name.clone(), job.request.clone().unwrap_or_default())
        };
        let classes = self.classes();
        let ready = match ready {
            Some(ready) => ready,
            None => self.runner.prepare(&request, &classes, self.memory.total()).await?,
        };
        let (needed, wants) = ready.memory();
        let grant = tokio::select! {
            grant = self.memory.grant(needed, wants) => grant,
            () = cancelled.cancelled() => {
                return Ok(JobEnd::new(JobStatus::Cancelled, String::new()));
            }
        };
        job.send_modify(|job| {
            job.status = JobStatus::Running.into();
            if job.started == 0.0 {
                job.started = now();
            }
            // Starting over is for the first time: what is done from now on stays.
            if let Some(request) = &mut job.request {
                request.fresh = false;
            }
        });
        let running = job.borrow().clone();
        self.keep(&running).await.map_err(RunnerError::Bus)?;
        // What an earlier run of the job left behind.
        self.sweep(&name).await;
        let (progress, progressed) = watch::channel(Progress::default());
        let context = JobContext {
            name,
            bus: Arc::clone(&self.bus),
            blobs: Arc::clone(&self.blobs),
            classes,
            workers: self.workers.clone(),
            share: self.shares.join(request.priority),
            memory: grant.bytes,
            interrupt: cancelled,
            progress,
        };
        let reporting = report(progressed, job.clone());
        tokio::pin!(reporting);
        let run = ready.run(context);
        tokio::pin!(run);
        tokio::select! {
            // In this order, so that the last progress is reported.
            biased;
            end = &mut run => {
                let _ = tokio::time::timeout(2 * REPORT_EVERY, reporting).await;
                end
            }
            () = &mut reporting => run.await,
        }
    }

    async fn keep(&self, job: &Job) -> Result<(), BusError> {
        self.kv.put(&job.name, Bytes::from(job.encode_to_vec()), None).await.map(drop)
    }

    /// Releases the volatile frames that a job left behind.
    async fn sweep(&self, name: &str) {
        if let Err(error) = self.blobs.release_all(&format!("{name}.")).await {
            tracing::warn!(job = name, %error, "frames that a job left behind could not be released");
        }
    }

    /// A name that sorts by time and was never used.
    fn new_name(&self) -> String {
        let known = self.known.lock();
        let seconds = now() as u64;
        let mut number = known.len();
        loop {
            let name = format!("job-{seconds:x}-{number}");
            if !known.contains_key(&name) {
                return name;
            }
            number += 1;
        }
    }
}

/// The ended ones among jobs (the oldest first) that are no longer remembered.
fn beyond_history(jobs: &[Job]) -> Vec<String> {
    let ended: Vec<&Job> = jobs.iter().filter(|job| has_ended(job)).collect();
    ended[..ended.len().saturating_sub(HISTORY)].iter().map(|job| job.name.clone()).collect()
}

/// Reports a job's progress to its watchers, until it ends.
async fn report(mut progressed: watch::Receiver<Progress>, job: watch::Sender<Job>) {
    while progressed.changed().await.is_ok() {
        let progress = progressed.borrow_and_update().clone();
        job.send_modify(|job| {
            job.message = match progress.waiting_for.is_empty() {
                true => String::new(),
                false => framefleet_bus::short(format!(
                    "no worker serves {}: start one, or it waits",
                    progress.waiting_for.join(", ")
                )),
            };
            job.progress = Some(progress.into());
        });
        tokio::time::sleep(REPORT_EVERY).await;
    }
}

/// Whether nothing more comes of a job.
pub(super) fn has_ended(job: &Job) -> bool {
    !matches!(job.status(), JobStatus::Queued | JobStatus::Running | JobStatus::Unspecified)
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests;

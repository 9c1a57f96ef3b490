//! Jobs of a fleet: planned with the stages of this program, done by the fleet's workers.
use crate::error::JobError;
use crate::files::{self, NamedFile};
use crate::outcome::{JobOutcome, OutcomeKind, in_short};
use crate::plan::{Planner, Resources};
use crate::prepare::PreparedJob;
use crate::request::JobRequest;
use crate::run::{Measured, RunContext, RunningJob};
use crate::session_reports;
use async_trait::async_trait;
use framefleet_fleet::{Classes, JobContext, JobEnd, JobRunner, ReadyJob, RunnerError};
use framefleet_ledger::Output;
use framefleet_orchestration::{Ending, JobSummary};
use framefleet_pipeline::{Plan, StepPlan};
use framefleet_proto::control::{JobStatus, RequestFile, Stage, SubmitRequest, Worker};
use framefleet_utilisation::{Reading, Utilisation, UtilisationBuilder};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

/// Makes plans with the stages of a program, and has them done.
pub struct FleetRunner {
    planner: Planner,
}

impl FleetRunner {
    /// A runner that plans so.
    pub fn new(planner: Planner) -> Self {
        Self { planner }
    }
}

#[async_trait]
impl JobRunner for FleetRunner {
    async fn prepare(
        &self,
        request: &SubmitRequest,
        classes: &Classes,
        memory: u64,
    ) -> Result<Box<dyn ReadyJob>, RunnerError> {
        let mut request = JobRequest::try_from(request.clone())?;
        // Contents lie in the output before the job's turn comes, and it may wait for that for long.
        drop(request.take_contents());
        let resources = Resources { classes: classes.clone(), memory, models_installed: true };
        let planner = self.planner.clone();
        // Reads files, so on a thread that may wait.
        let opening = tokio::task::spawn_blocking(move || {
            check_source(&request.source)?;
            PreparedJob::open(request, resources, planner)
        });
        let prepared = opening.await.map_err(|error| RunnerError::Failed(error.to_string()))??;
        Ok(Box::new(prepared))
    }

    async fn keep_files(&self, request: &mut SubmitRequest) -> Result<(), RunnerError> {
        let output = Output::parse(&request.output).map_err(|error| RunnerError::Refused(error.to_string()))?;
        let mut named: Vec<NamedFile> = request.files.drain(..).map(NamedFile::from).collect();
        let contents = named.iter_mut().filter_map(|file| file.content.take()).collect();
        request.files = named.into_iter().map(RequestFile::from).collect();
        Ok(files::deposit(&output, contents).await?)
    }

    fn stages(&self) -> Vec<Stage> {
        let stage = |name: &str, version: u32, about: String| Stage { name: name.to_owned(), version, about, slots: 0 };
        let known = self.planner.registry().describe().map(|of| stage(&of.name, of.version, of.about));
        std::iter::once(stage(ingest::NAME, ingest::VERSION, ingest::ABOUT.to_owned())).chain(known).collect()
    }
}

#[async_trait]
impl ReadyJob for PreparedJob {
    fn memory(&self) -> (u64, u64) {
        (self.memory_needed(), self.request().memory.map_or(u64::MAX, NonZeroU64::get))
    }

    async fn run(self: Box<Self>, context: JobContext) -> Result<JobEnd, RunnerError> {
        let (abandon, abandoned) = oneshot::channel::<()>();
        let handle = Handle::current();
        // On a thread of its own: records and report are worked on at length between two awaits.
        let running = tokio::task::spawn_blocking(move || {
            handle.block_on(async {
                tokio::select! {
                    end = run_to_completion(*self, context) => end,
                    _ = abandoned => Err(RunnerError::Failed("the orchestrator is no longer the leader".to_owned())),
                }
            })
        });
        let end = running.await.map_err(|error| RunnerError::Failed(error.to_string()))?;
        drop(abandon);
        end
    }
}

/// Does a job to its end.
async fn run_to_completion(prepared: PreparedJob, context: JobContext) -> Result<JobEnd, RunnerError> {
    let job = RunningJob::begin(prepared.for_workers(context.classes, context.memory)?).await?;
    let slots = context.share.slots();
    let run = RunContext {
        name: context.name,
        bus: context.bus,
        blobs: context.blobs,
        share: context.share,
        interrupt: context.interrupt,
        progress: &context.progress,
    };
    let (summary, utilisation) = observe(context.workers.clone(), job.run(run)).await;
    let summary = summary?;
    let threads = slots.max(threads_of(&context.workers.borrow()));
    let reports = model_reports(context.workers, job.plan(), &summary).await;
    let machines = session_reports::machines(threads, &reports);
    let outcome =
        job.conclude(summary, Measured { machines, in_fleet: true, model_reports: reports, utilisation }).await?;
    Ok(end_of(&outcome))
}

/// Does work, and takes note of how busy workers say they are meanwhile; `None` when none said so.
async fn observe<T>(
    mut workers: watch::Receiver<Vec<Worker>>,
    work: impl Future<Output = T>,
) -> (T, Option<Utilisation>) {
    let (mut readings, mut followed) = (UtilisationBuilder::default(), true);
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return (done, Some(readings.build()).filter(|of| of.samples > 0)),
            changed = workers.changed(), if followed => {
                followed = changed.is_ok();
                add_loads(&mut readings, &workers.borrow_and_update());
            }
        }
    }
}

fn add_loads(readings: &mut UtilisationBuilder, workers: &[Worker]) {
    for (worker, load) in workers.iter().filter_map(|worker| worker.load.as_ref().map(|load| (worker, load))) {
        readings.add(&worker.host, &worker.name, &Reading::from(load));
    }
}

fn end_of(outcome: &JobOutcome) -> JobEnd {
    let message = match &outcome.summary.ending {
        Ending::Stopped(reason) => reason.clone(),
        _ => in_short(&outcome.problems()),
    };
    let status = match outcome.kind() {
        OutcomeKind::Done => JobStatus::Done,
        OutcomeKind::Partial => JobStatus::Partial,
        OutcomeKind::Interrupted => JobStatus::Cancelled,
        OutcomeKind::Stopped => JobStatus::Failed,
    };
    let silent = message.is_empty() && status != JobStatus::Done;
    JobEnd {
        status,
        message: if silent { outcome.kind().words().to_owned() } else { message },
        left_out: outcome.left_out.first_lines(),
    }
}

/// Threads that workers have together: those of one machine share its cores.
pub fn threads_of(workers: &[Worker]) -> usize {
    let mut hosts: BTreeMap<&str, usize> = BTreeMap::new();
    for worker in workers {
        let threads = hosts.entry(&worker.host).or_default();
        *threads = (*threads).max(worker.slots as usize);
    }
    hosts.values().sum()
}

/// How long workers may take to report models that they have just run.
const REPORTING: Duration = Duration::from_secs(5);

/// What the models of a fleet's workers really ran on, as soon as they have reported all that a plan names: workers report
/// themselves once a second, and a job may be shorter than that.
async fn model_reports(mut workers: watch::Receiver<Vec<Worker>>, plan: &Plan, summary: &JobSummary) -> Vec<Value> {
    let worked = |step: &&StepPlan| summary.progress.steps.iter().any(|of| of.step == step.name && of.tasks > 0);
    let steps = plan.steps.iter().filter(worked);
    let ran: BTreeSet<&str> = steps.flat_map(|step| &step.models).map(|model| model.id.as_str()).collect();
    let complete = |reports: &[Value]| ran.iter().all(|id| reports.iter().any(|report| report["model"] == *id));
    // A worker that has died since reports nothing any more.
    let _ = tokio::time::timeout(REPORTING, workers.wait_for(|all| complete(&reports(all)))).await;
    reports(&workers.borrow())
}

fn reports(workers: &[Worker]) -> Vec<Value> {
    let of = |worker: &Worker| {
        let mut reports: Vec<Value> = serde_json::from_str(&worker.models).unwrap_or_default();
        reports.iter_mut().for_each(|report| report["worker"] = worker.name.as_str().into());
        reports
    };
    workers.iter().flat_map(of).collect()
}

/// Refuses a source that this machine cannot see, with what can be done about it.
fn check_source(source: &str) -> Result<(), JobError> {
    let path = Path::new(source);
    if !path.is_absolute() && !source.contains("://") {
        return Err(JobError::Request(format!("the source {source} is relative: the fleet needs a whole path")));
    }
    let pattern = source.contains(['*', '?', '[', '{']);
    if source.contains("://") || pattern || path.exists() {
        return Ok(());
    }
    Err(JobError::Request(format!(
        "the fleet does not see {source}: it has to lie at this path on the orchestrator's machine and on those of the ingest \
         workers. Mount its folder there (compose: volumes of `orchestrator` and `ingest`; Kubernetes: the footage volume), \
         copy it to a place that the fleet sees, or use `framefleet run` on this machine"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_proto::control::WorkerLoad;

    #[tokio::test]
    async fn what_workers_say_while_a_job_runs_is_its_utilisation() {
        let load = WorkerLoad { seconds: 1.0, cpu_cores: 1.5, cores: 2, ..WorkerLoad::default() };
        let worker = |load: Option<WorkerLoad>| Worker { host: "a".to_owned(), load, ..Worker::default() };
        let (sender, workers) = watch::channel(Vec::new());
        let job = async {
            sender.send_replace(vec![worker(Some(load)), worker(None)]);
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
        };
        let ((), utilisation) = observe(workers, job).await;
        let utilisation = utilisation.unwrap();
        assert_eq!((utilisation.samples, utilisation.cpu()), (1, Some(0.75)));
        assert_eq!(observe(sender.subscribe(), async {}).await.1, None, "nobody said anything new");
    }

    #[test]
    fn threads_of_a_machine_are_counted_once() {
        let worker = |host: &str, slots| Worker { host: host.to_owned(), slots, ..Worker::default() };
        assert_eq!(threads_of(&[worker("a", 4), worker("a", 8), worker("b", 2)]), 10);
    }

    #[test]
    fn a_source_that_the_fleet_cannot_see_is_refused() {
        let refused = |source: &str| check_source(source).unwrap_err().to_string();
        assert!(refused("films").contains("needs a whole path"));
        assert!(refused("/nowhere/films").starts_with("the fleet does not see /nowhere/films: "));
        for seen in ["/nowhere/*.mp4", "s3://films", env!("CARGO_MANIFEST_DIR")] {
            assert!(check_source(seen).is_ok(), "{seen}");
        }
    }
}

//! Jobs of a fleet: planned with the stages of this program, done by the fleet's workers.
use crate::edits;
use crate::failure::Failure;
use crate::files;
use crate::job_work::{JobWork, in_short};
use crate::report_file;
use crate::spec::JobSpec;
use crate::terminal;
use async_trait::async_trait;
use framefleet_ledger::Output;
use framefleet_pipeline::{Plan, StepPlan};
use framefleet_proto::control::{JobState, Stage, SubmitRequest, Worker};
use framefleet_service::{Exit, ModelRuntime};
use framefleet_stage::Registry;
use orchestrator::fleet::{Classes, JobContext, JobEnd, JobError, JobRunner, ReadyJob};
use orchestrator::{Ending, JobOptions, JobRun, JobSummary, Machines, Orchestrator};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

/// Makes plans with a registry, and has them done.
pub struct FleetRunner {
    registry: Registry,
    model_runtime: Arc<ModelRuntime>,
}

impl FleetRunner {
    /// A runner that plans with these stages.
    pub fn new(registry: Registry, model_runtime: Arc<ModelRuntime>) -> Self {
        Self { registry, model_runtime }
    }

    /// Looks at the source of a request: reads files, so on a thread that may wait.
    async fn open(&self, request: &SubmitRequest, classes: &Classes, memory: u64) -> Result<JobWork, JobError> {
        let (registry, model_runtime) = (self.registry.clone(), Arc::clone(&self.model_runtime));
        let (mut request, classes) = (request.clone(), classes.clone());
        // They lie in the output before the job's turn comes, and it may wait for that for long.
        files::take_contents(&mut request.files);
        let opening = tokio::task::spawn_blocking(move || {
            see(&request)?;
            let spec = JobSpec::of_request(request, classes, memory, &registry).map_err(refused)?;
            JobWork::open(spec, registry, model_runtime).map_err(refused)
        });
        opening.await.map_err(|error| JobError::Failed(error.to_string()))?
    }
}

#[async_trait]
impl JobRunner for FleetRunner {
    async fn prepare(
        &self,
        request: &SubmitRequest,
        classes: &Classes,
        memory: u64,
    ) -> Result<Box<dyn ReadyJob>, JobError> {
        let work = self.open(request, classes, memory).await?;
        let plan = work.plan(&work.items).map_err(refused)?;
        let needed = plan.memory.needed.iter().copied().max().unwrap_or_default();
        Ok(Box::new(Looked { work, needed }))
    }

    async fn keep_files(&self, request: &mut SubmitRequest) -> Result<(), JobError> {
        let output = Output::parse(&request.output).map_err(|error| refused(Failure::usage(error)))?;
        files::deposit(&output, files::take_contents(&mut request.files)).await.map_err(refused)
    }

    fn stages(&self) -> Vec<Stage> {
        let stage = |name: &str, version: u32, about: String| Stage { name: name.to_owned(), version, about, slots: 0 };
        let known = self.registry.names().filter_map(|name| self.registry.get(name).ok()).map(|known| {
            let description = known.describe();
            stage(&description.name, description.version, description.about)
        });
        std::iter::once(stage(ingest::NAME, ingest::VERSION, ingest::ABOUT.to_owned())).chain(known).collect()
    }
}

/// A job whose source was probed.
struct Looked {
    work: JobWork,
    /// Bytes that its frames in flight must have.
    needed: u64,
}

#[async_trait]
impl ReadyJob for Looked {
    fn memory(&self) -> (u64, u64) {
        let wanted = self.work.spec.request.memory;
        (self.needed, if wanted > 0 { wanted } else { u64::MAX })
    }

    async fn run(self: Box<Self>, context: JobContext) -> Result<JobEnd, JobError> {
        let mut work = self.work;
        work.spec.plan.classes = context.classes.clone();
        work.spec.plan.memory = context.memory;
        let (abandon, abandoned) = oneshot::channel::<()>();
        let handle = Handle::current();
        // On a thread of its own: records and report are worked on at length between two awaits.
        let running = tokio::task::spawn_blocking(move || {
            handle.block_on(async {
                tokio::select! {
                    end = run_to_completion(work, context) => end,
                    _ = abandoned => Err(JobError::Failed("the orchestrator is no longer the leader".to_owned())),
                }
            })
        });
        let end = running.await.map_err(|error| JobError::Failed(error.to_string()))?;
        drop(abandon);
        end
    }
}

/// Does a job to its end.
async fn run_to_completion(work: JobWork, context: JobContext) -> Result<JobEnd, JobError> {
    let open = work.open_output().await.map_err(refused)?;
    let threads = context.share.slots();
    let project = &work.spec.request.project;
    let edits = edits::read(&open.ledger).await.map_err(refused)?;
    let run = JobRun {
        job: context.name,
        plan: Arc::clone(&open.plan),
        options: JobOptions { edits, earlier: open.earlier(), ..work.spec.job_options(&open.items) },
        items: open.items.clone(),
        project: if project.is_empty() { "default".to_owned() } else { project.clone() },
        share: context.share,
    };
    let orchestrator = Orchestrator { bus: context.bus, blobs: context.blobs, ledger: open.ledger.clone() };
    let summary = orchestrator.run(run, context.interrupt, &context.progress).await?;
    let message = match &summary.ending {
        Ending::Stopped(reason) => reason.clone(),
        _ => in_short(&work.problems(&summary)),
    };
    let threads = threads.max(threads_of(&context.workers.borrow()));
    let networks = networks(context.workers, &open.plan, &summary).await;
    let machines = Machines { threads, devices: report_file::devices(&networks) };
    let exit = work.conclude(open, &summary, machines, networks).await.map_err(refused)?;
    let state = match exit {
        Exit::Done => JobState::Done,
        Exit::Partial => JobState::Partial,
        Exit::Interrupted => JobState::Cancelled,
        _ => JobState::Failed,
    };
    let silent = message.is_empty() && state != JobState::Done;
    Ok(JobEnd { state, message: if silent { terminal::outcome(exit).to_owned() } else { message } })
}

/// Threads that workers have together: those of one machine share its cores.
fn threads_of(workers: &[Worker]) -> usize {
    let mut hosts: BTreeMap<&str, usize> = BTreeMap::new();
    for worker in workers {
        let threads = hosts.entry(&worker.host).or_default();
        *threads = (*threads).max(worker.slots as usize);
    }
    hosts.values().sum()
}

/// How long workers may take to tell of models that they have just run.
const TELLING: Duration = Duration::from_secs(5);

/// What the models of a fleet's workers really ran on, as soon as they have reported all that a plan names: workers report
/// themselves once a second, and a job may be shorter than that.
async fn networks(mut workers: watch::Receiver<Vec<Worker>>, plan: &Plan, summary: &JobSummary) -> Vec<Value> {
    let worked = |step: &&StepPlan| summary.progress.steps.iter().any(|of| of.step == step.name && of.tasks > 0);
    let steps = plan.steps.iter().filter(worked);
    let ran: BTreeSet<&str> = steps.flat_map(|step| &step.models).map(|model| model.id.as_str()).collect();
    let told = |reports: &[Value]| ran.iter().all(|id| reports.iter().any(|report| report["model"] == *id));
    // A worker that has died since tells nothing any more.
    let _ = tokio::time::timeout(TELLING, workers.wait_for(|all| told(&reports(all)))).await;
    reports(&workers.borrow())
}

fn reports(workers: &[Worker]) -> Vec<Value> {
    let of = |worker: &Worker| {
        let mut reports: Vec<Value> = serde_json::from_str(&worker.networks).unwrap_or_default();
        reports.iter_mut().for_each(|report| report["worker"] = worker.name.as_str().into());
        reports
    };
    workers.iter().flat_map(of).collect()
}

fn refused(failure: Failure) -> JobError {
    match failure.exit {
        Exit::Usage | Exit::Configuration | Exit::Failed => JobError::Refused(failure.message),
        _ => JobError::Failed(failure.message),
    }
}

/// Refuses a source that this machine cannot see, with what can be done about it.
fn see(request: &SubmitRequest) -> Result<(), JobError> {
    let source = Path::new(&request.source);
    if !source.is_absolute() && !request.source.contains("://") {
        return Err(JobError::Refused(format!(
            "the source {} is relative: the fleet needs a whole path",
            request.source
        )));
    }
    let pattern = request.source.contains(['*', '?', '[']);
    if request.source.contains("://") || pattern || source.exists() {
        return Ok(());
    }
    Err(JobError::Refused(format!(
        "the fleet does not see {}: it has to lie at this path on the orchestrator's machine and on those of the ingest \
         workers. Mount its folder there (compose: volumes of `orchestrator` and `ingest`; Kubernetes: the footage volume), \
         copy it to a place that the fleet sees, or use `framefleet run` on this machine",
        request.source
    )))
}

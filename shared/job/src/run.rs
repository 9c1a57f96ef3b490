//! A job that runs: its output is open and owned by this process.
mod conclude;

use crate::error::JobError;
use crate::files;
use crate::output::job_file::{self, JobFile};
use crate::output::{edits, folders, identity};
use crate::plan::Planner;
use crate::prepare::PreparedJob;
use crate::request::JobRequest;
use framefleet_bus::{Blobs, Bus};
use framefleet_frames::Item;
use framefleet_ledger::{Ledger, OpenOptions, Output};
use framefleet_orchestration::{JobOptions, JobRun, JobSummary, Machines, Orchestrator, Progress, QueueShare};
use framefleet_pipeline::Plan;
use framefleet_stage::SourceStage;
use framefleet_utilisation::Utilisation;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What writes outputs, as their owners are noted.
const BUILD: &str = concat!("framefleet ", env!("CARGO_PKG_VERSION"));

/// Whom a job is for that does not say.
const DEFAULT_PROJECT: &str = "default";

/// A job with its output open.
pub struct RunningJob {
    prepared: PreparedJob,
    ledger: Ledger,
    plan: Arc<Plan>,
    /// Stills in the order that the output keeps.
    items: Vec<Item>,
    job_file: JobFile,
}

/// Where a job runs.
pub(crate) struct RunContext<'a> {
    /// The job's name on the bus; without dots.
    pub name: String,
    /// Carries tasks and events.
    pub bus: Arc<dyn Bus>,
    /// Holds volatile frames.
    pub blobs: Arc<dyn Blobs>,
    /// The job's share of the queues.
    pub share: QueueShare,
    /// Cancelled when it is to end early.
    pub interrupt: CancellationToken,
    /// Receives its progress.
    pub progress: &'a watch::Sender<Progress>,
}

/// What was measured of the machines while a job ran.
pub(crate) struct Measured {
    /// What it could run on.
    pub machines: Machines,
    /// Whether that is a fleet's workers.
    pub in_fleet: bool,
    /// What its models really ran on: reports of sessions as JSON.
    pub model_reports: Vec<Value>,
    /// How busy workers and devices were, as far as that was read.
    pub utilisation: Option<Utilisation>,
}

impl RunningJob {
    /// Opens the output and writes down what is begun there.
    pub async fn begin(prepared: PreparedJob) -> Result<Self, JobError> {
        let request = prepared.request();
        let output = Output::parse(&request.output).map_err(|error| JobError::Request(error.to_string()))?;
        let identity = identity::of(&request.source, prepared.items())?;
        files::deposit(&output, prepared.contents().to_vec()).await?;
        let options = OpenOptions { fresh: request.fresh, build: BUILD.to_owned(), source: identity };
        let ledger = Ledger::open(output, options).await?;
        let mut items = prepared.items().to_vec();
        folders::recognise(&mut items, &ledger).await?;
        let job_file = JobFile::open(&ledger, prepared.planner().registry()).await?;
        let plan = Arc::new(prepared.plan(&items)?);
        keep_classes(request, job_file.classes(), &plan)?;
        files::check(&ledger, &plan).await?;
        job_file.begin(&ledger, request, &plan).await?;
        Ok(Self { prepared, ledger, plan, items, job_file })
    }

    /// Runs the job to its end, or until it is interrupted.
    pub(crate) async fn run(&self, context: RunContext<'_>) -> Result<JobSummary, JobError> {
        let request = self.prepared.request();
        let run = JobRun {
            job: context.name,
            plan: Arc::clone(&self.plan),
            options: JobOptions {
                edits: edits::file::read(&self.ledger).await?,
                earlier: Arc::new(self.job_file.last().earlier(&self.plan)),
                ..request.options(&self.items)
            },
            items: self.items.clone(),
            project: request.project.clone().unwrap_or_else(|| DEFAULT_PROJECT.to_owned()),
            share: context.share,
        };
        let orchestrator = Orchestrator { bus: context.bus, blobs: context.blobs, ledger: self.ledger.clone() };
        Ok(orchestrator.run(run, context.interrupt, context.progress).await?)
    }

    /// The plan.
    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The output, owned by this process.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Stages and models of this machine.
    pub(crate) fn planner(&self) -> &Planner {
        self.prepared.planner()
    }

    /// Opens the source's items.
    pub(crate) fn source(&self) -> Arc<dyn SourceStage> {
        self.prepared.source()
    }
}

/// An output keeps the classes it was begun with; a machine of another class refuses, unless the user says to continue.
fn keep_classes(request: &JobRequest, begun: &BTreeMap<String, String>, plan: &Plan) -> Result<(), JobError> {
    let changed = job_file::classes(plan).into_iter().find_map(|(step, class)| {
        let begun = begun.get(&step).filter(|begun| **begun != class)?;
        Some((step, begun, class))
    });
    match changed {
        Some((step, begun, class)) if !request.mixed_class => Err(JobError::Configuration(format!(
            "step {step} was begun in execution class {begun}, now it would be {class}: answers may differ in the last bits; \
             use another --output, or --mixed-class to continue all the same"
        ))),
        _ => Ok(()),
    }
}

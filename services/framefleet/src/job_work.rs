//! A job from its source to its report: what is the same in one process and in a fleet.
use crate::failure::Failure;
use crate::files;
use crate::job_file::{JobFile, RunFacts};
use crate::report_file::{self, ReportFacts};
use crate::spec::JobSpec;
use crate::{edits, folders, identity, job_file, submit, terminal};
use framefleet_ledger::{Ledger, OpenOptions, Output};
use framefleet_media::Item;
use framefleet_pipeline::Plan;
use framefleet_records::write_failures;
use framefleet_report::model::State;
use framefleet_service::{Exit, ModelRuntime};
use framefleet_stage::{Registry, SourceStage};
use orchestrator::{Earlier, Ending, JobSummary, Machines};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A job whose source was probed.
pub struct JobWork {
    /// What is wanted.
    pub spec: JobSpec,
    /// The stages.
    pub registry: Registry,
    /// What this machine has for models.
    pub model_runtime: Arc<ModelRuntime>,
    /// Opens the source's items.
    pub source: Arc<dyn SourceStage>,
    /// The items, as their headers describe them.
    pub items: Vec<Item>,
    /// Files of the source that are no readable item: (name, why).
    pub refused: Vec<(String, String)>,
}

/// A job with its output open.
pub struct OpenJob {
    /// The output, owned.
    pub ledger: Ledger,
    /// What is to be done.
    pub plan: Arc<Plan>,
    /// The items, stills in the order that the output keeps.
    pub items: Vec<Item>,
    job_file: JobFile,
}

impl OpenJob {
    /// What this run is likely to find done.
    pub fn earlier(&self) -> Arc<Earlier> {
        Arc::new(self.job_file.last.earlier(&self.plan))
    }
}

impl JobWork {
    /// Looks at the source. What is wrong with the pipeline is said before the source is touched.
    pub fn open(spec: JobSpec, registry: Registry, model_runtime: Arc<ModelRuntime>) -> Result<Self, Failure> {
        let unbounded = submit::PlanOptions { memory: u64::MAX, ..spec.plan.clone() };
        submit::plan_of(&spec.pipeline, &[], &unbounded, &registry, &model_runtime)?;
        let (source, probe) = submit::open_source(&spec.request.source, &spec.pipeline)?;
        Ok(Self { spec, registry, model_runtime, source: Arc::new(source), items: probe.items, refused: probe.refused })
    }

    /// The plan over the items as they are known now.
    pub fn plan(&self, items: &[Item]) -> Result<Plan, Failure> {
        submit::plan_of(&self.spec.pipeline, items, &self.spec.plan, &self.registry, &self.model_runtime)
    }

    /// Opens the output. A plan that cannot fit is refused before anything is touched.
    pub async fn open_output(&self) -> Result<OpenJob, Failure> {
        let output = Output::parse(&self.spec.request.output).map_err(Failure::usage)?;
        self.plan(&self.items)?;
        let build = format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        let identity = identity::of(&self.spec.request.source, &self.items)?;
        files::deposit(&output, self.spec.contents.clone()).await?;
        let ledger =
            Ledger::open(output, OpenOptions { fresh: self.spec.request.fresh, build, source: identity }).await?;
        let mut items = self.items.clone();
        folders::recognise(&mut items, &ledger).await?;
        let job_file = JobFile::open(&ledger, &self.registry).await?;
        let plan = Arc::new(self.plan(&items)?);
        self.keep_classes(&job_file.classes, &plan)?;
        files::check(&ledger, &plan).await?;
        job_file.begin(&ledger, &self.spec.request, &plan).await?;
        Ok(OpenJob { ledger, plan, items, job_file })
    }

    /// An output keeps the classes it was begun with; a machine of another class refuses, unless the user says to continue.
    fn keep_classes(&self, begun: &BTreeMap<String, String>, plan: &Plan) -> Result<(), Failure> {
        let changed = job_file::classes(plan).into_iter().find_map(|(step, class)| {
            let begun = begun.get(&step).filter(|begun| **begun != class)?;
            Some((step, begun, class))
        });
        match changed {
            Some((step, begun, class)) if !self.spec.request.mixed_class => Err(Failure::configuration(format!(
                "step {step} was begun in execution class {begun}, now it would be {class}: answers may differ in the last bits; \
                 use another --output, or --mixed-class to continue all the same"
            ))),
            _ => Ok(()),
        }
    }

    /// Leaves failures.jsonl, report and job.json in the output, and gives it back. It ran on `machines`;
    /// `networks` tells what those of the job's machines really ran on. The exit code.
    pub async fn conclude(
        &self,
        mut open: OpenJob,
        summary: &JobSummary,
        machines: Machines,
        networks: Vec<Value>,
    ) -> Result<Exit, Failure> {
        let manifests = open.ledger.manifests().await?;
        let items: Vec<(String, String)> = self.refused.iter().chain(&summary.damage).cloned().collect();
        let failures = write_failures(&open.ledger, &manifests, &items).await?;
        let exit = exit_of(summary, failures);
        edits::follow(&open.ledger, &summary.edits.moved).await?;
        let report = ReportFacts {
            source: &self.spec.request.source,
            started: open.job_file.started(),
            state: self.state(summary, exit),
            plan: &open.plan,
            fields: &open.job_file.fields,
            progress: &summary.progress,
            machines,
        };
        report_file::draw(&open.ledger, Arc::clone(&self.source), &report).await?;
        let facts =
            RunFacts { outcome: terminal::outcome(exit), failures, refused: self.refused.clone(), machines, networks };
        open.job_file.end(&open.ledger, &self.spec.request, &open.plan, summary, &facts).await?;
        open.ledger.compact().await?;
        open.ledger.close().await?;
        Ok(exit)
    }

    fn state(&self, summary: &JobSummary, exit: Exit) -> (State, String) {
        let preview = self.spec.request.preview;
        match (&summary.ending, (preview > 0).then_some(preview), exit) {
            (Ending::Stopped(reason), ..) => (State::Unfinished, reason.clone()),
            (Ending::Interrupted, ..) => {
                (State::Unfinished, "Interrupted; run the same command again to resume.".to_owned())
            }
            (_, Some(batches), _) => {
                (State::Unfinished, format!("A preview of {batches} batches; run without --preview for all of it."))
            }
            (_, None, Exit::Done) => (State::Complete, in_short(&summary.edits.lost)),
            _ => (State::Partial, in_short(&self.problems(summary))),
        }
    }

    /// What did not work, one line each: unreadable items, finishes that failed, corrections that have lost what they speak of.
    pub fn problems(&self, summary: &JobSummary) -> Vec<String> {
        let unread = self.refused.iter().chain(&summary.damage).map(|(item, why)| format!("{item}: {why}"));
        let unfinished =
            summary.unfinished.iter().map(|(step, why)| format!("the finish of step {step} failed: {why}"));
        unread.chain(unfinished).chain(summary.edits.lost.iter().cloned()).collect()
    }
}

/// Problems that are named where there is not room for all.
const NAMED: usize = 10;

/// Problems in a line: the first ones, and how many more there are.
pub fn in_short(problems: &[String]) -> String {
    let named = problems.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join("; ");
    match problems.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named}; and {more} more, which failures.jsonl lists"),
    }
}

/// The exit code of a run.
fn exit_of(summary: &JobSummary, failures: u64) -> Exit {
    match &summary.ending {
        Ending::Stopped(_) => Exit::Failed,
        Ending::Interrupted => Exit::Interrupted,
        Ending::Finished if failures > 0 || !summary.unfinished.is_empty() => Exit::Partial,
        Ending::Finished => Exit::Done,
    }
}

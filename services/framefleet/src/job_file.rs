//! `job.json`: what was run over what, with which versions, how long it took, and what earlier runs did.
use crate::failure::Failure;
use crate::last_run::LastRun;
use bytes::Bytes;
use framefleet_ledger::Ledger;
use framefleet_pipeline::{Plan, PlannedModel, StepPlan};
use framefleet_proto::control::SubmitRequest;
use framefleet_stage::{Field, Registry};
use orchestrator::{Efficiency, JobSummary, Machines, Progress};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// Where it lies in the output.
const FILE: &str = "job.json";
/// Runs that the history keeps.
const HISTORY: usize = 100;

/// One run, as the history keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunRecord {
    /// When it began, RFC 3339, UTC.
    pub started: String,
    /// How it ended: `running` until it has.
    pub ending: String,
    /// Wall time in seconds.
    pub seconds: f64,
    /// Owner's epoch in the ledger.
    pub epoch: u64,
}

/// The file of an output, as runs before this one left it.
pub struct JobFile {
    history: Vec<RunRecord>,
    /// Execution classes that the output was begun with, by step.
    pub classes: BTreeMap<String, String>,
    /// What the output's stages say of their results, by stage: how a report shows them.
    pub fields: BTreeMap<String, Vec<Field>>,
    /// What the last run ended with.
    pub last: LastRun,
    this: RunRecord,
}

impl JobFile {
    /// What an output's last run was asked for.
    pub async fn request(ledger: &Ledger) -> Result<Option<SubmitRequest>, Failure> {
        let Some(bytes) = ledger.read_file(FILE).await? else { return Ok(None) };
        let document: Value = serde_json::from_slice(&bytes)?;
        Ok(serde_json::from_value(document["request"].clone()).ok())
    }

    /// The settings of ingest that an output was made with; none where its job.json does not say.
    pub async fn ingest(ledger: &Ledger) -> Result<Map<String, Value>, Failure> {
        let Some(bytes) = ledger.read_file(FILE).await? else { return Ok(Map::new()) };
        let mut document: Value = serde_json::from_slice(&bytes)?;
        Ok(serde_json::from_value(document["plan"]["ingest"].take()).unwrap_or_default())
    }

    /// Reads the file of an output that this process owns. What stages say of their results is as `registry` has it: outputs of
    /// earlier versions, and of other programs' stages, keep what they have.
    pub async fn open(ledger: &Ledger, registry: &Registry) -> Result<Self, Failure> {
        let earlier: Value = match ledger.read_file(FILE).await? {
            Some(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            None => Value::Null,
        };
        let history: Vec<RunRecord> = serde_json::from_value(earlier["history"].clone()).unwrap_or_default();
        let mut fields: BTreeMap<String, Vec<Field>> =
            serde_json::from_value(earlier["fields"].clone()).unwrap_or_default();
        fields.extend(registry.describe().map(|stage| (stage.name, stage.fields)).filter(|(_, of)| !of.is_empty()));
        Ok(Self {
            fields,
            classes: serde_json::from_value(earlier["classes"].clone()).unwrap_or_default(),
            last: LastRun::of(&earlier),
            history,
            this: RunRecord {
                started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
                ending: "running".to_owned(),
                seconds: 0.0,
                epoch: ledger.epoch(),
            },
        })
    }

    /// When this run began.
    pub fn started(&self) -> &str {
        &self.this.started
    }

    /// Writes the file as the run begins, so that an output that is interrupted says what it is.
    pub async fn begin(&self, ledger: &Ledger, request: &SubmitRequest, plan: &Plan) -> Result<(), Failure> {
        self.write(ledger, request, plan, &Value::Null, &[]).await
    }

    /// Writes the file as the run ends.
    pub async fn end(
        &mut self,
        ledger: &Ledger,
        request: &SubmitRequest,
        plan: &Plan,
        summary: &JobSummary,
        facts: &RunFacts,
    ) -> Result<(), Failure> {
        self.this.ending = facts.outcome.to_owned();
        self.this.seconds = summary.progress.elapsed.as_secs_f64();
        let results = json!({
            "outcome": facts.outcome,
            "refused": pairs(&facts.refused),
            "damage": pairs(&summary.damage),
            "unfinished": pairs(&summary.unfinished),
            "lost_edits": summary.edits.lost,
            "failures": facts.failures,
            "timings": timings(&summary.progress, facts.machines),
            "items": summary.items,
        });
        self.write(ledger, request, plan, &results, &facts.networks).await
    }

    async fn write(
        &self,
        ledger: &Ledger,
        request: &SubmitRequest,
        plan: &Plan,
        results: &Value,
        networks: &[Value],
    ) -> Result<(), Failure> {
        let mut history = self.history.clone();
        history.push(self.this.clone());
        let kept = history.split_off(history.len().saturating_sub(HISTORY));
        let document = json!({
            "schema": 1,
            "source": request.source,
            "request": request,
            "version": env!("CARGO_PKG_VERSION"),
            "plan": plan,
            "fields": self.fields,
            "classes": classes(plan),
            "models": models(plan, networks),
            "results": results,
            "history": kept,
        });
        ledger.write_file(FILE, Bytes::from(serde_json::to_vec_pretty(&document)?)).await?;
        Ok(())
    }
}

/// What a run has come to, besides the orchestrator's summary.
pub struct RunFacts {
    /// In words.
    pub outcome: &'static str,
    /// Frames that failed, in all steps.
    pub failures: u64,
    /// Files of the source that are no readable item: (name, why).
    pub refused: Vec<(String, String)>,
    /// What it could run on.
    pub machines: Machines,
    /// What the models of the machines that worked really ran on: reports of sessions.
    pub networks: Vec<Value>,
}

/// Execution classes of a plan's steps.
pub fn classes(plan: &Plan) -> BTreeMap<String, String> {
    let class = |(index, step): (usize, &StepPlan)| (step.name.clone(), plan.class_of(index).to_owned());
    plan.steps.iter().enumerate().map(class).collect()
}

/// The models of a plan, each with what its sessions really ran on.
fn models(plan: &Plan, networks: &[Value]) -> Vec<Value> {
    let planned = plan.steps.iter().flat_map(|step| step.models.iter().map(move |model| (step, model)));
    let entry = |(step, model): (&StepPlan, &PlannedModel)| {
        let ran: Vec<&Value> = networks.iter().filter(|ran| ran["model"] == model.id.as_str()).collect();
        let mut entry = json!(model);
        entry["step"] = step.name.as_str().into();
        entry["ran"] = json!(ran);
        entry
    };
    planned.map(entry).collect()
}

fn pairs(list: &[(String, String)]) -> Vec<Value> {
    list.iter().map(|(name, reason)| json!({ "name": name, "reason": reason })).collect()
}

fn timings(progress: &Progress, machines: Machines) -> Value {
    let step = |step: &orchestrator::StepProgress| {
        json!({
            "step": step.step, "tasks": step.tasks, "frames": step.frames_worked, "reused": step.reused,
            "task_seconds": step.task_seconds, "cpu_seconds": step.cpu_seconds, "device_seconds": step.device_seconds,
            "frames_per_second": (step.task_seconds > 0.0).then(|| step.frames_worked as f64 / step.task_seconds),
        })
    };
    let efficiency = Efficiency::of(progress, machines);
    json!({
        "seconds": progress.elapsed.as_secs_f64(),
        "first_result_seconds": progress.first_result.map(|time| time.as_secs_f64()),
        "threads": machines.threads,
        "devices": machines.devices,
        "efficiency": efficiency.efficiency,
        "cpu": efficiency.cpu,
        "device": efficiency.device,
        "utilisation": efficiency.utilisation,
        "waiting": efficiency.waiting,
        "bottleneck": progress.bottleneck().map(|step| &step.step),
        "steps": progress.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

//! `job.json`: what was run over what, with which versions, how long it took, and what earlier runs did.
use super::last_run::LastRun;
use crate::error::JobError;
use crate::outcome::JobOutcome;
use crate::request::JobRequest;
use bytes::Bytes;
use framefleet_ledger::Ledger;
use framefleet_orchestration::{Efficiency, StepProgress};
use framefleet_pipeline::{Plan, PlannedModel, StepPlan};
use framefleet_proto::control::SubmitRequest;
use framefleet_stage::{Field, Registry};
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
struct RunRecord {
    /// When it began, RFC 3339, UTC.
    started: String,
    /// How it ended: `running` until it has.
    ending: String,
    /// Wall time in seconds.
    seconds: f64,
    /// Owner's epoch in the ledger.
    epoch: u64,
}

/// The file of an output, as runs before this one left it.
pub(crate) struct JobFile {
    history: Vec<RunRecord>,
    /// Execution classes that the output was begun with, by step.
    classes: BTreeMap<String, String>,
    /// What the output's stages say of their results, by stage: how a report shows them.
    fields: BTreeMap<String, Vec<Field>>,
    last: LastRun,
    this: RunRecord,
}

/// What an output's last run was asked for; `None` when its job.json does not say.
pub async fn request(ledger: &Ledger) -> Result<Option<JobRequest>, JobError> {
    let Some(bytes) = ledger.read_file(FILE).await? else { return Ok(None) };
    let document: Value = serde_json::from_slice(&bytes)?;
    let message: Option<SubmitRequest> = serde_json::from_value(document["request"].clone()).ok();
    message.map(JobRequest::try_from).transpose()
}

/// The settings of ingest that an output was made with; none where its job.json does not say.
pub(crate) async fn ingest(ledger: &Ledger) -> Result<Map<String, Value>, JobError> {
    let Some(bytes) = ledger.read_file(FILE).await? else { return Ok(Map::new()) };
    let mut document: Value = serde_json::from_slice(&bytes)?;
    Ok(serde_json::from_value(document["plan"]["ingest"].take()).unwrap_or_default())
}

impl JobFile {
    /// Reads the file of an output that this process owns. What stages say of their results is as `registry` has it: outputs of
    /// earlier versions, and of other programs' stages, keep what they have.
    pub async fn open(ledger: &Ledger, registry: &Registry) -> Result<Self, JobError> {
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

    /// Execution classes that the output was begun with, by step.
    pub fn classes(&self) -> &BTreeMap<String, String> {
        &self.classes
    }

    /// What the output's stages say of their results, by stage.
    pub fn fields(&self) -> &BTreeMap<String, Vec<Field>> {
        &self.fields
    }

    /// What the last run ended with.
    pub fn last(&self) -> &LastRun {
        &self.last
    }

    /// Writes the file as the run begins, so that an output that is interrupted says what it is.
    pub async fn begin(&self, ledger: &Ledger, request: &JobRequest, plan: &Plan) -> Result<(), JobError> {
        self.write(ledger, request, plan, &Value::Null, &[]).await
    }

    /// Writes the file as the run ends.
    pub async fn end(
        &mut self,
        ledger: &Ledger,
        request: &JobRequest,
        plan: &Plan,
        outcome: &JobOutcome,
        model_reports: &[Value],
    ) -> Result<(), JobError> {
        let (summary, words) = (&outcome.summary, outcome.kind().words());
        self.this.ending = words.to_owned();
        self.this.seconds = summary.progress.elapsed.as_secs_f64();
        let results = json!({
            "outcome": words,
            "refused": pairs(&outcome.refused),
            "left_out": outcome.left_out,
            "damage": pairs(&summary.damage),
            "unfinished": pairs(&summary.unfinished),
            "lost_edits": summary.edits.lost,
            "failures": outcome.failures,
            "timings": timings(outcome),
            "items": summary.items,
        });
        self.write(ledger, request, plan, &results, model_reports).await
    }

    async fn write(
        &self,
        ledger: &Ledger,
        request: &JobRequest,
        plan: &Plan,
        results: &Value,
        model_reports: &[Value],
    ) -> Result<(), JobError> {
        let mut history = self.history.clone();
        history.push(self.this.clone());
        let kept = history.split_off(history.len().saturating_sub(HISTORY));
        let document = json!({
            "schema": 1,
            "source": request.source,
            "request": SubmitRequest::from(request),
            "version": env!("CARGO_PKG_VERSION"),
            "plan": plan,
            "fields": self.fields,
            "classes": classes(plan),
            "models": models(plan, model_reports),
            "results": results,
            "history": kept,
        });
        ledger.write_file(FILE, Bytes::from(serde_json::to_vec_pretty(&document)?)).await?;
        Ok(())
    }
}

/// Execution classes of a plan's steps.
pub(crate) fn classes(plan: &Plan) -> BTreeMap<String, String> {
    let class = |(index, step): (usize, &StepPlan)| (step.name.clone(), plan.class_of(index).to_owned());
    plan.steps.iter().enumerate().map(class).collect()
}

/// The models of a plan, each with what its sessions really ran on.
fn models(plan: &Plan, reports: &[Value]) -> Vec<Value> {
    let planned = plan.steps.iter().flat_map(|step| step.models.iter().map(move |model| (step, model)));
    let entry = |(step, model): (&StepPlan, &PlannedModel)| {
        let ran: Vec<&Value> = reports.iter().filter(|ran| ran["model"] == model.id.as_str()).collect();
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

/// Where time went. Of a step: seconds on the wall, of a processor (of the threads that did its tasks) and of devices, those around its
/// tasks' own work, how long tasks took, and the largest resident memory of a process that did some of them.
fn timings(outcome: &JobOutcome) -> Value {
    let (summary, performance) = (&outcome.summary, &outcome.performance);
    let (progress, machines) = (&summary.progress, performance.machines);
    let step = |step: &StepProgress| {
        json!({
            "step": step.step, "tasks": step.tasks, "frames": step.frames_worked, "reused": step.reused,
            "task_seconds": step.task_seconds, "cpu_seconds": step.cpu_seconds, "device_seconds": step.device_seconds,
            "delay_seconds": step.delay_seconds, "waits": step.waits, "peak_memory": (step.peak_memory > 0).then_some(step.peak_memory),
            "latency": summary.latencies.iter().find(|of| of.step == step.step),
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
        "findings": performance.findings,
        "machines": performance.utilisation,
        "steps": progress.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

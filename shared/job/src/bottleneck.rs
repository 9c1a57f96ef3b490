//! What held a job up, and which of its settings helps.
use crate::prepare::PreparedJob;
use crate::run::Measured;
use framefleet_bottleneck::{Finding, StepFigures};
use framefleet_orchestration::{Progress, figures};
use framefleet_pipeline::{Plan, StepPlan};
use serde_json::Value;

/// The profile that computes least.
const FAST: &str = "fast";

/// What held a run up, the most pressing first.
pub(crate) fn findings(job: &PreparedJob, plan: &Plan, progress: &Progress, measured: &Measured) -> Vec<Finding> {
    let mut known = figures(progress, measured.machines, measured.utilisation.as_ref());
    known.in_fleet = measured.in_fleet;
    known.frame_memory = Some(plan.memory.budget);
    for figures in &mut known.steps {
        if let Some(step) = plan.steps.iter().find(|step| step.name == figures.step) {
            add_settings(figures, step, job, &measured.model_reports);
        }
    }
    framefleet_bottleneck::findings(&known)
}

/// Adds what settings can change of a step.
fn add_settings(figures: &mut StepFigures, step: &StepPlan, job: &PreparedJob, reports: &[Value]) {
    let free = step.models.iter().filter(|model| model.one_by_one.is_none());
    let planned = || free.map(|model| model.micro_batch as u64).max();
    // What the setting says, or was planned where it says nothing.
    let batch = step.settings.get("micro_batch").and_then(|setting| setting.as_u64().or_else(planned));
    // A model that fixes its batch does not follow the setting.
    figures.micro_batch = batch.filter(|batch| {
        let of_step = |report: &&Value| step.models.iter().any(|model| report["model"] == model.id.as_str());
        reports.iter().filter(of_step).any(|report| report["micro_batch"] == *batch)
    });
    let profile = job.pipeline().steps.iter().find(|of| of.name == step.name).and_then(|of| of.profile.as_deref());
    let stage = job.planner().registry().get(&step.stage);
    figures.has_faster_profile =
        profile != Some(FAST) && stage.is_ok_and(|stage| stage.describe().profiles.contains_key(FAST));
}

//! Whether a combination is one at all, and whether it ran as it was asked to: figures of anything else would be claimed.
use crate::matrix::Combination;
use framefleet_infer::SessionReport;
use framefleet_pipeline::Plan;

/// Before anything runs: what speaks of models needs some.
pub(super) fn before(plan: &Plan, combination: &Combination) -> Result<(), String> {
    let has_models = plan.steps.iter().any(|step| !step.models.is_empty());
    let asked = [
        combination.batch.map(|batch| format!("a batch of {batch}")),
        combination.precision.map(|precision| precision.to_string()),
        combination.backend.map(|backend| format!("backend {backend}")),
    ];
    match asked.into_iter().flatten().next() {
        Some(asked) if !has_models => Err(format!("{asked} changes nothing: the pipeline runs no models")),
        _ => Ok(()),
    }
}

/// After the warm-up: what the models of the plan really ran on.
pub(super) fn after(plan: &Plan, combination: &Combination, reports: &[SessionReport]) -> Result<(), String> {
    let planned =
        |report: &&SessionReport| plan.steps.iter().flat_map(|step| &step.models).any(|model| model.id == report.model);
    let ran: Vec<&SessionReport> = reports.iter().filter(planned).collect();
    if let Some(batch) = combination.batch
        && !ran.iter().any(|report| report.micro_batch == batch as usize)
    {
        let found: Vec<String> =
            ran.iter().map(|report| format!("{} ran batches of {}", report.model, report.micro_batch)).collect();
        return Err(format!("no model took batches of {batch}: {}", found.join(", ")));
    }
    for report in ran {
        if let Some(precision) = combination.precision
            && report.precision != precision
        {
            return Err(format!("{} ran in {}, not in {precision}", report.model, report.precision));
        }
        if let (Some(backend), Some(provider)) = (combination.backend, report.provider)
            && backend.0 != provider
        {
            return Err(format!("{} ran by {provider}, not by {backend}", report.model));
        }
    }
    Ok(())
}

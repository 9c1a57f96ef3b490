//! The report of an output, read through its ledger.
use crate::gather::{Gathering, JobFacts};
use crate::{Report, ReportError, Thumbnails};
use framefleet_ledger::{Ledger, TaskKey};
use framefleet_proto::v1::StepManifest;
use futures::TryStreamExt;

/// Reads the steps that the output of `ledger` holds into a report, in the order of the plan in `facts`. Seconds in tasks
/// that `facts` does not know are those of the ledger's entries. Memory does not grow with the footage, but for its
/// presentation times. Pictures are asked for at the end, one item at a time.
pub async fn gather(ledger: &Ledger, mut facts: JobFacts, thumbnails: &dyn Thumbnails) -> Result<Report, ReportError> {
    let mut manifests = ledger.manifests().await?;
    let planned = |step: &str| facts.plan.steps.iter().position(|planned| planned.step == step).unwrap_or(usize::MAX);
    manifests.sort_by_key(|manifest| planned(&manifest.step));
    for manifest in &manifests {
        facts.task_seconds.entry(manifest.step.clone()).or_insert_with(|| task_seconds(ledger, manifest));
    }
    let mut gathering = Gathering::new(facts, &manifests);
    for manifest in &manifests {
        gathering.begin_step(manifest);
        let mut rows = ledger.rows(manifest);
        while let Some(row) = rows.try_next().await? {
            gathering.row(&row.item, row.frame, row.pts_ns, &row.outcome, &row.to_json(&manifest.kinds)?);
        }
        gathering.scoped(&ledger.scoped(manifest).await?)?;
        gathering.end_step();
    }
    Ok(gathering.finish(thumbnails))
}

/// Seconds that the tasks of a step took, as far as its entries say.
fn task_seconds(ledger: &Ledger, manifest: &StepManifest) -> f64 {
    let tasks = manifest.items.iter().flat_map(|item| &item.tasks).map(|task| &task.key);
    let keys = tasks.chain([&manifest.finish_key]).filter_map(|key| TaskKey::from_bytes(key).ok());
    keys.filter_map(|key| ledger.entry(&key)).map(|entry| entry.stage_seconds).sum()
}

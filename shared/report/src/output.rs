//! The report of an output, read through its ledger.
use crate::gather::{Gathering, JobFacts};
use crate::{Report, ReportError, Thumbnails};
use framefleet_ledger::{Ledger, LedgerError, TaskKey};
use framefleet_objects::record;
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
        if !facts.task_seconds.contains_key(&manifest.step) {
            facts.task_seconds.insert(manifest.step.clone(), task_seconds(ledger, manifest).await?);
        }
    }
    let mut gathering = Gathering::new(facts, &manifests);
    for manifest in &manifests {
        let mut tasks = ledger.tasks(manifest);
        while let Some(task) = tasks.try_next().await? {
            gathering.task(manifest.item_name(&task), &task);
        }
    }
    for manifest in &manifests {
        gathering.begin_step(manifest);
        let mut rows = ledger.rows(manifest);
        while let Some(row) = rows.try_next().await? {
            gathering.row(&row.item, row.frame, row.pts_ns, &row.outcome, &record(&row, &manifest.kinds)?);
        }
        gathering.scoped(ledger.scoped(manifest).await?.as_ref())?;
        gathering.end_step();
    }
    Ok(gathering.finish(thumbnails))
}

/// Seconds that the tasks of a step took, as far as its entries say.
async fn task_seconds(ledger: &Ledger, manifest: &StepManifest) -> Result<f64, LedgerError> {
    let of = |key: &[u8]| TaskKey::from_bytes(key).ok().and_then(|key| ledger.entry(&key));
    let seconds = |key: &[u8]| of(key).map_or(0.0, |entry| entry.stage_seconds);
    let tasks = ledger.tasks(manifest).try_fold(0.0, |sum, task| async move { Ok(sum + seconds(&task.key)) });
    Ok(tasks.await? + seconds(&manifest.finish_key))
}

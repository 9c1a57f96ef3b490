//! Removing what no result refers to any more.
use framefleet_ledger::{Ledger, LedgerError, Maintenance, TaskKey, finish_key, layout};
use framefleet_proto::v1::{Entry, PartKind, StepManifest};
use futures::TryStreamExt;
use std::collections::HashSet;
use std::sync::Arc;

/// Removes the entries of a step that no manifest refers to: the results of earlier settings. Those that this run has asked
/// for stay, unless their artifacts were written over.
pub(crate) async fn prune(ledger: &Ledger, maintenance: &Maintenance<'_>, step: &str) -> Result<(), LedgerError> {
    let unused = unused(ledger, step).await?;
    if unused.is_empty() { Ok(()) } else { maintenance.remove_entries(&unused).await }
}

/// The entries of a step that are to go.
async fn unused(ledger: &Ledger, step: &str) -> Result<Vec<(TaskKey, Arc<Entry>)>, LedgerError> {
    let steps = ledger.completed_steps().await?;
    let mut referred = HashSet::new();
    for manifest in steps.iter().filter_map(|step| step.manifest.as_ref()) {
        note_referred(ledger, manifest, &mut referred).await?;
    }
    let published: HashSet<&[u8]> =
        steps.iter().flat_map(|step| &step.files).map(|file| file.digest.as_ref()).collect();
    let of_step = |entry: &Entry| entry.id.as_ref().is_some_and(|id| id.step == step);
    let mut unused = Vec::new();
    for (key, entry) in ledger.entries_where(|key, entry| of_step(entry) && !referred.contains(key)) {
        if !ledger.was_asked(&key) || lost_artifacts(ledger, &key, &entry, &published).await? {
            unused.push((key, entry));
        }
    }
    Ok(unused)
}

/// Adds the keys that a manifest refers to.
async fn note_referred(
    ledger: &Ledger,
    manifest: &StepManifest,
    keys: &mut HashSet<TaskKey>,
) -> Result<(), LedgerError> {
    let mut tasks = ledger.tasks(manifest);
    while let Some(task) = tasks.try_next().await? {
        keys.extend(TaskKey::from_bytes(&task.key));
    }
    keys.extend(finish_key(manifest).ok().flatten());
    Ok(())
}

/// Whether the bytes of some artifact of an entry are neither among the parts nor in the output.
async fn lost_artifacts(
    ledger: &Ledger,
    key: &TaskKey,
    entry: &Entry,
    published: &HashSet<&[u8]>,
) -> Result<bool, LedgerError> {
    let artifacts = entry.parts.iter().filter(|part| layout::kind(part) == PartKind::Artifact);
    for part in artifacts.filter(|part| !published.contains(part.digest.as_ref())) {
        if ledger.store().length(&layout::part(key, part)).await?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

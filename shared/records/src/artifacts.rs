//! The artifacts of a step: what its tasks made, and where each is published.
use crate::{ArtifactPaths, RecordsError};
use framefleet_ledger::{Ledger, Manifest, TaskKey, describe, finish_key, layout, task_key};
use framefleet_proto::v1::{Part, PartKind, StepManifest};
use futures::TryStreamExt;
use std::collections::BTreeMap;

/// An artifact of a step, its path below the step's folder, and the task that made it.
pub(crate) struct Artifact {
    /// Key of the task.
    pub key: TaskKey,
    /// What its entry says of it.
    pub part: Part,
    /// Where it is published.
    pub path: String,
    /// The task in words.
    maker: String,
}

/// The artifacts of a step by path; two that meet contradict each other.
pub(crate) async fn artifacts(
    ledger: &Ledger,
    manifest: &Manifest,
) -> Result<BTreeMap<String, Artifact>, RecordsError> {
    let paths = ArtifactPaths::new(manifest);
    let mut artifacts = BTreeMap::new();
    let mut tasks = ledger.tasks(manifest);
    while let Some(task) = tasks.try_next().await? {
        let (key, item) = (task_key(manifest, &task)?, manifest.item_name(&task));
        add(ledger, manifest, key, |part| paths.of_part(item, &task, part), &mut artifacts)?;
    }
    if let Some(key) = finish_key(manifest)? {
        add(ledger, manifest, key, |part| Some(part.name.clone()), &mut artifacts)?;
    }
    Ok(artifacts)
}

/// Adds the artifacts of one task.
fn add(
    ledger: &Ledger,
    manifest: &StepManifest,
    key: TaskKey,
    path: impl Fn(&Part) -> Option<String>,
    artifacts: &mut BTreeMap<String, Artifact>,
) -> Result<(), RecordsError> {
    let entry = ledger.known(&key, &format!("a task of step {}", manifest.step))?;
    for part in entry.parts.iter().filter(|part| layout::kind(part) == PartKind::Artifact) {
        let (Some(path), maker) = (path(part), describe(&entry)) else { continue };
        layout::check_name(&maker, &path)?;
        let artifact = Artifact { key, part: part.clone(), path: path.clone(), maker: maker.clone() };
        if let Some(other) = artifacts.insert(path.clone(), artifact) {
            let reason = format!("it made artifact \"{path}\", as did {}", other.maker);
            return Err(RecordsError::invalid(maker, reason));
        }
    }
    Ok(())
}

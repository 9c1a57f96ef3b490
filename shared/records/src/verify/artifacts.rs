//! Published artifacts: part of the digest, and all that entries list.
use super::{Check, Findings};
use crate::ArtifactPaths;
use framefleet_ledger::{Ledger, LedgerError, Manifest, TaskKey, finish_key, layout};
use framefleet_proto::v1::{CompletedStep, Part, PartKind};
use futures::TryStreamExt;
use std::collections::BTreeMap;

impl Findings {
    /// Adds artifacts to the digest of the whole; that their bytes have these digests was checked with the files.
    pub(super) fn hash_artifacts(&mut self, steps: &[CompletedStep]) {
        let files = steps.iter().flat_map(|step| &step.files).filter(|file| file.path.starts_with("artifacts/"));
        let sorted: BTreeMap<&str, &[u8]> = files.map(|file| (file.path.as_str(), file.digest.as_ref())).collect();
        for (path, digest) in sorted {
            self.hash(b"artifact", path.as_bytes());
            self.hash(b"digest", digest);
        }
    }
}

impl Check {
    /// Names the artifacts that a step's entries list and its files do not.
    pub(super) async fn missing_artifacts(&mut self, step: &CompletedStep, manifest: &Manifest) {
        match missing_artifacts(&self.ledger, step, manifest).await {
            Ok(missing) => missing.into_iter().for_each(|problem| self.findings.problem(problem)),
            Err(error) => self.findings.problem(error),
        }
    }
}

/// Artifacts that a step's entries list and its files do not.
async fn missing_artifacts(
    ledger: &Ledger,
    step: &CompletedStep,
    manifest: &Manifest,
) -> Result<Vec<String>, LedgerError> {
    let listed: BTreeMap<&str, &[u8]> =
        step.files.iter().map(|file| (file.path.as_str(), file.digest.as_ref())).collect();
    let paths = ArtifactPaths::new(manifest);
    let parts_of = |key: &TaskKey| ledger.entry(key).map(|entry| entry.parts.clone()).unwrap_or_default();
    let is_missing = |path: &str, part: &Part| {
        let path = layout::artifact(&manifest.step, path);
        layout::kind(part) == PartKind::Artifact && listed.get(path.as_str()) != Some(&part.digest.as_ref())
    };
    let mut missing = Vec::new();
    let mut tasks = ledger.tasks(manifest);
    while let Some(task) = tasks.try_next().await? {
        let parts = TaskKey::from_bytes(&task.key).map(|key| parts_of(&key)).unwrap_or_default();
        let placed =
            parts.iter().filter_map(|part| Some((paths.of_part(manifest.item_name(&task), &task, part)?, part)));
        missing.extend(placed.filter(|(path, part)| is_missing(path, part)).map(|(path, _)| path));
    }
    let finished = finish_key(manifest).ok().flatten().map(|key| parts_of(&key)).unwrap_or_default();
    missing.extend(finished.into_iter().filter(|part| is_missing(&part.name, part)).map(|part| part.name));
    let problem = |path| format!("artifact \"{path}\" of step {} was not published", manifest.step);
    Ok(missing.into_iter().map(problem).collect())
}

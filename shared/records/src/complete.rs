//! Turning a step's entries into what people read: records, summary, artifacts.
//!
//! Each file appears whole, and what the manifest replaces goes last. Wherever this stops, some manifest can be read with
//! all it refers to, and doing it again ends in the same place.
use crate::artifacts::{Artifact, artifacts};
use crate::prune::prune;
use crate::{RecordsError, RecordsOptions, step_records, summary};
use bytes::Bytes;
use framefleet_coco as coco;
use framefleet_ledger::{Ledger, LedgerError, Maintenance, Manifest, StepManifest, layout, step_name};
use framefleet_proto::v1::{CompletedStep, OutputFile};
use futures::{StreamExt, TryStreamExt};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Artifacts moved together.
const CONCURRENCY: usize = 8;

/// Makes `manifest` what the output shows of its step: writes `records/<step>.jsonl` (and `.parquet`) and
/// `summary/<step>.json`, moves artifacts to `artifacts/<step>/`, then removes what it replaces, and writes coco.json anew. Nothing is
/// rewritten when all of it is there already. An incomplete manifest never replaces a complete one: that call does nothing.
pub async fn complete_step(
    ledger: &Ledger,
    manifest: StepManifest,
    options: RecordsOptions,
) -> Result<(), RecordsError> {
    let maintenance = ledger.maintenance("complete a step").await?;
    check_step(&manifest)?;
    let before = ledger.completed_steps().await?.into_iter().find(|step| step_name(step) == manifest.step);
    let shows_all = |step: &CompletedStep| step.manifest.as_ref().is_some_and(|manifest| manifest.complete);
    if !manifest.complete && before.as_ref().is_some_and(shows_all) {
        return Ok(());
    }
    let RecordsOptions { parquet, parquet_only } = options;
    let wanted = CompletedStep { manifest: Some(manifest.clone()), files: Vec::new(), parquet, parquet_only };
    let publication = Publication { ledger, maintenance, manifest: ledger.open_manifest(manifest).await? };
    let done = match before {
        Some(before) if same(&before, &wanted) && publication.files_are_there(&before).await? => before,
        before => publication.publish(before, wanted).await?,
    };
    publication.tidy(&done).await?;
    Ok(coco::refresh(ledger).await?)
}

/// A step's result while it becomes what the output shows.
struct Publication<'l> {
    ledger: &'l Ledger,
    maintenance: Maintenance<'l>,
    manifest: Manifest,
}

impl Publication<'_> {
    /// Writes everything that a step shows. The manifest comes before artifacts are written over: from then on nothing
    /// refers to the old result, and what is not yet in its place still lies among the parts.
    async fn publish(
        &self,
        before: Option<CompletedStep>,
        mut wanted: CompletedStep,
    ) -> Result<CompletedStep, RecordsError> {
        let artifacts = artifacts(self.ledger, &self.manifest).await?;
        wanted.files = step_records::write(self.ledger, &wanted, &self.manifest).await?;
        wanted.files.push(self.write_summary().await?);
        let before = before.map_or_else(Vec::new, |before| before.files);
        let (kept, new) = self.split(&before, artifacts).await?;
        self.take_back(&before, &new).await?;
        wanted.files.extend(kept);
        self.maintenance.put_step(&wanted).await?;
        if new.is_empty() {
            return Ok(wanted);
        }
        let moves = new.into_iter().map(|artifact| self.publish_artifact(artifact));
        let moved: Vec<OutputFile> = futures::stream::iter(moves).buffered(CONCURRENCY).try_collect().await?;
        wanted.files.extend(moved);
        self.maintenance.put_step(&wanted).await?;
        Ok(wanted)
    }

    async fn write_summary(&self) -> Result<OutputFile, RecordsError> {
        let summary = Value::from(summary::summary(self.ledger, &self.manifest).await?);
        let bytes = Bytes::from(format!("{summary:#}\n"));
        let digest = Bytes::copy_from_slice(blake3::hash(&bytes).as_bytes());
        let file = OutputFile { path: layout::summary(&self.manifest.step), digest, length: bytes.len() as u64 };
        self.ledger.store().write(&file.path, bytes).await?;
        Ok(file)
    }

    /// The artifacts that are in their place already, as files, and those that are not.
    async fn split(
        &self,
        before: &[OutputFile],
        artifacts: BTreeMap<String, Artifact>,
    ) -> Result<(Vec<OutputFile>, Vec<Artifact>), LedgerError> {
        let before: HashMap<&str, &OutputFile> = before.iter().map(|file| (file.path.as_str(), file)).collect();
        let (mut kept, mut new) = (Vec::new(), Vec::new());
        for (name, artifact) in artifacts {
            let published = before.get(layout::artifact(&self.manifest.step, &name).as_str());
            match published.filter(|file| file.digest == artifact.part.digest) {
                Some(file) if self.ledger.store().length(&file.path).await? == Some(file.length) => {
                    kept.push((*file).clone())
                }
                _ => new.push(artifact),
            }
        }
        Ok((kept, new))
    }

    /// Puts the bytes of artifacts that only change their names back among the parts: soon other files may have these places.
    async fn take_back(&self, before: &[OutputFile], new: &[Artifact]) -> Result<(), LedgerError> {
        let store = self.ledger.store();
        let published: HashMap<&[u8], &OutputFile> = before.iter().map(|file| (file.digest.as_ref(), file)).collect();
        for artifact in new {
            let part = layout::part(&artifact.key, &artifact.part);
            if let Some(file) = published.get(artifact.part.digest.as_ref())
                && store.length(&part).await?.is_none()
                && store.length(&file.path).await? == Some(file.length)
            {
                store.copy(&file.path, &part).await?;
            }
        }
        Ok(())
    }

    async fn publish_artifact(&self, artifact: Artifact) -> Result<OutputFile, LedgerError> {
        let path = layout::artifact(&self.manifest.step, &artifact.path);
        let from = self.ledger.file_path(&artifact.key, &artifact.part).await?;
        self.ledger.store().copy(&from, &path).await?;
        Ok(OutputFile { path, digest: artifact.part.digest, length: artifact.part.length })
    }

    /// Whether every file that a step lists is there, with its length.
    async fn files_are_there(&self, step: &CompletedStep) -> Result<bool, RecordsError> {
        let (store, name) = (self.ledger.store(), step_name(step));
        let published: HashMap<String, u64> =
            store.list(layout::artifact(name, "").trim_end_matches('/')).await?.into_iter().collect();
        let Some(records) = step.files.iter().find(|file| file.path == layout::records(name, "jsonl")) else {
            return Ok(false);
        };
        let mut expected: Vec<&OutputFile> = step.files.iter().collect();
        expected.retain(|file| published.get(&file.path) != Some(&file.length));
        for file in expected.into_iter().chain([records]) {
            if store.length(&file.path).await? != Some(file.length) {
                return Ok(false);
            }
        }
        let artifacts = artifacts(self.ledger, &self.manifest).await?;
        let listed: HashSet<&str> = step.files.iter().map(|file| file.path.as_str()).collect();
        Ok(artifacts.keys().all(|artifact| listed.contains(layout::artifact(name, artifact).as_str())))
    }

    /// Removes what the step's result has replaced.
    async fn tidy(&self, done: &CompletedStep) -> Result<(), RecordsError> {
        let (store, step) = (self.ledger.store(), &self.manifest.step);
        let listed: HashSet<&str> = done.files.iter().map(|file| file.path.as_str()).collect();
        let found = store.list(layout::artifact(step, "").trim_end_matches('/')).await?;
        let found = found.into_iter().map(|(path, _)| path);
        store.delete(found.filter(|path| !listed.contains(path.as_str()))).await?;
        if !done.parquet {
            store.delete([layout::records(step, "parquet")]).await?;
        }
        let moved = artifacts(self.ledger, &self.manifest).await?;
        store.delete(moved.values().map(|artifact| layout::part(&artifact.key, &artifact.part))).await?;
        match self.manifest.complete {
            true => Ok(prune(self.ledger, &self.maintenance, step).await?),
            false => Ok(()),
        }
    }
}

/// Whether two results of a step are the same, but for the list of files.
fn same(one: &CompletedStep, other: &CompletedStep) -> bool {
    one.manifest == other.manifest && one.parquet == other.parquet && one.parquet_only == other.parquet_only
}

/// A step's name names files: one segment of a path.
fn check_step(manifest: &StepManifest) -> Result<(), RecordsError> {
    layout::check_name("a step", &manifest.step)?;
    match manifest.step.contains('/') {
        true => Err(RecordsError::invalid("a step", format!("\"{}\" contains '/'", manifest.step))),
        false => Ok(()),
    }
}

//! Turning a step's entries into what people read: records, summary, artifacts.
//!
//! Each file appears whole, and what the manifest replaces goes last. Wherever this stops, some manifest can be read with
//! all it refers to, and doing it again ends in the same place.
use crate::parts::{finish_key, parse_key};
use crate::{ArtifactPaths, Ledger, LedgerError, Manifest, RecordsOptions, TaskKey, index, layout};
use bytes::Bytes;
use framefleet_proto::v1::{CompletedStep, OutputFile, Part, PartKind, StepManifest};
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Artifacts moved together.
const CONCURRENCY: usize = 8;

/// An artifact of a step, its path below the step's folder, and the task that made it.
struct Artifact {
    key: TaskKey,
    part: Part,
    path: String,
    maker: String,
}

impl Ledger {
    /// Makes `manifest` what the output shows of its step: writes `records/<step>.jsonl` (and `.parquet`) and
    /// `summary/<step>.json`, moves artifacts to `artifacts/<step>/`, then removes what it replaces, and writes coco.json anew. Nothing is rewritten when all of
    /// it is there already. An incomplete manifest never replaces a complete one: that call does nothing.
    pub async fn complete_step(&self, manifest: StepManifest, options: RecordsOptions) -> Result<(), LedgerError> {
        self.check_owner("complete a step")?;
        let _alone = self.inner.maintenance.lock().await;
        check_step(&manifest)?;
        let before = self.completed_steps().await?.into_iter().find(|step| name(step) == manifest.step);
        let shows_all = |step: &CompletedStep| step.manifest.as_ref().is_some_and(|manifest| manifest.complete);
        if !manifest.complete && before.as_ref().is_some_and(shows_all) {
            return Ok(());
        }
        let RecordsOptions { parquet, parquet_only } = options;
        let wanted = CompletedStep { manifest: Some(manifest.clone()), files: Vec::new(), parquet, parquet_only };
        let manifest = self.open_manifest(manifest).await?;
        let done = match before {
            Some(before) if same(&before, &wanted) && self.files_are_there(&before, &manifest).await? => before,
            before => self.publish(before, wanted, &manifest).await?,
        };
        self.tidy(&done, &manifest).await?;
        self.refresh_coco().await
    }

    /// Writes everything that a step shows. The manifest comes before artifacts are written over: from then on nothing
    /// refers to the old result, and what is not yet in its place still lies among the parts.
    async fn publish(
        &self,
        before: Option<CompletedStep>,
        mut wanted: CompletedStep,
        manifest: &Manifest,
    ) -> Result<CompletedStep, LedgerError> {
        let artifacts = self.artifacts(manifest).await?;
        wanted.files = self.write_records(&wanted, manifest).await?;
        wanted.files.push(self.write_summary(manifest).await?);
        let before = before.map_or_else(Vec::new, |before| before.files);
        let (kept, new) = self.split(&before, &manifest.step, artifacts).await?;
        self.take_back(&before, &new).await?;
        wanted.files.extend(kept);
        self.write_step(&wanted, manifest).await?;
        if new.is_empty() {
            return Ok(wanted);
        }
        let moves = new.into_iter().map(|artifact| self.publish_artifact(manifest, artifact));
        let moved: Vec<OutputFile> = futures::stream::iter(moves).buffered(CONCURRENCY).try_collect().await?;
        wanted.files.extend(moved);
        self.write_step(&wanted, manifest).await?;
        Ok(wanted)
    }

    async fn write_step(&self, step: &CompletedStep, manifest: &StepManifest) -> Result<(), LedgerError> {
        self.check_owner("complete a step")?;
        self.inner.store.write(&layout::step(&manifest.step), step.encode_to_vec().into()).await
    }

    /// The artifacts of a step by path; two that meet contradict each other.
    async fn artifacts(&self, manifest: &Manifest) -> Result<BTreeMap<String, Artifact>, LedgerError> {
        let paths = ArtifactPaths::new(manifest);
        let mut artifacts = BTreeMap::new();
        let mut tasks = self.tasks(manifest);
        while let Some(task) = tasks.try_next().await? {
            let (key, item) = (parse_key(manifest, &task.key)?, manifest.item_name(&task));
            self.add_artifacts(manifest, key, |part| paths.of_part(item, &task, part), &mut artifacts)?;
        }
        if let Some(key) = finish_key(manifest)? {
            self.add_artifacts(manifest, key, |part| Some(part.name.clone()), &mut artifacts)?;
        }
        Ok(artifacts)
    }

    /// Adds the artifacts of one task.
    fn add_artifacts(
        &self,
        manifest: &StepManifest,
        key: TaskKey,
        path: impl Fn(&Part) -> Option<String>,
        artifacts: &mut BTreeMap<String, Artifact>,
    ) -> Result<(), LedgerError> {
        let entry = self.known(&key, &format!("a task of step {}", manifest.step))?;
        for part in entry.parts.iter().filter(|part| layout::kind(part) == PartKind::Artifact) {
            let (Some(path), maker) = (path(part), index::describe(&entry)) else { continue };
            layout::check_name(&maker, &path)?;
            let artifact = Artifact { key, part: part.clone(), path: path.clone(), maker: maker.clone() };
            if let Some(other) = artifacts.insert(path.clone(), artifact) {
                return Err(LedgerError::invalid(
                    maker,
                    format!("it made artifact \"{path}\", as did {}", other.maker),
                ));
            }
        }
        Ok(())
    }

    async fn write_summary(&self, manifest: &Manifest) -> Result<OutputFile, LedgerError> {
        let summary = Value::from(self.summary(manifest).await?);
        let bytes = Bytes::from(format!("{summary:#}\n"));
        let digest = Bytes::copy_from_slice(blake3::hash(&bytes).as_bytes());
        let file = OutputFile { path: layout::summary(&manifest.step), digest, length: bytes.len() as u64 };
        self.inner.store.write(&file.path, bytes).await?;
        Ok(file)
    }

    /// The artifacts that are in their place already, as files, and those that are not.
    async fn split(
        &self,
        before: &[OutputFile],
        step: &str,
        artifacts: BTreeMap<String, Artifact>,
    ) -> Result<(Vec<OutputFile>, Vec<Artifact>), LedgerError> {
        let before: HashMap<&str, &OutputFile> = before.iter().map(|file| (file.path.as_str(), file)).collect();
        let (mut kept, mut new) = (Vec::new(), Vec::new());
        for (name, artifact) in artifacts {
            let same =
                before.get(layout::artifact(step, &name).as_str()).filter(|file| file.digest == artifact.part.digest);
            match same {
                Some(file) if self.inner.store.length(&file.path).await? == Some(file.length) => {
                    kept.push((*file).clone())
                }
                _ => new.push(artifact),
            }
        }
        Ok((kept, new))
    }

    /// Puts the bytes of artifacts that only change their names back among the parts: soon other files may have these places.
    async fn take_back(&self, before: &[OutputFile], new: &[Artifact]) -> Result<(), LedgerError> {
        let store = &self.inner.store;
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

    async fn publish_artifact(&self, manifest: &StepManifest, artifact: Artifact) -> Result<OutputFile, LedgerError> {
        let path = layout::artifact(&manifest.step, &artifact.path);
        let from = self.file_path(&artifact.key, &artifact.part).await?;
        self.inner.store.copy(&from, &path).await?;
        Ok(OutputFile { path, digest: artifact.part.digest, length: artifact.part.length })
    }

    /// Whether every file that a step lists is there, with its length.
    async fn files_are_there(&self, step: &CompletedStep, manifest: &Manifest) -> Result<bool, LedgerError> {
        let folder = layout::artifact(name(step), "");
        let artifacts: HashMap<String, u64> =
            self.inner.store.list(folder.trim_end_matches('/')).await?.into_iter().collect();
        let Some(records) = step.files.iter().find(|file| file.path == layout::records(name(step), "jsonl")) else {
            return Ok(false);
        };
        let mut expected: Vec<&OutputFile> = step.files.iter().collect();
        expected.retain(|file| artifacts.get(&file.path) != Some(&file.length));
        for file in expected.into_iter().chain([records]) {
            if self.inner.store.length(&file.path).await? != Some(file.length) {
                return Ok(false);
            }
        }
        let artifacts = self.artifacts(manifest).await?;
        let listed: HashSet<&str> = step.files.iter().map(|file| file.path.as_str()).collect();
        Ok(artifacts.keys().all(|artifact| listed.contains(layout::artifact(name(step), artifact).as_str())))
    }

    /// Removes what the step's result has replaced.
    async fn tidy(&self, done: &CompletedStep, manifest: &Manifest) -> Result<(), LedgerError> {
        let store = &self.inner.store;
        let listed: HashSet<&str> = done.files.iter().map(|file| file.path.as_str()).collect();
        let folder = layout::artifact(&manifest.step, "");
        let found = store.list(folder.trim_end_matches('/')).await?.into_iter().map(|(path, _)| path);
        store.delete(found.filter(|path| !listed.contains(path.as_str()))).await?;
        if !done.parquet {
            store.delete([layout::records(&manifest.step, "parquet")]).await?;
        }
        let moved = self.artifacts(manifest).await?;
        store.delete(moved.values().map(|artifact| layout::part(&artifact.key, &artifact.part))).await?;
        match manifest.complete {
            true => self.prune(&manifest.step).await,
            false => Ok(()),
        }
    }
}

/// Whether two results of a step are the same, but for the list of files.
fn same(one: &CompletedStep, other: &CompletedStep) -> bool {
    one.manifest == other.manifest && one.parquet == other.parquet && one.parquet_only == other.parquet_only
}

fn name(step: &CompletedStep) -> &str {
    step.manifest.as_ref().map_or("", |manifest| &manifest.step)
}

/// A step's name names files: one segment of a path.
fn check_step(manifest: &StepManifest) -> Result<(), LedgerError> {
    layout::check_name("a step", &manifest.step)?;
    match manifest.step.contains('/') {
        true => Err(LedgerError::invalid("a step", format!("\"{}\" contains '/'", manifest.step))),
        false => Ok(()),
    }
}

//! Reading back what tasks made.
use crate::index::{Place, annotations_part, describe};
use crate::{Ledger, LedgerError, TaskKey, layout};
use bytes::Bytes;
use framefleet_proto::v1::{AnnotationBlock, Entry, Part, PartKind, StepManifest};
use futures::TryStreamExt;
use prost::Message;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use tokio::io::AsyncWriteExt;

/// How often a block is looked for again when compaction moved it meanwhile.
const ATTEMPTS: usize = 4;

impl Ledger {
    /// The annotations of a finished task; the blocks used last are kept in memory.
    pub async fn annotations(&self, key: &TaskKey) -> Result<Arc<AnnotationBlock>, LedgerError> {
        if let Some(block) = self.inner.cache.lock().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Ok(block);
        }
        let (bytes, entry) = self.block_bytes(key).await?;
        let length = bytes.len() as u64;
        let what = format!("annotations of {}", describe(&entry));
        let block = Arc::new(AnnotationBlock::decode(bytes).map_err(|error| self.inner.store.damaged(&what, error))?);
        self.inner.cache.lock().unwrap_or_else(PoisonError::into_inner).insert(*key, length, block.clone());
        Ok(block)
    }

    /// A local file with the bytes of an attachment or artifact: the file itself in a folder (not to be changed), else a copy
    /// that lives as long as the ledger.
    pub async fn attachment(&self, key: &TaskKey, name: &str) -> Result<PathBuf, LedgerError> {
        let entry = self.existing(key, "a task with attachments").await?;
        let files = |part: &&Part| part.name == name && layout::kind(part) != PartKind::Annotations;
        let part = entry.parts.iter().find(files).ok_or_else(|| {
            let has = entry.parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(", ");
            LedgerError::invalid(describe(&entry), format!("it has no file \"{name}\", only: {has}"))
        })?;
        let path = self.file_path(key, part).await?;
        match self.inner.store.local(&path) {
            Some(file) => Ok(file),
            None => self.download(&path, key, part).await,
        }
    }

    /// What a step's finish made: item- and job-scoped annotations, amendments, statistics. Empty without finish.
    pub async fn scoped(&self, manifest: &StepManifest) -> Result<AnnotationBlock, LedgerError> {
        Ok(self.finish_block(manifest).await?.as_ref().clone())
    }

    /// [`Ledger::scoped`] without a copy.
    pub(crate) async fn finish_block(&self, manifest: &StepManifest) -> Result<Arc<AnnotationBlock>, LedgerError> {
        match finish_key(manifest)? {
            Some(key) => self.annotations(&key).await,
            None => Ok(Arc::default()),
        }
    }

    /// The encoded annotations of a task, checked against their digest; empty when it made none.
    pub(crate) async fn block_bytes(&self, key: &TaskKey) -> Result<(Bytes, Arc<Entry>), LedgerError> {
        let mut path = String::new();
        for _ in 0..ATTEMPTS {
            let missing = || LedgerError::MissingEntry { what: "annotations".to_owned(), key: *key };
            let slot = self.find_slot(key).await?.ok_or_else(missing)?;
            let Some(part) = annotations_part(&slot.entry) else { return Ok((Bytes::new(), slot.entry)) };
            let bytes = match &slot.place {
                Place::Loose => {
                    path = layout::part(key, part);
                    self.inner.store.read(&path).await?
                }
                Place::Segment(id, offset) => {
                    path = layout::segment_blocks(id);
                    self.inner.store.read_range(&path, *offset..offset.saturating_add(part.length)).await?
                }
            };
            match bytes {
                Some(bytes) if blake3::hash(&bytes).as_bytes()[..] == part.digest => return Ok((bytes, slot.entry)),
                Some(_) => {
                    return Err(self
                        .inner
                        .store
                        .damaged(&path, format!("the annotations of {} have another digest", describe(&slot.entry))));
                }
                None => {}
            }
        }
        Err(self.inner.store.damaged(&path, "it is missing"))
    }

    /// Where the bytes of a file part lie: among the parts, or where a completed step moved them.
    pub(crate) async fn file_path(&self, key: &TaskKey, part: &Part) -> Result<String, LedgerError> {
        let path = layout::part(key, part);
        if self.inner.store.length(&path).await?.is_some() {
            return Ok(path);
        }
        if layout::kind(part) == PartKind::Artifact {
            let steps = self.completed_steps().await?;
            let mut files = steps.into_iter().flat_map(|step| step.files);
            if let Some(file) = files.find(|file| file.digest == part.digest) {
                return Ok(file.path);
            }
        }
        Err(self.inner.store.damaged(&path, format!("part \"{}\" is missing", part.name)))
    }

    /// Copies an object to a local file, whole or not at all; one that was copied before is taken as it is.
    async fn download(&self, path: &str, key: &TaskKey, part: &Part) -> Result<PathBuf, LedgerError> {
        let folder = self.downloads()?;
        let local = folder.join(layout::part(key, part).replace('/', "-"));
        if local.is_file() {
            return Ok(local);
        }
        let fail = |source| LedgerError::access("write", &local, source);
        let found =
            self.inner.store.stream(path).await?.ok_or_else(|| self.inner.store.damaged(path, "it is missing"))?;
        let staged = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
        let mut file = tokio::fs::File::from_std(staged.reopen().map_err(fail)?);
        let mut pieces = found.into_stream();
        let mut hasher = blake3::Hasher::new();
        while let Some(piece) = pieces.try_next().await.map_err(|error| self.inner.store.damaged(path, error))? {
            hasher.update(&piece);
            file.write_all(&piece).await.map_err(fail)?;
        }
        file.flush().await.map_err(fail)?;
        if hasher.finalize().as_bytes()[..] != part.digest {
            return Err(self.inner.store.damaged(path, "it has another digest"));
        }
        staged.persist(&local).map_err(|error| fail(error.error))?;
        Ok(local)
    }

    fn downloads(&self) -> Result<&Path, LedgerError> {
        if let Some(folder) = self.inner.downloads.get() {
            return Ok(folder.path());
        }
        let folder =
            tempfile::tempdir().map_err(|source| LedgerError::access("create", std::env::temp_dir(), source))?;
        Ok(self.inner.downloads.get_or_init(|| folder).path())
    }
}

/// The key of a step's finish, once that is done.
pub(crate) fn finish_key(manifest: &StepManifest) -> Result<Option<TaskKey>, LedgerError> {
    match manifest.finish_key.is_empty() {
        true => Ok(None),
        false => parse_key(manifest, &manifest.finish_key).map(Some),
    }
}

/// A key inside a manifest.
pub(crate) fn parse_key(manifest: &StepManifest, bytes: &[u8]) -> Result<TaskKey, LedgerError> {
    TaskKey::from_bytes(bytes)
        .map_err(|error| LedgerError::invalid(format!("step {}", manifest.step), error.to_string()))
}

//! Reading back what tasks made.
use super::{annotations_part, describe};
use crate::index::Place;
use crate::{Ledger, LedgerError, TaskKey, layout};
use bytes::Bytes;
use framefleet_proto::v1::{AnnotationBlock, Entry, Part, PartKind};
use futures::TryStreamExt;
use prost::Message;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;

/// How often a block is looked for again when compaction moved it meanwhile.
const ATTEMPTS: usize = 4;

impl Ledger {
    /// The annotations of a finished task; the blocks used last are kept in memory.
    pub async fn annotations(&self, key: &TaskKey) -> Result<Arc<AnnotationBlock>, LedgerError> {
        if let Some(block) = self.cached_block(key) {
            return Ok(block);
        }
        let (bytes, entry) = self.block_bytes(key).await?;
        let length = bytes.len() as u64;
        let what = format!("annotations of {}", describe(&entry));
        let block = Arc::new(AnnotationBlock::decode(bytes).map_err(|error| self.store().damaged(&what, error))?);
        self.cache_block(*key, length, block.clone());
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
        match self.store().local(&path) {
            Some(file) => Ok(file),
            None => self.download(&path, key, part).await,
        }
    }

    /// The encoded annotations of a task, checked against their digest; empty when it made none.
    pub async fn block_bytes(&self, key: &TaskKey) -> Result<(Bytes, Arc<Entry>), LedgerError> {
        let mut path = String::new();
        for _ in 0..ATTEMPTS {
            let missing = || LedgerError::MissingEntry { what: "annotations".to_owned(), key: *key };
            let slot = self.find_slot(key).await?.ok_or_else(missing)?;
            let Some(part) = annotations_part(&slot.entry) else { return Ok((Bytes::new(), slot.entry)) };
            let bytes = match &slot.place {
                Place::Loose => {
                    path = layout::part(key, part);
                    self.store().read(&path).await?
                }
                Place::Segment(id, offset) => {
                    path = layout::segment_blocks(id);
                    self.store().read_range(&path, *offset..offset.saturating_add(part.length)).await?
                }
            };
            match bytes {
                Some(bytes) if blake3::hash(&bytes).as_bytes()[..] == part.digest => return Ok((bytes, slot.entry)),
                Some(_) => {
                    return Err(self
                        .store()
                        .damaged(&path, format!("the annotations of {} have another digest", describe(&slot.entry))));
                }
                None => {}
            }
        }
        Err(self.store().damaged(&path, "it is missing"))
    }

    /// Where the bytes of a file part lie: among the parts, or where a completed step moved them.
    pub async fn file_path(&self, key: &TaskKey, part: &Part) -> Result<String, LedgerError> {
        let path = layout::part(key, part);
        if self.store().length(&path).await?.is_some() {
            return Ok(path);
        }
        if layout::kind(part) == PartKind::Artifact {
            let steps = self.completed_steps().await?;
            let mut files = steps.into_iter().flat_map(|step| step.files);
            if let Some(file) = files.find(|file| file.digest == part.digest) {
                return Ok(file.path);
            }
        }
        Err(self.store().damaged(&path, format!("part \"{}\" is missing", part.name)))
    }

    /// Copies an object to a local file, whole or not at all; one that was copied before is taken as it is.
    async fn download(&self, path: &str, key: &TaskKey, part: &Part) -> Result<PathBuf, LedgerError> {
        let folder = self.downloads()?;
        let local = folder.join(layout::part(key, part).replace('/', "-"));
        if local.is_file() {
            return Ok(local);
        }
        let fail = |source| LedgerError::access("write", &local, source);
        let mut pieces = self.store().stream(path).await?.ok_or_else(|| self.store().damaged(path, "it is missing"))?;
        let staged = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
        let mut file = tokio::fs::File::from_std(staged.reopen().map_err(fail)?);
        let mut hasher = blake3::Hasher::new();
        while let Some(piece) = pieces.try_next().await? {
            hasher.update(&piece);
            file.write_all(&piece).await.map_err(fail)?;
        }
        file.flush().await.map_err(fail)?;
        if hasher.finalize().as_bytes()[..] != part.digest {
            return Err(self.store().damaged(path, "it has another digest"));
        }
        staged.persist(&local).map_err(|error| fail(error.error))?;
        Ok(local)
    }
}

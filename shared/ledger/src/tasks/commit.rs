//! Making a task done: its parts first, then the entry, which alone decides.
use super::{describe, outcomes};
use crate::index::{Place, Slot};
use crate::store::Store;
use crate::{Ledger, LedgerError, TaskKey, layout};
use bytes::Bytes;
use framefleet_proto::v1::{AnnotationBlock, Entry, Part, PartKind};
use prost::Message;
use std::path::PathBuf;
use std::sync::Arc;

/// How often an entry is created again when the one in its place vanishes.
const ATTEMPTS: usize = 3;

/// A file that a task made.
#[derive(Clone, Debug)]
pub struct CommitFile {
    /// Artifact or attachment.
    pub kind: PartKind,
    /// Artifact: path below `artifacts/<step>/`; of a frame, below the item's folder in there, with `*` for the frame's stem.
    /// Attachment: name within the task.
    pub name: String,
    /// The frame that an artifact belongs to.
    pub frame: Option<u64>,
    /// Where it lies now. It is moved from there into a folder on the same file system, and copied otherwise.
    pub path: PathBuf,
}

impl Ledger {
    /// Files a task's results: parts under its key, then the entry. The first entry of a key stays; whoever comes later
    /// gets that one. Parts, frames done, epoch and build are filled in here.
    pub async fn commit(
        &self,
        mut entry: Entry,
        annotations: AnnotationBlock,
        files: Vec<CommitFile>,
    ) -> Result<Arc<Entry>, LedgerError> {
        self.check_writer("commit a task").await?;
        let key = TaskKey::from_bytes(&entry.key)
            .map_err(|error| LedgerError::invalid(describe(&entry), error.to_string()))?;
        if let Some(found) = self.entry(&key) {
            return Ok(found);
        }
        let counts = outcomes::check(&entry).map_err(|reason| LedgerError::invalid(describe(&entry), reason))?;
        check_frames(&entry, &annotations).map_err(|reason| LedgerError::invalid(describe(&entry), reason))?;
        entry.frames_done = counts.result;
        entry.epoch = self.epoch();
        entry.build = self.build().to_owned();
        entry.parts = write_parts(self.store(), &key, &annotations, &files).await?;
        self.create_entry(key, entry).await
    }

    /// Creates the entry unless there is one; compaction does not move entries meanwhile. The right to write is checked once
    /// more at the last moment: a new owner raises the epoch before it removes parts that no entry lists.
    async fn create_entry(&self, key: TaskKey, entry: Entry) -> Result<Arc<Entry>, LedgerError> {
        let _entries_stay = self.entries_stay().await;
        if let Some(found) = self.entry(&key) {
            return Ok(found);
        }
        let path = layout::entry(&key);
        for _ in 0..ATTEMPTS {
            self.check_writer("commit a task").await?;
            if self.store().create(&path, entry.encode_to_vec().into()).await? {
                return Ok(self.note(key, entry));
            }
            // Somebody was first; unless that one's parts are gone, and its entry with them, it wins.
            if let Some(winner) = self.find(&key).await? {
                return Ok(winner);
            }
        }
        Err(self.store().damaged(&path, "it is there and is not"))
    }

    /// Keeps a loose entry in memory, where the owner knows all of them. A worker serves many outputs for a long time, and
    /// reads what it needs when it needs it.
    pub(crate) fn note(&self, key: TaskKey, entry: Entry) -> Arc<Entry> {
        let slot = Slot { entry: Arc::new(entry), place: Place::Loose };
        if self.is_owner() { self.index_mut().slots.insert_new(key, slot).entry } else { slot.entry }
    }
}

/// Annotations are of frames of the task, in ascending order: readers look them up by that.
fn check_frames(entry: &Entry, annotations: &AnnotationBlock) -> Result<(), String> {
    let range = entry.id.as_ref().and_then(|id| id.range).unwrap_or_default();
    let mut next = range.start;
    for on_frame in &annotations.frames {
        if on_frame.frame < next || on_frame.frame >= range.end {
            return Err(format!("its annotations of frame {} are outside its range or out of order", on_frame.frame));
        }
        next = on_frame.frame + 1;
    }
    Ok(())
}

/// Writes everything a task made under its key.
async fn write_parts(
    store: &Store,
    key: &TaskKey,
    annotations: &AnnotationBlock,
    files: &[CommitFile],
) -> Result<Vec<Part>, LedgerError> {
    let mut parts = Vec::with_capacity(files.len() + 1);
    if *annotations != AnnotationBlock::default() {
        let bytes = Bytes::from(annotations.encode_to_vec());
        let part = part(PartKind::Annotations, "", None, &blake3::hash(&bytes), bytes.len() as u64);
        store.write(&layout::part(key, &part), bytes).await?;
        parts.push(part);
    }
    for file in files {
        layout::check_name("a file of a task", &file.name)?;
        let (digest, length) = digest_file(file.path.clone()).await?;
        let part = part(file.kind, &file.name, file.frame, &digest, length);
        store.write_file(&layout::part(key, &part), &file.path).await?;
        parts.push(part);
    }
    Ok(parts)
}

fn part(kind: PartKind, name: &str, frame: Option<u64>, digest: &blake3::Hash, length: u64) -> Part {
    Part { kind: kind.into(), name: name.to_owned(), digest: Bytes::copy_from_slice(digest.as_bytes()), length, frame }
}

/// blake3 and length of a local file.
async fn digest_file(path: PathBuf) -> Result<(blake3::Hash, u64), LedgerError> {
    let read = |path: PathBuf| {
        let mut hasher = blake3::Hasher::new();
        let result =
            std::fs::File::open(&path).and_then(|file| hasher.update_reader(file).map(|hasher| hasher.finalize()));
        result.map(|digest| (digest, hasher.count())).map_err(|source| LedgerError::access("read", path, source))
    };
    let shown = path.clone();
    let joined = tokio::task::spawn_blocking(move || read(path)).await;
    joined.map_err(|error| LedgerError::access("read", shown, std::io::Error::other(error)))?
}

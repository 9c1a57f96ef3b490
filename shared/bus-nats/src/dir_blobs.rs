//! Blobs as files in a folder that several processes share: a tmpfs on one machine, or a shared volume.
mod account;
mod folder;

use async_trait::async_trait;
use bytes::Bytes;
use folder::{Folder, Unfinished};
use framefleet_bus::{BlobError, BlobName, BlobWriter, Blobs};
use memmap2::{Advice, Mmap, MmapMut, MmapOptions};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// The name of this store in a [`BlobName`].
const STORE: &str = "dir";

/// [`Blobs`] as files, mapped and never copied. All processes that open the folder share its room. A blob is written to a
/// file that readers do not know, whose room is taken from the filesystem first (a mapped file on a full tmpfs ends its
/// writer by SIGBUS), and is renamed when it is finished; it is never changed afterwards, only unlinked, and those who have
/// it mapped keep it. What a process leaves unfinished when it dies is found by its lock, which dies with it.
pub struct DirBlobs {
    folder: Arc<Folder>,
}

impl DirBlobs {
    /// Opens a folder, which is made, with room for `capacity` bytes in all. An error when its filesystem has less.
    pub fn open(folder: &Path, capacity: u64) -> Result<Self, BlobError> {
        Ok(Self { folder: Arc::new(Folder::open(folder, capacity)?) })
    }

    /// Whether a name was made in this folder, by whatever process.
    fn owns(&self, name: &BlobName) -> bool {
        name.store == STORE && name.place == self.folder.place()
    }

    /// Does something that may wait for the disk or for another process.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Folder>) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let folder = Arc::clone(&self.folder);
        tokio::task::spawn_blocking(move || work(&folder)).await.map_err(|error| BlobError::Io(error.into()))?
    }
}

#[async_trait]
impl Blobs for DirBlobs {
    async fn reserve(&self, key: &str, length: u64) -> Result<Box<dyn BlobWriter>, BlobError> {
        let key = key.to_owned();
        self.with(move |folder| {
            let unfinished = folder.reserve(&key, length)?;
            let memory = map_for_writing(unfinished.file(), length)?;
            let name = BlobName { store: STORE.to_owned(), place: folder.place().to_owned(), key, length };
            Ok(Box::new(DirWriter { memory, name, unfinished }) as Box<dyn BlobWriter>)
        })
        .await
    }

    async fn get(&self, name: &BlobName) -> Result<Bytes, BlobError> {
        if !self.owns(name) {
            return Err(BlobError::Stale(name.key.clone()));
        }
        let name = name.clone();
        self.with(move |folder| map_for_reading(&folder.finished(&name.key, name.length)?, name.length)).await
    }

    async fn release(&self, name: &BlobName) -> Result<(), BlobError> {
        if !self.owns(name) {
            return Ok(());
        }
        let key = name.key.clone();
        self.with(move |folder| folder.release(&key)).await
    }

    async fn release_all(&self, prefix: &str) -> Result<u64, BlobError> {
        let prefix = prefix.to_owned();
        self.with(move |folder| folder.release_all(&prefix)).await
    }

    fn used(&self) -> u64 {
        self.folder.used()
    }
}

/// Maps a file to write to. An empty file cannot be mapped. The pages are mapped at once, since faulting them in one by
/// one takes longer than filling them; a kernel that cannot (before 5.14) faults them in one by one.
fn map_for_writing(file: &File, length: u64) -> Result<Option<MmapMut>, BlobError> {
    if length == 0 {
        return Ok(None);
    }
    // SAFETY: the file has its length and its room already, and nobody else knows its name: it is neither cut nor written
    // to by others while it is mapped.
    let memory = unsafe { MmapOptions::new().map_mut(file)? };
    let _ = memory.advise(Advice::PopulateWrite);
    Ok(Some(memory))
}

/// Maps a finished file.
fn map_for_reading(file: &File, length: u64) -> Result<Bytes, BlobError> {
    if length == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: a finished file is never written to or cut, only unlinked or replaced by another of its name.
    let mapped: Mmap = unsafe { MmapOptions::new().populate().map(file)? };
    Ok(Bytes::from_owner(mapped))
}

/// A blob being written.
struct DirWriter {
    memory: Option<MmapMut>,
    name: BlobName,
    unfinished: Unfinished,
}

impl BlobWriter for DirWriter {
    fn memory(&mut self) -> &mut [u8] {
        self.memory.as_deref_mut().unwrap_or_default()
    }

    fn finish(self: Box<Self>) -> Result<BlobName, BlobError> {
        let Self { memory, name, unfinished } = *self;
        drop(memory);
        unfinished.finish()?;
        Ok(name)
    }
}

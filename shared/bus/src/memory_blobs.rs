//! Blobs inside one process: shared bytes, nothing copied.
use crate::{BlobError, BlobName, BlobWriter, Blobs};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The name of this store in a [`BlobName`].
const STORE: &str = "memory";

/// Tells the memories of one process apart, so that a name of one is an error in another.
static MEMORIES: AtomicU64 = AtomicU64::new(0);

/// [`Blobs`] on the heap of one process, bounded by `capacity` bytes. What counts is what is reserved or has a name: bytes
/// that a reader still holds after their release are the reader's.
pub struct MemoryBlobs {
    place: String,
    room: Arc<Room>,
}

impl MemoryBlobs {
    /// Room for `capacity` bytes; none are taken yet.
    pub fn new(capacity: u64) -> Self {
        let place = format!("{}-{}", std::process::id(), MEMORIES.fetch_add(1, Ordering::Relaxed));
        Self { place, room: Arc::new(Room { capacity, state: Mutex::default() }) }
    }

    /// Whether a name was made here.
    fn owns(&self, name: &BlobName) -> bool {
        name.store == STORE && name.place == self.place
    }
}

#[async_trait]
impl Blobs for MemoryBlobs {
    async fn reserve(&self, key: &str, length: u64) -> Result<Box<dyn BlobWriter>, BlobError> {
        let reserved = Reserved::new(&self.room, length)?;
        let bytes = usize::try_from(length).map_err(|_| self.room.state().no_room(length, self.room.capacity))?;
        let name = BlobName { store: STORE.to_owned(), place: self.place.clone(), key: key.to_owned(), length };
        Ok(Box::new(MemoryWriter { memory: vec![0; bytes], name, reserved }))
    }

    async fn get(&self, name: &BlobName) -> Result<Bytes, BlobError> {
        let state = self.room.state();
        let found = state.blobs.get(&name.key).filter(|blob| self.owns(name) && blob.len() as u64 == name.length);
        found.cloned().ok_or_else(|| BlobError::Stale(name.key.clone()))
    }

    async fn release(&self, name: &BlobName) -> Result<(), BlobError> {
        if self.owns(name) {
            self.room.state().remove(&name.key);
        }
        Ok(())
    }

    async fn release_all(&self, prefix: &str) -> Result<u64, BlobError> {
        Ok(self.room.state().remove_all(prefix))
    }

    fn used(&self) -> u64 {
        self.room.state().used
    }
}

/// What readers and writers share.
struct Room {
    capacity: u64,
    state: Mutex<Contents>,
}

impl Room {
    /// Locks. A thread that panicked while it held the lock left a whole state behind: each change is one call.
    fn state(&self) -> MutexGuard<'_, Contents> {
        self.state.lock()
    }
}

/// Finished blobs, and the bytes of all, unfinished ones included.
#[derive(Default)]
struct Contents {
    used: u64,
    blobs: HashMap<String, Bytes>,
}

impl Contents {
    fn no_room(&self, wanted: u64, capacity: u64) -> BlobError {
        BlobError::NoRoom { wanted, free: capacity - self.used, capacity }
    }

    fn remove(&mut self, key: &str) {
        if let Some(blob) = self.blobs.remove(key) {
            self.used -= blob.len() as u64;
        }
    }

    /// Removes the blobs whose keys start with `prefix`; returns how many they were.
    fn remove_all(&mut self, prefix: &str) -> u64 {
        let Self { used, blobs } = self;
        blobs.extract_if(|key, _| key.starts_with(prefix)).map(|(_, blob)| *used -= blob.len() as u64).count() as u64
    }
}

/// Bytes counted as used until they are given back or become a finished blob.
struct Reserved {
    room: Arc<Room>,
    length: u64,
}

impl Reserved {
    fn new(room: &Arc<Room>, length: u64) -> Result<Self, BlobError> {
        let mut state = room.state();
        match state.used.checked_add(length).filter(|used| *used <= room.capacity) {
            Some(used) => state.used = used,
            None => return Err(state.no_room(length, room.capacity)),
        }
        Ok(Self { room: Arc::clone(room), length })
    }

    /// Keeps the bytes under a key; they stay counted, as a blob. One of the same key is replaced.
    fn keep(mut self, key: &str, bytes: Bytes) {
        let mut state = self.room.state();
        state.remove(key);
        state.blobs.insert(key.to_owned(), bytes);
        drop(state);
        self.length = 0;
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.room.state().used -= self.length;
    }
}

/// A blob being written.
struct MemoryWriter {
    memory: Vec<u8>,
    name: BlobName,
    reserved: Reserved,
}

impl BlobWriter for MemoryWriter {
    fn memory(&mut self) -> &mut [u8] {
        &mut self.memory
    }

    fn finish(self: Box<Self>) -> Result<BlobName, BlobError> {
        let Self { memory, name, reserved } = *self;
        reserved.keep(&name.key, Bytes::from(memory));
        Ok(name)
    }
}

#[cfg(test)]
mod tests;

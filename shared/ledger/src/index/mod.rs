//! The entries of an output, in memory, and how they are read from it.
mod block_cache;
mod segments;
mod slots;

pub(crate) use block_cache::BlockCache;
pub(crate) use slots::{Place, Slot, own_parts};

use crate::store::Store;
use crate::{LedgerError, TaskKey, layout};
use bytes::Bytes;
use framefleet_proto::v1::Entry;
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use segments::Segment;
use slots::Slots;
use std::collections::HashSet;
use std::sync::Arc;

/// Objects read together: many of them are small.
const CONCURRENCY: usize = 64;
/// How often reading starts again when segments were replaced meanwhile.
const ATTEMPTS: usize = 5;

/// Why segments cannot be read.
const VANISHING: &str = "segments vanish while they are read: another process is at work on it";

/// All entries by key.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub slots: Slots,
    /// Loose entries that a segment holds too, and entries that cannot be read.
    pub surplus: Vec<String>,
    /// Segments with rows that do not count: another segment has them too, or their parts are gone.
    pub stale: HashSet<Arc<str>>,
    /// What is wrong with entries that cannot be read.
    pub problems: Vec<String>,
}

impl Index {
    /// Reads the entries of an output. Loose ones are listed first: whatever compaction moves meanwhile is then found in the
    /// segments.
    pub async fn load(store: &Store) -> Result<Self, LedgerError> {
        for _ in 1..ATTEMPTS {
            if let Some(index) = Self::try_load(store).await? {
                return Ok(index);
            }
        }
        Err(store.damaged(layout::SEGMENTS, VANISHING))
    }

    /// `None` when a segment was replaced between listing and reading.
    async fn try_load(store: &Store) -> Result<Option<Self>, LedgerError> {
        let mut index = Self::default();
        let loose = store.list(layout::ENTRIES).await?;
        let mut loose = futures::stream::iter(loose)
            .map(|(path, _)| async move { store.read(&path).await.map(|bytes| (path, bytes)) })
            .buffer_unordered(CONCURRENCY);
        while let Some((path, bytes)) = loose.try_next().await? {
            if let Some(bytes) = bytes {
                index.add_loose(path, bytes);
            }
        }
        Ok(index.read_segments(store).await?.then_some(index))
    }

    /// Reads the entries that lie in segments.
    pub async fn load_segments(store: &Store) -> Result<Self, LedgerError> {
        for _ in 1..ATTEMPTS {
            let mut index = Self::default();
            if index.read_segments(store).await? {
                return Ok(index);
            }
        }
        Err(store.damaged(layout::SEGMENTS, VANISHING))
    }

    /// Adds the segments; `false` when one was replaced between listing and reading.
    async fn read_segments(&mut self, store: &Store) -> Result<bool, LedgerError> {
        let paths = store.list(layout::SEGMENTS).await?.into_iter().map(|(path, _)| path);
        let mut segments = futures::stream::iter(paths.filter(|path| path.ends_with(".index")))
            .map(|path| Segment::read(store, path))
            .buffered(std::thread::available_parallelism().map_or(1, usize::from));
        while let Some(segment) = segments.try_next().await? {
            let Some(segment) = segment else { return Ok(false) };
            self.add_segment(segment);
        }
        Ok(true)
    }

    fn add_loose(&mut self, path: String, bytes: Bytes) {
        let entry = Entry::decode(bytes).ok();
        let key = entry.as_ref().and_then(|entry| TaskKey::from_bytes(&entry.key).ok());
        match (entry, key) {
            (Some(entry), Some(key)) if layout::key_of(&path) == Some(key) => {
                self.slots.insert(key, &Slot { entry: Arc::new(entry), place: Place::Loose });
            }
            _ => {
                self.problems.push(format!("{path} is no entry: its task will be done again"));
                self.surplus.push(path);
            }
        }
    }

    fn add_segment(&mut self, segment: Segment) {
        self.slots.reserve(segment.rows.len());
        for (key, kept) in segment.rows {
            match self.slots.insert_kept(key, kept) {
                Some(Place::Loose) => self.surplus.push(layout::entry(&key)),
                Some(Place::Segment(other, _)) => {
                    self.stale.insert(other);
                }
                None => {}
            }
        }
        self.problems.extend(segment.problem);
    }
}

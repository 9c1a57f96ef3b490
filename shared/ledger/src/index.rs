//! The entries of an output, in memory, and how they are read from it.
use crate::layout;
use crate::slots::{Kept, Slots};
use crate::store::Store;
use crate::{LedgerError, TaskKey};
use bytes::Bytes;
use framefleet_proto::v1::{EncodedSegmentIndex, EncodedSegmentRow, Entry, Part, PartKind};
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use std::collections::HashSet;
use std::sync::Arc;

/// Objects read together: many of them are small.
const CONCURRENCY: usize = 64;
/// How often reading starts again when segments were replaced meanwhile.
const ATTEMPTS: usize = 5;

/// Why segments cannot be read.
const VANISHING: &str = "segments vanish while they are read: another process is at work on it";

/// Where an entry and its annotations lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// An object each.
    Loose,
    /// In the segment of this id, the annotations from this offset.
    Segment(Arc<str>, u64),
}

/// An entry and its place.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub entry: Arc<Entry>,
    pub place: Place,
}

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

/// What a segment's index says.
#[derive(Default)]
struct Segment {
    rows: Vec<(TaskKey, Kept)>,
    problem: Option<String>,
}

impl Segment {
    /// Reads a segment on a thread of its own: there are hundreds of thousands of rows in a long job. `None` when it is gone.
    async fn read(store: &Store, path: String) -> Result<Option<Self>, LedgerError> {
        let Some(bytes) = store.read(&path).await? else { return Ok(None) };
        let of = path.clone();
        let decoded = tokio::task::spawn_blocking(move || Self::decode(&of, bytes)).await;
        decoded.map(Some).map_err(|error| store.damaged(&path, error))
    }

    fn decode(path: &str, bytes: Bytes) -> Self {
        let id: Arc<str> =
            path.rsplit('/').next().and_then(|name| name.strip_suffix(".index")).unwrap_or_default().into();
        let Ok(segment) = EncodedSegmentIndex::decode(bytes) else {
            let problem = Some(format!("{path} is no segment: its tasks will be done again"));
            return Self { problem, ..Self::default() };
        };
        let kept = |row: EncodedSegmentRow| Kept::encoded(row.entry, Place::Segment(id.clone(), row.offset));
        Self { rows: segment.rows.into_iter().filter_map(kept).collect(), problem: None }
    }
}

/// The part that holds a task's annotations; absent when it made none.
pub(crate) fn annotations_part(entry: &Entry) -> Option<&Part> {
    entry.parts.iter().find(|part| layout::kind(part) == PartKind::Annotations)
}

/// The parts that lie in files of their own: annotations of a task in a segment do not.
pub(crate) fn own_parts<'a>(parts: &'a [Part], place: &Place) -> impl Iterator<Item = &'a Part> {
    let loose = *place == Place::Loose;
    parts.iter().filter(move |part| loose || layout::kind(part) != PartKind::Annotations)
}

/// The frames that an entry speaks of.
pub(crate) fn frames(entry: &Entry) -> u64 {
    let range = entry.id.as_ref().and_then(|id| id.range);
    range.map_or(0, |range| range.end.saturating_sub(range.start))
}

/// A task in words, for messages.
pub(crate) fn describe(entry: &Entry) -> String {
    let Some(id) = &entry.id else { return format!("a task of stage {}", entry.stage) };
    match id.range {
        Some(range) => format!("step {}, {} frames {}–{}", id.step, id.item, range.start, range.end),
        None => format!("step {} {}", id.step, id.kind().as_str_name()),
    }
}

//! Segments: many entries in one object, and their annotations in another.
use super::slots::{Kept, Place};
use crate::store::Store;
use crate::{LedgerError, TaskKey};
use bytes::Bytes;
use framefleet_proto::v1::{EncodedSegmentIndex, EncodedSegmentRow};
use prost::Message;
use std::sync::Arc;

/// What a segment's index says.
#[derive(Default)]
pub(super) struct Segment {
    pub rows: Vec<(TaskKey, Kept)>,
    /// Why it cannot be read, in words.
    pub problem: Option<String>,
}

impl Segment {
    /// Reads a segment on a thread of its own: there are hundreds of thousands of rows in a long job. `None` when it is gone.
    pub async fn read(store: &Store, path: String) -> Result<Option<Self>, LedgerError> {
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

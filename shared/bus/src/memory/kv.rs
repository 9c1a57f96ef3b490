//! Small values inside one process.
use super::check_length;
use crate::{BusError, Kv, Value};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// A [`Kv`] on the heap of one process.
#[derive(Default)]
pub(crate) struct MemoryKv(Mutex<Bucket>);

/// Values and when they were written. Those that are too old are dropped before anybody looks.
#[derive(Default)]
struct Bucket {
    ttl: Option<Duration>,
    values: BTreeMap<String, (Instant, Value)>,
    revision: u64,
}

impl MemoryKv {
    /// How long values are kept from now on, those already there included.
    pub(crate) fn keep_for(&self, ttl: Option<Duration>) {
        self.fresh().ttl = ttl;
    }

    /// Locks the bucket and drops what is too old.
    fn fresh(&self) -> MutexGuard<'_, Bucket> {
        let mut bucket = self.0.lock();
        if let Some(ttl) = bucket.ttl {
            let now = Instant::now();
            bucket.values.retain(|_, (written, _)| now.duration_since(*written) < ttl);
        }
        bucket
    }
}

#[async_trait]
impl Kv for MemoryKv {
    async fn get(&self, key: &str) -> Result<Option<Value>, BusError> {
        Ok(self.fresh().values.get(key).map(|(_, value)| value.clone()))
    }

    async fn put(&self, key: &str, bytes: Bytes, expected: Option<u64>) -> Result<Option<u64>, BusError> {
        check_length(&bytes)?;
        let mut bucket = self.fresh();
        let found = bucket.values.get(key).map_or(0, |(_, value)| value.revision);
        if expected.is_some_and(|expected| expected != found) {
            return Ok(None);
        }
        bucket.revision += 1;
        let revision = bucket.revision;
        bucket.values.insert(key.to_owned(), (Instant::now(), Value { bytes, revision }));
        Ok(Some(revision))
    }

    async fn delete(&self, key: &str) -> Result<(), BusError> {
        self.fresh().values.remove(key);
        Ok(())
    }

    async fn entries(&self) -> Result<Vec<(String, Value)>, BusError> {
        Ok(self.fresh().values.iter().map(|(key, (_, value))| (key.clone(), value.clone())).collect())
    }
}

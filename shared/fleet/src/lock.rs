//! The lock: one orchestrator is the leader.
use bytes::Bytes;
use framefleet_bus::{BusError, Kv};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The bucket it lies in.
pub(super) const BUCKET: &str = "lock";
/// How long it lasts unless it is renewed.
pub(super) const TTL: Duration = Duration::from_secs(5);
/// The one key.
const KEY: &str = "orchestrator";
/// How often it is renewed, or asked for.
const PERIOD: Duration = Duration::from_secs(1);
/// How long the holder goes on without an answer from the bus. Nobody else can take the lock through a bus that is down, but
/// through one that only this process cannot reach.
const SILENCE: Duration = Duration::from_secs(15);

/// The lock, held.
pub(super) struct Lock {
    kv: Arc<dyn Kv>,
    holder: Bytes,
    revision: u64,
}

impl Lock {
    /// Waits until the lock is free and takes it. `holder` is shown to others.
    pub async fn acquire(kv: Arc<dyn Kv>, holder: &str) -> Self {
        let holder = Bytes::copy_from_slice(holder.as_bytes());
        loop {
            match kv.put(KEY, holder.clone(), Some(0)).await {
                Ok(Some(revision)) => return Self { kv, holder, revision },
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "the lock cannot be asked for"),
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    /// Keeps the lock until it is lost; returns why.
    pub async fn keep(mut self) -> String {
        let mut answered = Instant::now();
        loop {
            tokio::time::sleep(PERIOD).await;
            match self.renew().await {
                Ok(true) => answered = Instant::now(),
                Ok(false) => return "another orchestrator has the lock".to_owned(),
                Err(error) if answered.elapsed() > SILENCE => return format!("the bus does not answer: {error}"),
                Err(error) => tracing::warn!(%error, "the lock cannot be renewed yet"),
            }
        }
    }

    /// Whether the lock is still this one's. One that ran out while the bus was away is taken again, if nobody else did.
    async fn renew(&mut self) -> Result<bool, BusError> {
        for expected in [self.revision, 0] {
            if let Some(revision) = self.kv.put(KEY, self.holder.clone(), Some(expected)).await? {
                self.revision = revision;
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Gives the lock back, so that the next orchestrator need not wait for it to run out.
pub(super) async fn release(kv: &dyn Kv) {
    if let Err(error) = kv.delete(KEY).await {
        tracing::warn!(%error, "the lock could not be given back; it runs out by itself");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_bus::{Bus as _, MemoryBus};

    #[tokio::test]
    async fn one_holds_it_and_the_other_gets_it_when_it_is_given_back() {
        let bus = MemoryBus::new(Duration::from_secs(3));
        let kv = bus.bucket(BUCKET, Some(TTL)).await.unwrap();
        let one = Lock::acquire(kv.clone(), "one").await;
        let other = tokio::spawn(Lock::acquire(kv.clone(), "other"));
        let keeping = tokio::spawn(one.keep());
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert!(!other.is_finished() && !keeping.is_finished());
        keeping.abort();
        release(kv.as_ref()).await;
        let other = tokio::time::timeout(TTL, other).await.unwrap().unwrap();
        assert_eq!(kv.get(KEY).await.unwrap().unwrap().bytes, other.holder);
    }

    #[tokio::test]
    async fn who_lost_it_is_told() {
        let bus = MemoryBus::new(Duration::from_secs(3));
        let kv = bus.bucket(BUCKET, Some(TTL)).await.unwrap();
        let one = Lock::acquire(kv.clone(), "one").await;
        kv.put(KEY, Bytes::from_static(b"thief"), None).await.unwrap();
        assert!(one.keep().await.contains("another"));
    }
}

//! The lease of an output in a store: it is renewed while its process lives, and expires when that does not come to give it back.
use super::owner::{Owner, encode};
use crate::store::Store;
use crate::{LedgerError, layout};
use object_store::UpdateVersion;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinHandle;

/// How long a lease lasts and how often it is renewed. Clocks of machines that share a store may differ by less than the
/// difference.
#[derive(Clone, Copy, Debug)]
pub struct LeaseTiming {
    /// From one renewal.
    pub lasts: Duration,
    /// Time between renewals.
    pub renewed_every: Duration,
}

impl Default for LeaseTiming {
    fn default() -> Self {
        Self { lasts: Duration::from_secs(30), renewed_every: Duration::from_secs(8) }
    }
}

/// The lease as it lies in a store.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct LeaseRecord {
    #[serde(flatten)]
    owner: Owner,
    /// Tells this holder from an earlier one of the same process.
    holder: u64,
    /// Milliseconds since 1970; 0 when it was given back.
    expires_ms: u64,
}

/// A lease that is renewed in the background.
#[derive(Debug)]
pub(crate) struct Lease {
    renewal: JoinHandle<()>,
    held: Arc<HeldLease>,
}

#[derive(Debug)]
struct HeldLease {
    store: Store,
    record: LeaseRecord,
    timing: LeaseTiming,
    version: tokio::sync::Mutex<UpdateVersion>,
    lost: AtomicBool,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

impl Lease {
    pub async fn take(store: &Store, timing: LeaseTiming) -> Result<Self, LedgerError> {
        let record =
            LeaseRecord { owner: Owner::this_process(), holder: fastrand::u64(..), expires_ms: expiry(timing) };
        let taken = match store.read_version(layout::LEASE).await? {
            None => store.create(layout::LEASE, encode(&record)).await?,
            Some((bytes, version)) => {
                let found = decode(&bytes);
                if let Some(found) = found.filter(|found| found.expires_ms > now_ms()) {
                    return Err(found.owner.refusal(store.url()));
                }
                store.replace(layout::LEASE, encode(&record), version).await?
            }
        };
        let found = store.read_version(layout::LEASE).await?;
        let held_by = found.as_ref().and_then(|(bytes, _)| decode(bytes));
        match (found, held_by) {
            (Some((_, version)), Some(holder)) if taken && holder.holder == record.holder => {
                Ok(Self::hold(HeldLease {
                    store: store.clone(),
                    record,
                    timing,
                    version: version.into(),
                    lost: false.into(),
                }))
            }
            (_, holder) => Err(holder.map(|holder| holder.owner).unwrap_or_default().refusal(store.url())),
        }
    }

    /// Whether another process may own the output by now.
    pub fn is_lost(&self) -> bool {
        self.held.lost.load(Ordering::Acquire)
    }

    fn hold(held: HeldLease) -> Self {
        let held = Arc::new(held);
        Self { renewal: tokio::spawn(renew(held.clone())), held }
    }

    /// Gives it back.
    pub async fn release(&self) -> Result<(), LedgerError> {
        self.renewal.abort();
        let version = self.held.version.lock().await.clone();
        let given_back = LeaseRecord { expires_ms: 0, ..self.held.record.clone() };
        // Someone else has it when the version is another: then there is nothing to give back.
        self.held.store.replace(layout::LEASE, encode(&given_back), version).await.map(drop)
    }
}

/// Extends the lease until it is lost. A store that does not answer is asked again until the lease has run out.
async fn renew(held: Arc<HeldLease>) {
    let mut expires = held.record.expires_ms;
    loop {
        tokio::time::sleep(held.timing.renewed_every).await;
        let next = expiry(held.timing);
        let extended = LeaseRecord { expires_ms: next, ..held.record.clone() };
        match held.extend(&extended).await {
            Ok(true) => expires = next,
            Err(error) if now_ms() < expires => {
                tracing::warn!(%error, "the lease on the output could not be renewed yet")
            }
            Ok(false) | Err(_) => return held.lost.store(true, Ordering::Release),
        }
    }
}

impl HeldLease {
    /// Whether the lease was still this holder's.
    async fn extend(&self, record: &LeaseRecord) -> Result<bool, LedgerError> {
        let mut version = self.version.lock().await;
        if !self.store.replace(layout::LEASE, encode(record), version.clone()).await? {
            return Ok(false);
        }
        let Some((bytes, latest)) = self.store.read_version(layout::LEASE).await? else { return Ok(false) };
        *version = latest;
        Ok(decode(&bytes).is_some_and(|found| found.holder == self.record.holder))
    }
}

fn decode(bytes: &[u8]) -> Option<LeaseRecord> {
    serde_json::from_slice(bytes).ok()
}

fn expiry(timing: LeaseTiming) -> u64 {
    now_ms() + u64::try_from(timing.lasts.as_millis()).unwrap_or(u64::MAX / 2)
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

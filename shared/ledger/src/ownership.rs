//! One job at a time owns an output: a lock on a file in folders, a lease that expires in stores.
use crate::LedgerError;
use crate::layout;
use crate::store::Store;
use bytes::Bytes;
use object_store::UpdateVersion;
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{Read, Seek, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinHandle;

/// How long a lease lasts and how often it is renewed. Clocks of machines that share a store may differ by less than the
/// difference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeaseTiming {
    pub lasts: Duration,
    pub renewed_every: Duration,
}

impl Default for LeaseTiming {
    fn default() -> Self {
        Self { lasts: Duration::from_secs(30), renewed_every: Duration::from_secs(8) }
    }
}

/// Who owns an output, as others are told.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Owner {
    pid: u32,
    host: String,
    since: String,
}

impl Owner {
    fn this_process() -> Self {
        Self {
            pid: std::process::id(),
            host: host_name(),
            since: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        }
    }

    fn refusal(self, url: &str) -> LedgerError {
        LedgerError::Owned { output: url.to_owned(), pid: self.pid, host: self.host, since: self.since }
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

/// The right to write to an output. Dropping it gives a lock back at once; a lease runs out.
#[derive(Debug)]
pub(crate) enum Ownership {
    Lock(#[allow(dead_code, reason = "the lock lasts as long as the open file")] File),
    Lease(Lease),
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

impl Ownership {
    /// Takes the output, or says who has it.
    pub async fn take(store: &Store, timing: LeaseTiming) -> Result<Self, LedgerError> {
        match store.local(layout::LOCK) {
            Some(path) => lock(store.url(), &path).map(Self::Lock),
            None => Lease::take(store, timing).await.map(Self::Lease),
        }
    }

    /// Refuses when the output is no longer this process's.
    pub fn check(&self, store: &Store) -> Result<(), LedgerError> {
        match self {
            Self::Lease(lease) if lease.held.lost.load(Ordering::Acquire) => {
                let reason = "it could not be renewed in time, or another process took it".to_owned();
                Err(LedgerError::LeaseLost { output: store.url().to_owned(), reason })
            }
            _ => Ok(()),
        }
    }

    /// Gives the output back, so that the next job need not wait for a lease to run out.
    pub async fn release(&self) -> Result<(), LedgerError> {
        match self {
            Self::Lock(file) => file.unlock().map_err(|source| LedgerError::access("unlock", layout::LOCK, source)),
            Self::Lease(lease) => lease.release().await,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

impl Lease {
    async fn take(store: &Store, timing: LeaseTiming) -> Result<Self, LedgerError> {
        let record = LeaseRecord {
            owner: Owner::this_process(),
            holder: RandomState::new().build_hasher().finish(),
            expires_ms: expiry(timing),
        };
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

    fn hold(held: HeldLease) -> Self {
        let held = Arc::new(held);
        Self { renewal: tokio::spawn(renew(held.clone())), held }
    }

    async fn release(&self) -> Result<(), LedgerError> {
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

/// This machine's name, for people: Linux tells it in a file, shells in a variable.
fn host_name() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    told.map_or_else(|| "an unnamed machine".to_owned(), |name| name.trim().to_owned())
}

/// Locks a folder's lock file and writes into it who did.
fn lock(url: &str, path: &std::path::Path) -> Result<File, LedgerError> {
    let fail = |source| LedgerError::access("lock", path, source);
    let mut file = File::options().create(true).truncate(false).read(true).write(true).open(path).map_err(fail)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            file.read_to_string(&mut text).map_err(fail)?;
            return Err(serde_json::from_str::<Owner>(&text).unwrap_or_default().refusal(url));
        }
        Err(TryLockError::Error(source)) => return Err(fail(source)),
    }
    file.set_len(0).map_err(fail)?;
    file.rewind().map_err(fail)?;
    file.write_all(&encode(&Owner::this_process())).map_err(fail)?;
    Ok(file)
}

fn encode(value: &impl Serialize) -> Bytes {
    // Plain structs of text and numbers: writing them as JSON cannot fail.
    serde_json::to_vec(value).unwrap_or_default().into()
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

//! Extends leases from an OS thread of its own, which goes on when the runtime or all cores are busy.
use framefleet_bus::Extend;
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often leases are extended: three times in the shortest ack wait.
const PERIOD: Duration = Duration::from_secs(1);

type Leases = Mutex<HashMap<u64, Arc<dyn Extend>>>;

/// The leases of a runner that are to be kept. Its thread ends when it is dropped.
pub(crate) struct Keepalive {
    leases: Arc<Leases>,
    next: std::sync::atomic::AtomicU64,
    _ended: Sender<()>,
}

/// Keeps one lease until it is dropped.
pub(crate) struct Kept {
    leases: Arc<Leases>,
    number: u64,
}

impl Keepalive {
    /// Starts the thread.
    pub fn start() -> std::io::Result<Self> {
        let leases: Arc<Leases> = Arc::default();
        let (sender, ended) = channel();
        let kept = Arc::clone(&leases);
        std::thread::Builder::new().name("leases".to_owned()).spawn(move || extend_all(&kept, &ended))?;
        Ok(Self { leases, next: 0.into(), _ended: sender })
    }

    /// Keeps a lease from now on.
    pub fn keep(&self, extender: Arc<dyn Extend>) -> Kept {
        let number = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        lock(&self.leases).insert(number, extender);
        Kept { leases: Arc::clone(&self.leases), number }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        lock(&self.leases).remove(&self.number);
    }
}

fn extend_all(leases: &Leases, ended: &Receiver<()>) {
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(PERIOD) {
        // Not under the lock: an extension may have to wait for a connection.
        let all: Vec<_> = lock(leases).values().cloned().collect();
        all.iter().for_each(|lease| lease.extend());
    }
}

fn lock(leases: &Leases) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<dyn Extend>>> {
    leases.lock().unwrap_or_else(PoisonError::into_inner)
}

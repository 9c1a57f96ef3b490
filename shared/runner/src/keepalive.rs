//! Extends leases from an OS thread of its own, which goes on when the runtime or all cores are busy.
use framefleet_bus::Extend;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How often leases are extended: three times in the shortest ack wait.
const PERIOD: Duration = Duration::from_secs(1);

type Leases = Mutex<HashMap<u64, Arc<dyn Extend>>>;

/// The leases of a runner that are to be kept. Its thread ends when it is dropped.
pub(crate) struct Keepalive {
    leases: Arc<Leases>,
    next: AtomicU64,
    _ended: Sender<()>,
}

/// Keeps one lease until it is dropped.
pub(crate) struct LeaseGuard {
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
    pub fn keep(&self, extender: Arc<dyn Extend>) -> LeaseGuard {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.leases.lock().insert(number, extender);
        LeaseGuard { leases: Arc::clone(&self.leases), number }
    }
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        self.leases.lock().remove(&self.number);
    }
}

fn extend_all(leases: &Leases, ended: &Receiver<()>) {
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(PERIOD) {
        // Not under the lock: an extension may have to wait for a connection.
        let all: Vec<_> = leases.lock().values().cloned().collect();
        all.iter().for_each(|lease| lease.extend());
    }
}

//! The bus inside one process: queues and listeners in memory, nothing survives the process.
mod kv;
mod queue;

use crate::{Bus, BusError, Depth, Events, Extend, Inbox, Kv, Lease, Message, Subject};
use async_trait::async_trait;
use bytes::Bytes;
use kv::MemoryKv;
use parking_lot::{Mutex, MutexGuard};
use queue::{Queue, Taken};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

/// How long the id of an acknowledged message is remembered: JetStream's default window, so that both buses agree.
const REMEMBERED: Duration = Duration::from_secs(120);

/// The longest message, bytes: what a nats-server takes by default, so that what works in one process works in a fleet.
pub(crate) const MAX_PAYLOAD: usize = 1 << 20;

/// Refuses what a real bus would refuse.
pub(crate) fn check_length(payload: &Bytes) -> Result<(), BusError> {
    match payload.len() {
        ..=MAX_PAYLOAD => Ok(()),
        length => Err(BusError::TooLarge { length, limit: MAX_PAYLOAD }),
    }
}

/// A [`Bus`] inside one process. Queues are first in, first out; a message that is handed back goes ahead of later ones.
/// Queues have no bound of their own: who publishes keeps them short. Events wait, without bound, for listeners who are
/// behind, since a lost event would have to be found in the ledger. Dropping the bus closes its inboxes and listeners.
pub struct MemoryBus {
    ack_wait: Duration,
    queues: Mutex<HashMap<Subject, Arc<SharedQueue>>>,
    listeners: Mutex<HashMap<Subject, Vec<mpsc::UnboundedSender<Message>>>>,
    buckets: Mutex<HashMap<String, Arc<MemoryKv>>>,
}

impl MemoryBus {
    /// An empty bus that hands a message to another worker when it is neither acknowledged nor extended for `ack_wait`.
    pub fn new(ack_wait: Duration) -> Self {
        Self { ack_wait, queues: Mutex::default(), listeners: Mutex::default(), buckets: Mutex::default() }
    }

    /// The queue of a subject, made when first asked for.
    fn queue(&self, subject: &Subject) -> Arc<SharedQueue> {
        let mut queues = self.queues.lock();
        let new = || Arc::new(SharedQueue::new(self.ack_wait));
        Arc::clone(queues.entry(subject.clone()).or_insert_with(new))
    }
}

impl Drop for MemoryBus {
    fn drop(&mut self) {
        for queue in self.queues.lock().values() {
            queue.close();
        }
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn publish(&self, message: Message) -> Result<(), BusError> {
        check_length(&message.payload)?;
        let queue = self.queue(&message.subject);
        if queue.state().push(message, Instant::now()) {
            queue.wake.notify_one();
        }
        Ok(())
    }

    async fn inbox(&self, subject: &Subject) -> Result<Box<dyn Inbox>, BusError> {
        Ok(Box::new(MemoryInbox(self.queue(subject))))
    }

    async fn emit(&self, message: Message) -> Result<(), BusError> {
        check_length(&message.payload)?;
        let mut listeners = self.listeners.lock();
        if let Some(senders) = listeners.get_mut(&message.subject) {
            senders.retain(|sender| sender.send(message.clone()).is_ok());
            if senders.is_empty() {
                listeners.remove(&message.subject);
            }
        }
        Ok(())
    }

    async fn listen(&self, subject: &Subject) -> Result<Box<dyn Events>, BusError> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut listeners = self.listeners.lock();
        let senders = listeners.entry(subject.clone()).or_default();
        senders.retain(|sender| !sender.is_closed());
        senders.push(sender);
        Ok(Box::new(MemoryEvents(receiver)))
    }

    async fn bucket(&self, name: &str, ttl: Option<Duration>) -> Result<Arc<dyn Kv>, BusError> {
        let mut buckets = self.buckets.lock();
        let bucket = buckets.entry(name.to_owned()).or_default();
        bucket.keep_for(ttl);
        Ok(Arc::clone(bucket) as Arc<dyn Kv>)
    }

    async fn depth(&self, subject: &Subject) -> Result<Depth, BusError> {
        Ok(self.queue(subject).state().depth(Instant::now()))
    }
}

/// A queue that bus, inboxes and leases share.
struct SharedQueue {
    state: Mutex<Queue>,
    /// Wakes one waiting worker for a new message, and all of them for one that is handed back or delayed.
    wake: Notify,
    closed: AtomicBool,
    ack_wait: Duration,
}

impl SharedQueue {
    fn new(ack_wait: Duration) -> Self {
        let state = Mutex::new(Queue::new(REMEMBERED));
        Self { state, wake: Notify::new(), closed: AtomicBool::new(false), ack_wait }
    }

    fn state(&self) -> MutexGuard<'_, Queue> {
        self.state.lock()
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake.notify_waiters();
    }

    /// Makes a message available to all at a time, unless the one who hands it back has lost it.
    fn hand_back(&self, taken: &Taken, available: Instant) {
        if self.state().hide(taken.sequence, taken.attempt, available) {
            self.wake.notify_waiters();
        }
    }

    /// Waits for a message and takes it. Nothing is awaited once a message is taken, hence cancelling takes nothing.
    async fn take(&self) -> Result<Taken, BusError> {
        loop {
            let mut woken = std::pin::pin!(self.wake.notified());
            // Registered before looking, so that a message that arrives in between wakes this one.
            woken.as_mut().enable();
            if self.closed.load(Ordering::Acquire) {
                return Err(BusError::Closed);
            }
            let now = Instant::now();
            let latest = now + self.ack_wait;
            let (taken, due) = {
                let mut state = self.state();
                (state.take(now, latest), state.due())
            };
            if let Some(taken) = taken {
                return Ok(taken);
            }
            // A lease that another worker takes from now on ends after `latest`: looking again then is soon enough. Of an
            // earlier end everyone who waits is woken, since one who is woken alone may stop waiting.
            let look_again = due.map_or(latest, |due| due.min(latest));
            tokio::select! {
                () = woken => {}
                () = tokio::time::sleep_until(look_again) => {}
            }
        }
    }
}

/// One worker's view of a queue.
struct MemoryInbox(Arc<SharedQueue>);

#[async_trait]
impl Inbox for MemoryInbox {
    async fn lease(&mut self) -> Result<Box<dyn Lease>, BusError> {
        let taken = self.0.take().await?;
        Ok(Box::new(MemoryLease { queue: Arc::clone(&self.0), taken, settled: false }))
    }
}

/// A message taken from a queue.
struct MemoryLease {
    queue: Arc<SharedQueue>,
    taken: Taken,
    settled: bool,
}

#[async_trait]
impl Lease for MemoryLease {
    fn message(&self) -> &Message {
        &self.taken.message
    }

    fn attempt(&self) -> u64 {
        self.taken.attempt
    }

    fn extender(&self) -> Arc<dyn Extend> {
        let (sequence, attempt) = (self.taken.sequence, self.taken.attempt);
        Arc::new(MemoryExtend { queue: Arc::clone(&self.queue), sequence, attempt })
    }

    async fn ack(mut self: Box<Self>) -> Result<(), BusError> {
        self.settled = true;
        self.queue.state().remove(self.taken.sequence, Instant::now());
        Ok(())
    }

    async fn retry(mut self: Box<Self>, after: Duration) -> Result<(), BusError> {
        self.settled = true;
        let available = Instant::now() + after;
        self.queue.hand_back(&self.taken, available);
        Ok(())
    }
}

impl Drop for MemoryLease {
    fn drop(&mut self) {
        if !self.settled {
            self.queue.hand_back(&self.taken, Instant::now());
        }
    }
}

/// Extends one attempt at a message.
struct MemoryExtend {
    queue: Arc<SharedQueue>,
    sequence: u64,
    attempt: u64,
}

impl Extend for MemoryExtend {
    fn extend(&self) {
        let until = Instant::now() + self.queue.ack_wait;
        self.queue.state().hide(self.sequence, self.attempt, until);
    }
}

/// One listener's events.
struct MemoryEvents(mpsc::UnboundedReceiver<Message>);

#[async_trait]
impl Events for MemoryEvents {
    async fn next(&mut self) -> Result<Message, BusError> {
        self.0.recv().await.ok_or(BusError::Closed)
    }
}

#[cfg(test)]
mod tests;

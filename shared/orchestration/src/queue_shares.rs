//! Shares the queues of the fleet among its jobs.
//!
//! A task becomes a message only when there is a place for it: a queue has twice as many places as its workers have slots,
//! so workers never wait and a new job is never behind a long queue. When several jobs want places in a queue, those of the
//! highest priority come first, and among equals each may hold an equal part; what others do not ask for is anybody's.
//! Tasks are batches of at most 256 MiB, so equal places are about equal bytes.
use framefleet_bus::Subject;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use tokio::sync::Notify;

/// Places in a queue per slot of its workers: one task runs, the next one waits with its inputs fetched.
const DEPTH: usize = 2;

/// The shares of all jobs.
#[derive(Debug, Default)]
pub struct QueueShares {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Slots of workers by queue; `fallback` for queues that are not in it.
    slots: HashMap<Subject, usize>,
    fallback: usize,
    jobs: BTreeMap<u64, JobQueues>,
    next: u64,
}

/// What one job has and wants.
#[derive(Debug, Default)]
struct JobQueues {
    priority: i32,
    held: HashMap<Subject, usize>,
    wanted: BTreeSet<Subject>,
}

/// A job's share of the queues; released on drop.
#[derive(Debug)]
pub struct QueueShare {
    shares: Arc<QueueShares>,
    number: u64,
}

impl QueueShares {
    /// Shares in one process, whose workers serve every queue with so many slots.
    pub fn of_process(slots: usize) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { fallback: slots, ..State::default() }), changed: Notify::new() })
    }

    /// Shares in a fleet: no queue has workers until [`QueueShares::serve`] says so.
    pub fn of_fleet() -> Arc<Self> {
        Arc::default()
    }

    /// Notes which queues have workers now, and their slots.
    pub fn serve(&self, slots: HashMap<Subject, usize>) {
        let mut state = self.state.lock();
        if state.slots != slots {
            state.slots = slots;
            drop(state);
            self.changed.notify_waiters();
        }
    }

    /// Gives a job its share. Higher priorities come first.
    pub fn join(self: &Arc<Self>, priority: i32) -> QueueShare {
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        state.jobs.insert(number, JobQueues { priority, ..JobQueues::default() });
        drop(state);
        QueueShare { shares: Arc::clone(self), number }
    }
}

impl State {
    fn slots(&self, queue: &Subject) -> usize {
        self.slots.get(queue).copied().unwrap_or(self.fallback)
    }

    /// Whether a job may hold one more place in a queue.
    fn may_take(&self, number: u64, queue: &Subject) -> bool {
        let held = |queues: &JobQueues| queues.held.get(queue).copied().unwrap_or_default();
        let Some(own) = self.jobs.get(&number) else { return false };
        let places = DEPTH * self.slots(queue);
        let taken: usize = self.jobs.values().map(held).sum();
        let rivals: Vec<&JobQueues> = self
            .jobs
            .iter()
            .filter(|(other, queues)| **other != number && queues.wanted.contains(queue))
            .map(|(_, queues)| queues)
            .collect();
        if taken >= places || rivals.iter().any(|rival| rival.priority > own.priority) {
            return false;
        }
        let equals = rivals.iter().filter(|rival| rival.priority == own.priority).count();
        held(own) < places.div_ceil(equals + 1)
    }
}

impl QueueShare {
    /// Takes a place in a queue if there is one for this job; else it is noted that the job wants one.
    pub fn take(&self, queue: &Subject) -> bool {
        let mut state = self.shares.state.lock();
        let may = state.may_take(self.number, queue);
        if let Some(own) = state.jobs.get_mut(&self.number) {
            if may {
                *own.held.entry(queue.clone()).or_default() += 1;
            } else {
                own.wanted.insert(queue.clone());
            }
        }
        may
    }

    /// Forgets what was wanted, before the job asks again.
    pub fn clear_wanted(&self) {
        if let Some(own) = self.shares.state.lock().jobs.get_mut(&self.number) {
            own.wanted.clear();
        }
    }

    /// Gives a place back.
    pub fn give_back(&self, queue: &Subject) {
        let mut state = self.shares.state.lock();
        if let Some(held) = state.jobs.get_mut(&self.number).and_then(|own| own.held.get_mut(queue)) {
            *held = held.saturating_sub(1);
        }
        drop(state);
        self.shares.changed.notify_waiters();
    }

    /// Waits until places became free or workers came or went. What happens after this is called is not missed.
    pub fn changes(&self) -> impl Future<Output = ()> + use<> {
        let shares = Arc::clone(&self.shares);
        let mut notified = Box::pin(async move { shares.changed.notified().await });
        // Polled once now, so that a change before the first await is seen.
        let _ = futures::FutureExt::now_or_never(&mut notified);
        notified
    }

    /// The most slots that workers of one queue have.
    pub fn slots(&self) -> usize {
        let state = self.shares.state.lock();
        state.slots.values().copied().max().unwrap_or(state.fallback).max(1)
    }

    /// Slots that workers of a queue have.
    pub fn slots_of(&self, queue: &Subject) -> usize {
        self.shares.state.lock().slots(queue)
    }

    /// Slots that all queues share: those of one process.
    pub fn shared_slots(&self) -> Option<usize> {
        let state = self.shares.state.lock();
        (state.fallback > 0).then_some(state.fallback)
    }

    /// Queues that the job wants a place in and that no worker serves, by stage.
    pub fn unserved(&self) -> Vec<String> {
        let state = self.shares.state.lock();
        let Some(own) = state.jobs.get(&self.number) else { return Vec::new() };
        own.wanted.iter().filter(|queue| state.slots(queue) == 0).map(Subject::stage).collect()
    }
}

impl Drop for QueueShare {
    fn drop(&mut self) {
        self.shares.state.lock().jobs.remove(&self.number);
        self.shares.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;

//! The state of one work queue: what is kept, what is available when, and which ids were seen. Pure: time is given.
use crate::{Depth, Message};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Messages in order. A message is kept until it is removed; taking it hides it until its lease ends.
pub(super) struct Queue {
    kept: BTreeMap<u64, Kept>,
    /// Sequence numbers of what may be taken now.
    available: BTreeSet<u64>,
    /// What may be taken at a later time: leased or delayed.
    hidden: BTreeSet<(Instant, u64)>,
    next: u64,
    seen: RecentIds,
}

/// A kept message.
struct Kept {
    message: Message,
    attempt: u64,
    hidden_until: Option<Instant>,
}

/// A message that was handed out.
pub(super) struct Taken {
    /// Its number in the queue.
    pub(super) sequence: u64,
    /// How often it was handed out, this time included.
    pub(super) attempt: u64,
    /// The message.
    pub(super) message: Message,
}

impl Queue {
    /// An empty queue that remembers the ids of removed messages for `remembered`.
    pub(super) fn new(remembered: Duration) -> Self {
        let seen = RecentIds { ids: HashSet::new(), removed: VecDeque::new(), remembered };
        Self { kept: BTreeMap::new(), available: BTreeSet::new(), hidden: BTreeSet::new(), next: 0, seen }
    }

    /// Adds a message at the end; `false` when one of its id is kept or remembered.
    pub(super) fn push(&mut self, message: Message, now: Instant) -> bool {
        if !self.seen.insert(&message.id, now) {
            return false;
        }
        self.available.insert(self.next);
        self.kept.insert(self.next, Kept { message, attempt: 0, hidden_until: None });
        self.next += 1;
        true
    }

    /// Takes the first message that is available now and hides it until `until`.
    pub(super) fn take(&mut self, now: Instant, until: Instant) -> Option<Taken> {
        self.reveal(now);
        let sequence = self.available.pop_first()?;
        let kept = self.kept.get_mut(&sequence)?;
        kept.attempt += 1;
        kept.hidden_until = Some(until);
        self.hidden.insert((until, sequence));
        Some(Taken { sequence, attempt: kept.attempt, message: kept.message.clone() })
    }

    /// Hides a message that is still leased by this attempt until `until` instead; `false` when it is not, because it was
    /// removed or its lease has ended and someone else has it or may take it.
    pub(super) fn hide(&mut self, sequence: u64, attempt: u64, until: Instant) -> bool {
        let Some(kept) = self.kept.get_mut(&sequence).filter(|kept| kept.attempt == attempt) else { return false };
        let Some(before) = kept.hidden_until.replace(until) else { return false };
        self.hidden.remove(&(before, sequence));
        self.hidden.insert((until, sequence));
        true
    }

    /// Removes a message for good, whoever has it now: work that is done is done, however late the news.
    pub(super) fn remove(&mut self, sequence: u64, now: Instant) {
        let Some(kept) = self.kept.remove(&sequence) else { return };
        match kept.hidden_until {
            Some(until) => self.hidden.remove(&(until, sequence)),
            None => self.available.remove(&sequence),
        };
        self.seen.remove(&kept.message.id, now);
    }

    /// When the next hidden message becomes available.
    pub(super) fn due(&self) -> Option<Instant> {
        self.hidden.first().map(|(until, _)| *until)
    }

    /// How many messages are kept.
    pub(super) fn depth(&mut self, now: Instant) -> Depth {
        self.reveal(now);
        Depth { waiting: self.available.len() as u64, leased: self.hidden.len() as u64 }
    }

    /// Makes available what was hidden until now.
    fn reveal(&mut self, now: Instant) {
        while let Some(&(until, sequence)) = self.hidden.first().filter(|(until, _)| *until <= now) {
            self.hidden.remove(&(until, sequence));
            self.available.insert(sequence);
            if let Some(kept) = self.kept.get_mut(&sequence) {
                kept.hidden_until = None;
            }
        }
    }
}

/// Ids of messages that are kept, and of those removed a short while ago.
struct RecentIds {
    ids: HashSet<Arc<str>>,
    /// Removed ones and when to forget them, oldest first.
    removed: VecDeque<(Instant, Arc<str>)>,
    remembered: Duration,
}

impl RecentIds {
    /// Notes an id; `false` when it is known. The empty id is never known.
    fn insert(&mut self, id: &str, now: Instant) -> bool {
        self.forget(now);
        id.is_empty() || (!self.ids.contains(id) && self.ids.insert(id.into()))
    }

    /// Starts the time after which the id is forgotten.
    fn remove(&mut self, id: &str, now: Instant) {
        self.forget(now);
        if let Some(known) = self.ids.get(id) {
            self.removed.push_back((now + self.remembered, Arc::clone(known)));
        }
    }

    fn forget(&mut self, now: Instant) {
        while let Some((_, id)) = self.removed.pop_front_if(|(until, _)| *until <= now) {
            self.ids.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests;

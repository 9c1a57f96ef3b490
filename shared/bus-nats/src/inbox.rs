//! A work queue as one worker sees it.
//!
//! Nothing is fetched ahead: messages that wait in a client grow old there while other workers are free. A worker that
//! waits has one request for one message open at the server, which answers at once when a message comes. A request cannot
//! be taken back; when the worker has stopped waiting by the time its answer comes, the message is handed back at once, so
//! that another gets it. A task of its own per inbox sees to this, and to servers, connections and consumers that go away.
use crate::lease::NatsLease;
use crate::link::Link;
use crate::pull::{EXPIRES, Heard, Pulls, SILENCE, request};
use async_nats::jetstream::consumer::Info;
use async_trait::async_trait;
use framefleet_bus::{BusError, Inbox, Lease, Subject};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

/// The pause between two looks at a server that does not answer.
const PAUSE: Duration = Duration::from_millis(500);

/// A worker that waits for a message.
type Want = oneshot::Sender<Result<Box<dyn Lease>, BusError>>;

/// An [`Inbox`] whose work is done by a [`Keeper`].
pub(crate) struct NatsInbox(mpsc::Sender<Want>);

impl NatsInbox {
    /// Opens the queue of a subject.
    pub(crate) async fn open(link: &Arc<Link>, subject: &Subject) -> Result<Self, BusError> {
        link.persist(&format!("opening {subject}"), || link.make_consumer(subject)).await?;
        // One message is bounded by what the server takes, hence no bound on bytes.
        let (stream, consumer) = (link.names.task_stream(), link.names.consumer(subject));
        let pulls = Pulls::new(link, &stream, &consumer, &request(1, 0)).await?;
        let (sender, wants) = mpsc::channel(1);
        let mut connections = link.connections.clone();
        connections.mark_unchanged();
        let now = Instant::now();
        let keeper = Keeper {
            link: Arc::clone(link),
            subject: subject.clone(),
            wants,
            want: None,
            pulls,
            connections,
            look: now,
            answered: now,
            examine: now,
            suspect: None,
        };
        link.runtime.spawn(keeper.run());
        Ok(Self(sender))
    }
}

#[async_trait]
impl Inbox for NatsInbox {
    async fn lease(&mut self) -> Result<Box<dyn Lease>, BusError> {
        let (want, lease) = oneshot::channel();
        self.0.send(want).await.map_err(|_| BusError::Closed)?;
        lease.await.map_err(|_| BusError::Closed)?
    }
}

/// Keeps one inbox.
struct Keeper {
    link: Arc<Link>,
    subject: Subject,
    wants: mpsc::Receiver<Want>,
    want: Option<Want>,
    pulls: Pulls,
    connections: watch::Receiver<u64>,
    /// When to look what is wrong, if the server says nothing until then.
    look: Instant,
    /// When the server last answered.
    answered: Instant,
    /// When to ask whether the queue is stuck, if no message comes until then.
    examine: Instant,
    /// What the consumer looked like when it seemed stuck.
    suspect: Option<Info>,
}

impl Keeper {
    async fn run(mut self) {
        let closed = loop {
            match self.step().await {
                Ok(true) => {}
                Ok(false) => break false,
                Err(_) => break true,
            }
        };
        if !closed {
            self.leave().await;
        }
    }

    /// Whether the worker waits (still).
    fn is_wanted(&self) -> bool {
        self.want.as_ref().is_some_and(|want| !want.is_closed())
    }

    /// Does the next thing; `false` when the inbox is gone.
    async fn step(&mut self) -> Result<bool, BusError> {
        if self.is_wanted() && !self.pulls.is_open() && self.link.is_up() {
            self.pulls.ask().await?;
        }
        let due = self.look.min(self.examine);
        tokio::select! {
            biased;
            heard = self.pulls.next() => self.hear(heard).await?,
            want = self.wants.recv() => match want {
                Some(want) => self.begin(want),
                None => return Ok(false),
            },
            _ = self.connections.changed() => self.pulls.abandon().await?,
            () = sleep_until(due), if self.is_wanted() => self.investigate().await?,
        }
        Ok(true)
    }

    /// A worker begins to wait.
    fn begin(&mut self, want: Want) {
        self.want = Some(want);
        let now = Instant::now();
        (self.look, self.answered, self.examine) = (now + SILENCE, now, now + self.link.options.stuck_after);
        self.suspect = None;
    }

    async fn hear(&mut self, heard: Heard) -> Result<(), BusError> {
        self.answered = Instant::now();
        self.look = self.answered + SILENCE;
        match heard {
            Heard::Message(message) => {
                self.pulls.answered();
                self.hand_over(message);
            }
            Heard::Stray(message) => self.hand_over(message),
            Heard::Alive | Heard::Expired | Heard::Empty => {}
            Heard::Over(why) => {
                tracing::debug!(subject = %self.subject, why, "asking again");
                tokio::time::sleep(PAUSE / 5).await;
            }
            Heard::Gone => self.look = self.answered,
            Heard::Closed => return Err(BusError::Closed),
        }
        Ok(())
    }

    /// Gives a message to the worker; when it does not wait any more, dropping the lease hands the message back.
    fn hand_over(&mut self, message: async_nats::Message) {
        match (NatsLease::new(&self.link, &self.subject, message), self.want.take()) {
            (Some(lease), Some(want)) => drop(want.send(Ok(Box::new(lease)))),
            (None, want) => {
                tracing::warn!(subject = %self.subject, "a message that no consumer delivered is ignored");
                self.want = want;
            }
            (Some(_), None) => {}
        }
    }

    /// The server has been silent, or a queue seems stuck.
    async fn investigate(&mut self) -> Result<(), BusError> {
        if Instant::now() < self.look {
            return self.examine_queue().await;
        }
        match self.link.make_consumer(&self.subject).await {
            Ok(_) => {
                self.answered = Instant::now();
                self.look = self.answered + SILENCE;
                self.pulls.abandon().await?;
            }
            Err(failure) => {
                self.look = Instant::now() + PAUSE;
                self.give_up(format!("{failure:?}"));
            }
        }
        Ok(())
    }

    /// Tells the worker when the server has been away for too long.
    fn give_up(&mut self, why: String) {
        tracing::debug!(subject = %self.subject, why, "the server does not answer");
        if self.answered.elapsed() >= self.link.options.patience
            && let Some(want) = self.want.take()
        {
            let _ = want.send(Err(BusError::Unreachable(format!("waiting for {}: {why}", self.subject))));
        }
    }

    /// Asks whether messages wait that nobody gets. The first time a new request is sent; if they still wait the next time
    /// and nobody has got anything since, the consumer is made anew.
    async fn examine_queue(&mut self) -> Result<(), BusError> {
        self.examine = Instant::now() + self.link.options.stuck_after;
        let Ok(info) = self.link.consumer_info(&self.subject).await else { return Ok(()) };
        if info.num_pending == 0 {
            self.suspect = None;
            return Ok(());
        }
        let unchanged = |before: &Info| before.created == info.created && before.delivered == info.delivered;
        if self.suspect.as_ref().is_some_and(unchanged) {
            tracing::warn!(subject = %self.subject, waiting = info.num_pending, "the queue is stuck; making its consumer anew");
            if let Err(failure) = self.link.remake_consumer(&self.subject).await {
                tracing::warn!(subject = %self.subject, ?failure, "its consumer was not made anew");
            }
            self.suspect = None;
        } else {
            self.suspect = Some(info);
        }
        self.pulls.abandon().await
    }

    /// The inbox is gone. A request that is open may still be answered until it expires: hand that message back.
    async fn leave(mut self) {
        let until = Instant::now() + EXPIRES;
        while self.pulls.is_open() && !self.connections.has_changed().unwrap_or(true) {
            match timeout_at(until, self.pulls.next()).await {
                Ok(Heard::Message(message)) => {
                    self.pulls.answered();
                    drop(NatsLease::new(&self.link, &self.subject, message));
                }
                Ok(Heard::Stray(message)) => drop(NatsLease::new(&self.link, &self.subject, message)),
                Ok(Heard::Alive) => {}
                Ok(_) | Err(_) => return,
            }
        }
    }
}

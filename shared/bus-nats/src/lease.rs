//! A message that one worker has.
use crate::link::{ANSWER, Failure, Link};
use crate::names::sent_id;
use async_nats::client::Request;
use async_nats::{header, jetstream};
use async_trait::async_trait;
use bytes::Bytes;
use framefleet_bus::{BusError, Extend, Lease, Message, Subject};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const ACK: &[u8] = b"+ACK";
const PROGRESS: &[u8] = b"+WPI";
const HAND_BACK: &[u8] = b"-NAK";

/// A message taken from a queue.
pub(crate) struct NatsLease {
    message: Message,
    attempt: u64,
    hold: Arc<Hold>,
    settled: bool,
}

impl NatsLease {
    /// Takes a message that the consumer of a queue delivered; `None` when it is no such message.
    pub(crate) fn new(link: &Arc<Link>, subject: &Subject, delivered: async_nats::Message) -> Option<Self> {
        let delivered = jetstream::Message { message: delivered, context: link.jetstream.clone() };
        let info = delivered.info().ok()?;
        let (attempt, sequence) = (u64::try_from(info.delivered).ok()?, info.stream_sequence);
        let async_nats::Message { payload, headers, reply, .. } = delivered.message;
        let id = headers.as_ref().and_then(|headers| headers.get(header::NATS_MESSAGE_ID));
        let id = sent_id(id.map_or("", |id| id.as_str()));
        let hold = Hold { link: Arc::clone(link), reply: reply?, sequence, extended: Mutex::new(Instant::now()) };
        let message = Message { subject: subject.clone(), id, payload };
        Some(Self { message, attempt, hold: Arc::new(hold), settled: false })
    }

    /// Tells the server what became of the message and waits until it has noted it.
    async fn settle(mut self: Box<Self>, verdict: Verdict) -> Result<(), BusError> {
        self.settled = true;
        let hold = Arc::clone(&self.hold);
        let what = format!("settling a message of {}", self.message.subject);
        let subject = &self.message.subject;
        hold.link.persist(&what, || hold.settle(subject, &verdict)).await
    }
}

#[async_trait]
impl Lease for NatsLease {
    fn message(&self) -> &Message {
        &self.message
    }

    fn attempt(&self) -> u64 {
        self.attempt
    }

    fn extender(&self) -> Arc<dyn Extend> {
        Arc::clone(&self.hold) as Arc<dyn Extend>
    }

    async fn ack(self: Box<Self>) -> Result<(), BusError> {
        self.settle(Verdict::Done).await
    }

    async fn retry(self: Box<Self>, after: Duration) -> Result<(), BusError> {
        self.settle(Verdict::Again(after)).await
    }
}

impl Drop for NatsLease {
    fn drop(&mut self) {
        // One that has lapsed may be another worker's by now, and the server would take it from that one.
        if !self.settled && !self.hold.has_lapsed() {
            self.hold.say(HAND_BACK);
        }
    }
}

/// Holds a message at the server.
struct Hold {
    link: Arc<Link>,
    /// Where to say what becomes of it.
    reply: async_nats::Subject,
    /// Its number in the stream.
    sequence: u64,
    /// When it was last delivered or extended.
    extended: Mutex<Instant>,
}

impl Hold {
    fn has_lapsed(&self) -> bool {
        self.extended.lock().elapsed() >= self.link.options.ack_wait
    }

    /// Says something without waiting; from any thread. While there is no connection it would come too late.
    fn say(&self, what: &'static [u8]) {
        if self.link.is_up() {
            let (client, reply) = (self.link.client.clone(), self.reply.clone());
            self.link.runtime.spawn(async move { client.publish(reply, Bytes::from_static(what)).await });
        }
    }

    /// Says what becomes of the message and waits until the server has noted it. A consumer that was removed says nothing,
    /// and the one made in its place knows nothing of this message: then it is removed from the stream itself, whose
    /// sequence numbers never mean another, or handed out again anyway.
    async fn settle(&self, subject: &Subject, verdict: &Verdict) -> Result<(), Failure> {
        let request = Request::new().payload(verdict.payload()).timeout(Some(ANSWER));
        let Err(error) = self.link.client.send_request(self.reply.clone(), request).await else { return Ok(()) };
        if !self.link.is_up() {
            return Err(Failure::Passing(error.to_string()));
        }
        self.link.make_consumer(subject).await?;
        match verdict {
            Verdict::Done => self.link.remove_task(self.sequence).await,
            Verdict::Again(_) => Ok(()),
        }
    }
}

/// What becomes of a message.
enum Verdict {
    Done,
    Again(Duration),
}

impl Verdict {
    /// As the server understands it.
    fn payload(&self) -> Bytes {
        match self {
            Self::Done => Bytes::from_static(ACK),
            Self::Again(after) => {
                let delay = serde_json::json!({ "delay": u64::try_from(after.as_nanos()).unwrap_or(u64::MAX / 2) });
                Bytes::from([HAND_BACK, b" ", delay.to_string().as_bytes()].concat())
            }
        }
    }
}

impl Extend for Hold {
    fn extend(&self) {
        *self.extended.lock() = Instant::now();
        self.say(PROGRESS);
    }
}

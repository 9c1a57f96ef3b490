//! A message that one worker has.
use crate::link::{ANSWER, Failure, Link};
use crate::names::sent_id;
use async_nats::client::{Request, RequestErrorKind};
use async_nats::{header, jetstream};
use async_trait::async_trait;
use bytes::Bytes;
use framefleet_bus::{BusError, Extend, Lease, Message, Subject};
use std::sync::{Arc, Mutex, PoisonError};
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
        let attempt = u64::try_from(delivered.info().ok()?.delivered).ok()?;
        let async_nats::Message { payload, headers, reply, .. } = delivered.message;
        let id = headers.as_ref().and_then(|headers| headers.get(header::NATS_MESSAGE_ID));
        let id = sent_id(id.map_or("", |id| id.as_str()));
        let hold = Hold { link: Arc::clone(link), reply: reply?, extended: Mutex::new(Instant::now()) };
        let message = Message { subject: subject.clone(), id, payload };
        Some(Self { message, attempt, hold: Arc::new(hold), settled: false })
    }

    /// Tells the server what became of the message and waits until it has noted it.
    async fn settle(mut self: Box<Self>, verdict: Bytes) -> Result<(), BusError> {
        self.settled = true;
        let hold = Arc::clone(&self.hold);
        let what = format!("settling a message of {}", self.message.subject);
        let subject = &self.message.subject;
        hold.link.persist(&what, || hold.tell(subject, verdict.clone())).await
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
        self.settle(Bytes::from_static(ACK)).await
    }

    async fn retry(self: Box<Self>, after: Duration) -> Result<(), BusError> {
        let delay = serde_json::json!({ "delay": u64::try_from(after.as_nanos()).unwrap_or(u64::MAX / 2) });
        self.settle(Bytes::from([HAND_BACK, b" ", delay.to_string().as_bytes()].concat())).await
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
    /// When it was last delivered or extended.
    extended: Mutex<Instant>,
}

impl Hold {
    fn has_lapsed(&self) -> bool {
        self.extended.lock().unwrap_or_else(PoisonError::into_inner).elapsed() >= self.link.options.ack_wait
    }

    /// Says something without waiting; from any thread. While there is no connection it would come too late.
    fn say(&self, what: &'static [u8]) {
        if self.link.is_up() {
            let (client, reply) = (self.link.client.clone(), self.reply.clone());
            self.link.runtime.spawn(async move { client.publish(reply, Bytes::from_static(what)).await });
        }
    }

    /// Says something and waits for the answer.
    async fn tell(&self, subject: &Subject, what: Bytes) -> Result<(), Failure> {
        let request = Request::new().payload(what).timeout(Some(ANSWER));
        match self.link.client.send_request(self.reply.clone(), request).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == RequestErrorKind::NoResponders => {
                self.link.make_consumer(subject).await?;
                Err(Failure::Passing("its consumer was missing and is there again".to_owned()))
            }
            Err(error) => Err(Failure::Passing(error.to_string())),
        }
    }
}

impl Extend for Hold {
    fn extend(&self) {
        *self.extended.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.say(PROGRESS);
    }
}

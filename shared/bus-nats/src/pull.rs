//! Asking a consumer for messages, one request at a time, and telling its answers apart.
use crate::link::Link;
use async_nats::jetstream::consumer::pull::BatchConfig;
use async_nats::{Message, StatusCode, Subscriber};
use bytes::Bytes;
use framefleet_bus::BusError;
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long the server keeps a request that it cannot answer.
pub(crate) const EXPIRES: Duration = Duration::from_secs(10);

/// How often the server says that it still keeps a request.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// After how long without a word from the server something is wrong: two heartbeats may be late.
pub(crate) const SILENCE: Duration = Duration::from_secs(5);

/// A request: so many messages of so many bytes in all.
pub(crate) fn request(messages: usize, bytes: usize) -> BatchConfig {
    BatchConfig {
        batch: messages,
        max_bytes: bytes,
        expires: Some(EXPIRES),
        idle_heartbeat: HEARTBEAT,
        ..Default::default()
    }
}

/// A request for so much of what is there now.
pub(crate) fn request_present(messages: usize, bytes: usize) -> BatchConfig {
    BatchConfig { batch: messages, max_bytes: bytes, no_wait: true, ..Default::default() }
}

impl Link {
    /// How many bytes are asked for at once: what one message may have, so that none is too long to come, and little more,
    /// since the server cuts a client off that has 64 MiB waiting for it.
    pub(crate) fn bytes_at_once(&self) -> usize {
        self.client.max_payload() + (64 << 10)
    }
}

/// What a consumer said.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A message.
    Message(Message),
    /// A message for a request that was given up: it came all the same.
    Stray(Message),
    /// It is there.
    Alive,
    /// The request has expired.
    Expired,
    /// The request did not want to wait, and there is nothing.
    Empty,
    /// The request has ended early. Why.
    Over(String),
    /// The consumer is not there (any more).
    Gone,
    /// The connection was closed for good.
    Closed,
}

/// Requests to one consumer.
pub(crate) struct Pulls {
    link: Arc<Link>,
    /// Where requests for the consumer go.
    subject: String,
    body: Bytes,
    inbox: String,
    answers: Subscriber,
    /// Where answers to requests that were given up still come, until those have expired: a connection that is made again
    /// takes them up again.
    strays: Option<(Subscriber, Instant)>,
    /// Requests are numbered, so that news of an earlier one is not taken for that of the latest.
    number: u64,
    is_open: bool,
}

impl Pulls {
    /// Prepares requests; sends none.
    pub(crate) async fn new(
        link: &Arc<Link>,
        stream: &str,
        consumer: &str,
        request: &BatchConfig,
    ) -> Result<Self, BusError> {
        let body = serde_json::to_vec(request).map_err(|error| BusError::Refused(error.to_string()))?;
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}");
        let (inbox, answers) = subscribe(link).await?;
        Ok(Self {
            link: Arc::clone(link),
            subject,
            body: body.into(),
            inbox,
            answers,
            strays: None,
            number: 0,
            is_open: false,
        })
    }

    /// Whether a request may still be answered.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Notes that the request has been answered in full.
    pub(crate) fn answered(&mut self) {
        self.is_open = false;
    }

    /// Sends a request.
    pub(crate) async fn ask(&mut self) -> Result<(), BusError> {
        self.number += 1;
        let reply = format!("{}.{}", self.inbox, self.number);
        self.link.client.publish_with_reply(self.subject.clone(), reply, self.body.clone()).await.map_err(closed)?;
        self.is_open = true;
        Ok(())
    }

    /// Gives up the request that is open.
    pub(crate) async fn abandon(&mut self) -> Result<(), BusError> {
        let (inbox, answers) = subscribe(&self.link).await?;
        self.inbox = inbox;
        self.strays = Some((std::mem::replace(&mut self.answers, answers), Instant::now() + EXPIRES));
        self.is_open = false;
        Ok(())
    }

    /// Waits for what the consumer says next. Cancelling the wait loses nothing.
    pub(crate) async fn next(&mut self) -> Heard {
        let message = loop {
            let Some((strays, until)) = &mut self.strays else { break self.answers.next().await };
            tokio::select! {
                biased;
                message = self.answers.next() => break message,
                stray = strays.next() => match stray {
                    Some(stray) if is_message(&stray) => return Heard::Stray(stray),
                    Some(_) => {}
                    None => self.strays = None,
                },
                () = sleep_until(*until) => self.strays = None,
            }
        };
        let Some(message) = message else { return Heard::Closed };
        let status = match message.status {
            _ if is_message(&message) => return Heard::Message(message),
            None => return Heard::Alive,
            Some(StatusCode::IDLE_HEARTBEAT) => return Heard::Alive,
            Some(status) => status,
        };
        if !message.subject.ends_with(&format!(".{}", self.number)) {
            return Heard::Alive;
        }
        self.is_open = false;
        let why = message.description.unwrap_or_default();
        if status == StatusCode::NO_RESPONDERS || why.contains("Consumer Deleted") || why.contains("Consumer is push") {
            return Heard::Gone;
        }
        match status {
            StatusCode::TIMEOUT => Heard::Expired,
            StatusCode::NOT_FOUND => Heard::Empty,
            status => Heard::Over(format!("{status} {why}")),
        }
    }
}

/// Whether this is a message, and not news of a request.
fn is_message(message: &Message) -> bool {
    matches!(message.status, None | Some(StatusCode::OK))
}

/// A fresh place for answers.
async fn subscribe(link: &Link) -> Result<(String, Subscriber), BusError> {
    let inbox = link.client.new_inbox();
    let answers = link.client.subscribe(format!("{inbox}.*")).await.map_err(closed)?;
    Ok((inbox, answers))
}

/// The client takes no more commands.
fn closed(_: impl std::error::Error) -> BusError {
    BusError::Closed
}

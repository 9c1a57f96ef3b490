//! Listening to events: reading the stream of events from a position on, through whatever happens to connection and server.
use crate::link::{Failure, Link};
use crate::names::sent_id;
use crate::pull::{Heard, Pulls, SILENCE, request};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::{header, jetstream};
use async_trait::async_trait;
use framefleet_bus::{BusError, Events, Message, Subject};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How many events are asked for at once.
const EVENTS: usize = 256;

/// The pause after a request that ended early.
const PAUSE: Duration = Duration::from_millis(50);

/// After how long without a request the server forgets a listener; one that comes back later goes on all the same.
const FORGOTTEN: Duration = Duration::from_secs(120);

/// A listener. It keeps its position by itself: what the server knows of it may go at any time.
pub(crate) struct NatsEvents {
    link: Arc<Link>,
    subject: Subject,
    /// The sequence number in the stream from which on events are to be read.
    position: u64,
    reader: Option<Reader>,
    connections: watch::Receiver<u64>,
}

/// What reads from a position on.
struct Reader {
    pulls: Pulls,
    /// How many events the open request may still bring.
    left: usize,
    /// The number that the consumer gives to its next event.
    number: u64,
    /// When the server last said something.
    heard: Instant,
}

impl NatsEvents {
    /// Listens from now on.
    pub(crate) async fn open(link: &Arc<Link>, subject: &Subject) -> Result<Self, BusError> {
        let stream = link.persist(&format!("listening to {subject}"), || link.event_stream()).await?;
        let mut events = Self {
            link: Arc::clone(link),
            subject: subject.clone(),
            position: stream.last + 1,
            reader: None,
            connections: link.connections.clone(),
        };
        events.resume().await?;
        Ok(events)
    }

    /// Begins to read at the position.
    async fn resume(&mut self) -> Result<(), BusError> {
        self.reader = None;
        self.connections.mark_unchanged();
        let what = format!("listening to {}", self.subject);
        self.reader = Some(self.link.persist(&what, || self.begin()).await?);
        Ok(())
    }

    async fn begin(&self) -> Result<Reader, Failure> {
        // A server that came back empty has a stream that begins later.
        if self.link.event_stream().await?.first > self.position {
            tracing::warn!(subject = %self.subject, "the server does not keep all events since the last one heard");
        }
        let name = format!("listener-{:016x}", fastrand::u64(..));
        let config = pull::Config {
            name: Some(name.clone()),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.position },
            ack_policy: AckPolicy::None,
            filter_subject: self.link.names.wire(&self.subject),
            inactive_threshold: FORGOTTEN,
            num_replicas: 1,
            memory_storage: true,
            ..Default::default()
        };
        let events = self.link.names.event_stream();
        self.link.create_consumer(&events, &name, config).await?;
        let pulls = Pulls::new(&self.link, &events, &name, &request(EVENTS, self.link.bytes_at_once()))
            .await
            .map_err(Failure::Lasting)?;
        Ok(Reader { pulls, left: 0, number: 1, heard: Instant::now() })
    }
}

#[async_trait]
impl Events for NatsEvents {
    async fn next(&mut self) -> Result<Message, BusError> {
        loop {
            if let Some(reader) = &mut self.reader
                && let Some(event) = reader.next(&mut self.connections).await?
                && let Some(event) = reader.receive(&self.link, event)
            {
                self.position = event.sequence + 1;
                return Ok(Message { subject: self.subject.clone(), id: event.id, payload: event.payload });
            }
            self.resume().await?;
        }
    }
}

/// An event that came.
struct Event {
    sequence: u64,
    id: String,
    payload: bytes::Bytes,
}

impl Reader {
    /// Waits for what comes next; `None` when reading has to begin anew. Cancelling the wait loses nothing.
    async fn next(&mut self, connections: &mut watch::Receiver<u64>) -> Result<Option<async_nats::Message>, BusError> {
        loop {
            if !self.pulls.is_open() {
                self.pulls.ask().await?;
                self.left = EVENTS;
            }
            // What has come already counts before how long ago it came: a listener may be busy elsewhere for long.
            let heard = tokio::select! {
                biased;
                heard = self.pulls.next() => heard,
                _ = connections.changed() => return Ok(None),
                () = sleep_until(self.heard + SILENCE) => return Ok(None),
            };
            self.heard = Instant::now();
            match heard {
                Heard::Message(message) => return Ok(Some(message)),
                Heard::Alive | Heard::Expired | Heard::Empty | Heard::Stray(_) => {}
                Heard::Over(_) => tokio::time::sleep(PAUSE).await,
                Heard::Gone => return Ok(None),
                Heard::Closed => return Err(BusError::Closed),
            }
        }
    }

    /// Takes an event; `None` when one before it is missing.
    fn receive(&mut self, link: &Link, message: async_nats::Message) -> Option<Event> {
        let message = jetstream::Message { message, context: link.jetstream.clone() };
        let info = message.info().ok().filter(|info| info.consumer_sequence == self.number)?;
        let sequence = info.stream_sequence;
        self.number += 1;
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.pulls.answered();
        }
        let async_nats::Message { payload, headers, .. } = message.message;
        let id = headers.as_ref().and_then(|headers| headers.get(header::NATS_MESSAGE_ID));
        Some(Event { sequence, id: sent_id(id.map_or("", |id| id.as_str())), payload })
    }
}

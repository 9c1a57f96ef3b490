//! The bus itself.
use crate::NatsOptions;
use crate::connect::connect;
use crate::events::NatsEvents;
use crate::inbox::NatsInbox;
use crate::kv::NatsKv;
use crate::link::Link;
use crate::names::message_id;
use crate::publish::Publication;
use async_trait::async_trait;
use framefleet_bus::{Bus, BusError, Depth, Events, Inbox, Kv, Message, Subject};
use std::sync::Arc;
use std::time::Duration;

/// A [`Bus`] over NATS JetStream. Queues are durable: what is published is on the server's disk, and stays there until it
/// is acknowledged. A connection that breaks is made again for ever; calls made meanwhile wait for as long as
/// [`patience`](NatsOptions::patience) lasts. Cloning shares the connection.
#[derive(Clone)]
pub struct NatsBus {
    link: Arc<Link>,
}

impl NatsBus {
    /// Connects, checks that the server serves us, and makes the streams when they are not there.
    /// [`BusError::Unreachable`] when no server answers in time, [`BusError::Refused`] when one does and somebody has to
    /// change something: credentials, TLS, JetStream, `max_payload`, the server's version.
    pub async fn connect(options: NatsOptions) -> Result<Self, BusError> {
        Ok(Self { link: Arc::new(connect(options).await?) })
    }

    /// Waits until all that was said to the server without waiting for an answer (leases handed back) is on its way.
    pub async fn flush(&self) -> Result<(), BusError> {
        let flushed = tokio::time::timeout(self.link.options.patience, self.link.client.flush()).await;
        match flushed {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(BusError::Unreachable(error.to_string())),
            Err(_) => Err(BusError::Unreachable(format!("nothing was sent for {:?}", self.link.options.patience))),
        }
    }

    async fn send(&self, message: Message, scope: &str) -> Result<(), BusError> {
        let Message { subject, id, payload } = message;
        let what =
            Publication { wire: self.link.names.wire(&subject), id: message_id(scope, &id), payload, expected: None };
        match self.link.publish(what, || self.link.make_streams()).await {
            Err(BusError::Full(_)) => Err(BusError::Full(subject.to_string())),
            sent => sent.map(drop),
        }
    }
}

#[async_trait]
impl Bus for NatsBus {
    async fn publish(&self, message: Message) -> Result<(), BusError> {
        // A message without an id gets one, so that trying again does not publish it twice.
        let scope = match message.id.as_str() {
            "" => self.link.client.new_inbox(),
            _ => self.link.names.wire(&message.subject),
        };
        self.send(message, &scope).await
    }

    async fn inbox(&self, subject: &Subject) -> Result<Box<dyn Inbox>, BusError> {
        Ok(Box::new(NatsInbox::open(&self.link, subject).await?))
    }

    async fn emit(&self, message: Message) -> Result<(), BusError> {
        let scope = self.link.client.new_inbox();
        self.send(message, &scope).await
    }

    async fn listen(&self, subject: &Subject) -> Result<Box<dyn Events>, BusError> {
        Ok(Box::new(NatsEvents::open(&self.link, subject).await?))
    }

    async fn bucket(&self, name: &str, ttl: Option<Duration>) -> Result<Arc<dyn Kv>, BusError> {
        Ok(Arc::new(NatsKv::open(&self.link, name, ttl).await?))
    }

    async fn depth(&self, subject: &Subject) -> Result<Depth, BusError> {
        let what = format!("looking at {subject}");
        let info = self.link.persist(&what, || self.link.consumer_info(subject)).await?;
        Ok(Depth { waiting: info.num_pending, leased: info.num_ack_pending as u64 })
    }
}

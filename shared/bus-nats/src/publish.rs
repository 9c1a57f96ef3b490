//! Publishing: whole or not at all, and once, however often it has to be tried.
use crate::link::{Failure, Link, refused};
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, ErrorCode};
use bytes::Bytes;
use framefleet_bus::BusError;
use std::error::Error;

/// What may be on its way to the server at once, bytes: its ingest queue overflows at 128 MB.
const MOST_IN_FLIGHT: usize = 32 << 20;

/// The unit in which bytes on their way are counted.
pub(crate) const UNIT: usize = 1024;

/// How many units may be on their way.
pub(crate) const UNITS: usize = MOST_IN_FLIGHT / UNIT;

/// What headers take besides the id, bytes, at most.
const HEADERS: usize = 256;

/// Something to publish.
#[derive(Clone)]
pub(crate) struct Publication {
    /// The subject, as the server sees it.
    pub(crate) wire: String,
    /// What the server compares to find duplicates: trying again is publishing once.
    pub(crate) id: String,
    pub(crate) payload: Bytes,
    /// The sequence number that the last message of the subject has to have; 0 = there must be none.
    pub(crate) expected: Option<u64>,
}

impl Link {
    /// The longest payload that goes with an id.
    fn longest(&self, id: &str) -> usize {
        self.client.max_payload().saturating_sub(HEADERS + id.len())
    }

    /// Publishes, and makes what is missing on the server by `make`. Answers the sequence number, or `None` when the
    /// expectation is not met.
    pub(crate) async fn publish<F>(&self, what: Publication, make: impl Fn() -> F) -> Result<Option<u64>, BusError>
    where
        F: Future<Output = Result<(), Failure>>,
    {
        let (length, limit) = (what.payload.len(), self.longest(&what.id));
        if length > limit {
            return Err(BusError::TooLarge { length, limit });
        }
        let units = (length / UNIT + 1).min(UNITS) as u32;
        let _room = self.in_flight.acquire_many(units).await.map_err(|_| BusError::Closed)?;
        self.persist(&format!("publishing to {}", what.wire), || async {
            match self.publish_once(&what).await {
                Err(Failure::Missing) => {
                    make().await?;
                    Err(Failure::Passing("its stream was missing and is there again".to_owned()))
                }
                done => done,
            }
        })
        .await
    }

    async fn publish_once(&self, what: &Publication) -> Result<Option<u64>, Failure> {
        let message = PublishMessage::build().payload(what.payload.clone()).message_id(&what.id);
        let message = match what.expected {
            Some(sequence) => message.expected_last_subject_sequence(sequence),
            None => message,
        };
        let acked = async { self.jetstream.send_publish(what.wire.clone(), message).await?.await };
        match acked.await {
            Ok(ack) => Ok(Some(ack.sequence)),
            Err(error) => match (error.kind(), error.source().and_then(|source| source.downcast_ref())) {
                (PublishErrorKind::WrongLastSequence, _) => Ok(None),
                (PublishErrorKind::StreamNotFound, _) => Err(Failure::Missing),
                (_, Some(error)) => of_stream(&what.wire, error),
                _ => Err(Failure::Passing(error.to_string())),
            },
        }
    }
}

/// What a stream that does not take a message means.
fn of_stream(wire: &str, error: &jetstream::Error) -> Result<Option<u64>, Failure> {
    match error.error_code() {
        ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT => Ok(None),
        ErrorCode::STREAM_STORE_FAILED => Err(Failure::Lasting(BusError::Full(wire.to_owned()))),
        _ => Err(refused(wire, error)),
    }
}

//! The connection that everything shares, and how calls outlast trouble.
use crate::{NatsOptions, names::Names};
use async_nats::client::{Client, Request};
use async_nats::jetstream::{self, ErrorCode, response::Response};
use framefleet_bus::BusError;
use serde_json::Value;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

/// How long an answer of the server is waited for before a call is tried again.
pub(crate) const ANSWER: Duration = Duration::from_secs(3);

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What the stream says when it has more to store than it can (status 429).
const TOO_MANY_REQUESTS: usize = 429;

/// A connection to the server, made again for ever when it breaks.
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) jetstream: jetstream::Context,
    pub(crate) names: Names,
    pub(crate) options: NatsOptions,
    /// Where tasks run that outlive a call.
    pub(crate) runtime: Handle,
    /// Counts connections: it changes whenever the server has forgotten who waits for what.
    pub(crate) connections: watch::Receiver<u64>,
    /// Room for what is being published, in units of [`crate::publish::UNIT`] bytes.
    pub(crate) in_flight: Semaphore,
}

/// Why a try failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It may pass: the server is away, busy or starting.
    Passing(String),
    /// What was asked for does not exist on the server (any more).
    Missing,
    /// Trying again does not help.
    Lasting(BusError),
}

impl Link {
    /// Whether there is a connection now.
    pub(crate) fn is_up(&self) -> bool {
        self.client.connection_state() == async_nats::connection::State::Connected
    }

    /// Asks JetStream's API (below `$JS.API`); no payload is `Null`.
    pub(crate) async fn api<T>(&self, call: &str, payload: &Value) -> Result<T, Failure>
    where
        T: serde::de::DeserializeOwned,
    {
        let body = if payload.is_null() { String::new() } else { payload.to_string() };
        let request = Request::new().payload(body.into()).timeout(Some(ANSWER));
        let answer = self.client.send_request(format!("$JS.API.{call}"), request).await;
        let answer = answer.map_err(|error| Failure::Passing(format!("{call}: {error}")))?;
        match serde_json::from_slice(&answer.payload) {
            Ok(Response::Ok(answer)) => Ok(answer),
            Ok(Response::Err { error }) => Err(refused(call, &error)),
            Err(error) => Err(Failure::Lasting(BusError::Refused(format!("{call}: not understood: {error}")))),
        }
    }

    /// Tries until it succeeds, lasting trouble is found or patience is used up. What is missing is trouble that lasts.
    pub(crate) async fn persist<T, F>(&self, what: &str, attempt: impl Fn() -> F) -> Result<T, BusError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        persist(self.options.patience, what, attempt).await
    }
}

/// Tries until it succeeds, lasting trouble is found or patience is used up. What is missing is trouble that lasts.
pub(crate) async fn persist<T, F>(patience: Duration, what: &str, attempt: impl Fn() -> F) -> Result<T, BusError>
where
    F: Future<Output = Result<T, Failure>>,
{
    let start = Instant::now();
    let mut pause = Duration::from_millis(50);
    loop {
        let why = match attempt().await {
            Ok(done) => return Ok(done),
            Err(Failure::Lasting(error)) => return Err(error),
            Err(Failure::Missing) => return Err(BusError::Refused(format!("{what}: it does not exist on the server"))),
            Err(Failure::Passing(why)) => why,
        };
        if start.elapsed() + pause > patience {
            return Err(BusError::Unreachable(format!("{what} failed for {:?}: {why}", start.elapsed())));
        }
        tracing::debug!(what, why, "trying again");
        // Those who were refused together do not come back together.
        tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// What an error of JetStream's API means.
pub(crate) fn refused(what: &str, error: &jetstream::Error) -> Failure {
    match (error.code(), error.error_code()) {
        (_, ErrorCode::STREAM_NOT_FOUND | ErrorCode::CONSUMER_NOT_FOUND | ErrorCode::CONSUMER_DOES_NOT_EXIST) => {
            Failure::Missing
        }
        (_, ErrorCode::STREAM_MESSAGE_DELETE_FAILED | ErrorCode::NO_MESSAGE_FOUND | ErrorCode::SEQUENCE_NOT_FOUND) => {
            Failure::Missing
        }
        // Creating a stream fails while the folder of another is being removed.
        (503 | TOO_MANY_REQUESTS, _) | (_, ErrorCode::STREAM_CREATE | ErrorCode::STREAM_TOO_MANY_REQUESTS) => {
            Failure::Passing(format!("{what}: {error}"))
        }
        (_, ErrorCode::STORAGE_RESOURCES_EXCEEDED) => Failure::Lasting(BusError::Refused(format!(
            "{what}: the server has too little room on its disk; raise its max_file_store, or keep fewer bytes of events ({error})"
        ))),
        _ => Failure::Lasting(BusError::Refused(format!("{what}: {error}"))),
    }
}

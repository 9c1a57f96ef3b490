//! Small values of the fleet, in a key-value bucket of JetStream.
use crate::link::{ANSWER, Failure, Link};
use crate::names::{key, unkey};
use crate::publish::Publication;
use crate::pull::{Heard, Pulls, request_present};
use crate::streams::REMEMBERED;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::kv::{Operation, Store};
use async_nats::jetstream::stream::{self, DirectGetError, DirectGetErrorKind, DiscardPolicy, StorageType};
use async_nats::{header, jetstream};
use async_trait::async_trait;
use bytes::Bytes;
use framefleet_bus::{BusError, Kv, Value};
use std::sync::Arc;
use std::time::Duration;

/// How many values are asked for at once.
const ENTRIES: usize = 256;

/// After how long the server forgets a reader.
const FORGOTTEN: Duration = Duration::from_secs(10);

/// The header of what is no value but the mark of a deletion.
const OPERATION: &str = "KV-Operation";

/// A bucket. Keys are escaped, so that any string is one.
pub(crate) struct NatsKv {
    link: Arc<Link>,
    config: stream::Config,
    store: Store,
}

impl NatsKv {
    /// Opens a bucket; makes it, or brings it to the `ttl`.
    pub(crate) async fn open(link: &Arc<Link>, name: &str, ttl: Option<Duration>) -> Result<Self, BusError> {
        let bucket = link.names.bucket(name);
        // What NATS's own clients expect of a bucket.
        let config = stream::Config {
            name: format!("KV_{bucket}"),
            subjects: vec![format!("$KV.{bucket}.>")],
            max_messages_per_subject: 1,
            max_age: ttl.unwrap_or_default(),
            duplicate_window: ttl.unwrap_or(REMEMBERED).min(REMEMBERED),
            discard: DiscardPolicy::New,
            allow_rollup: true,
            deny_delete: true,
            allow_direct: true,
            storage: StorageType::File,
            num_replicas: link.options.replicas,
            ..Default::default()
        };
        let store = link.persist(&format!("opening bucket {name}"), || open(link, &bucket, &config)).await?;
        Ok(Self { link: Arc::clone(link), config, store })
    }

    /// Does something with the bucket, for as long as patience lasts; a bucket that is lost is made again.
    async fn with<T, F>(&self, what: &str, attempt: impl Fn() -> F) -> Result<T, BusError>
    where
        F: Future<Output = Result<T, async_nats::Error>>,
    {
        let what = format!("{what} bucket {}", self.store.name);
        self.link
            .persist(&what, || async {
                match tokio::time::timeout(ANSWER, attempt()).await {
                    Ok(Ok(done)) => Ok(done),
                    Ok(Err(error)) => {
                        self.link.make_stream(&self.config).await?;
                        Err(Failure::Passing(error.to_string()))
                    }
                    Err(_) => Err(Failure::Passing(format!("no answer in {ANSWER:?}"))),
                }
            })
            .await
    }
}

/// Makes a bucket, or brings it to its configuration, and opens it.
async fn open(link: &Link, bucket: &str, config: &stream::Config) -> Result<Store, Failure> {
    link.make_stream(config).await?;
    let opened = link.jetstream.get_key_value(bucket).await;
    opened.map_err(|error| Failure::Passing(error.to_string()))
}

#[async_trait]
impl Kv for NatsKv {
    async fn get(&self, name: &str) -> Result<Option<Value>, BusError> {
        let found = self.with("reading", || async { Ok(self.store.entry(key(name)).await?) }).await?;
        let found = found.filter(|entry| entry.operation == Operation::Put);
        Ok(found.map(|entry| Value { bytes: entry.value, revision: entry.revision }))
    }

    async fn put(&self, name: &str, bytes: Bytes, expected: Option<u64>) -> Result<Option<u64>, BusError> {
        let wire = format!("{}{}", self.store.prefix, key(name));
        let id = self.link.client.new_inbox();
        let what = Publication { wire: wire.clone(), id: id.clone(), payload: bytes, expected };
        match self.link.publish(what, || self.link.make_stream(&self.config)).await? {
            Some(revision) => Ok(Some(revision)),
            None => self.with("reading", || async { Ok(self.written(&wire, &id).await?) }).await,
        }
    }

    async fn delete(&self, name: &str) -> Result<(), BusError> {
        // Nothing stays of the key: a mark of its deletion would be kept for ever.
        let wire = format!("{}{}", self.store.prefix, key(name));
        self.with("deleting from", || async { Ok(self.store.stream.purge().filter(wire.clone()).await?) }).await?;
        Ok(())
    }

    async fn entries(&self) -> Result<Vec<(String, Value)>, BusError> {
        let all = || async { Ok(self.read_all().await?) };
        let mut entries = self.with("listing", all).await?;
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(entries)
    }
}

impl NatsKv {
    /// The revision that a write with an id made, if it is still there. A write that is tried again because its answer got
    /// lost is refused: what it expects is no longer there, because of itself.
    async fn written(&self, wire: &str, id: &str) -> Result<Option<u64>, DirectGetError> {
        let last = match self.store.stream.direct_get_last_for_subject(wire).await {
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => return Ok(None),
            last => last?,
        };
        let is_ours = last.headers.get(header::NATS_MESSAGE_ID).is_some_and(|found| found.as_str() == id);
        Ok(is_ours.then_some(last.sequence))
    }

    /// Reads the last value of every key, by a consumer of its own that the server forgets afterwards.
    async fn read_all(&self) -> Result<Vec<(String, Value)>, String> {
        let (stream, name) = (&self.store.stream_name, format!("reader-{:016x}", fastrand::u64(..)));
        let config = pull::Config {
            name: Some(name.clone()),
            deliver_policy: DeliverPolicy::LastPerSubject,
            ack_policy: AckPolicy::None,
            filter_subject: format!("{}>", self.store.prefix),
            inactive_threshold: FORGOTTEN,
            num_replicas: 1,
            memory_storage: true,
            ..Default::default()
        };
        let made = self.link.create_consumer(stream, &name, config).await;
        let mut left = made.map_err(|failure| format!("{failure:?}"))?.num_pending;
        let request = request_present(ENTRIES, self.link.bytes_at_once());
        let mut pulls = Pulls::new(&self.link, stream, &name, &request).await.map_err(|error| error.to_string())?;
        let mut entries = Vec::new();
        let mut asked = 0;
        while left > 0 {
            if !pulls.is_open() || asked == ENTRIES {
                pulls.ask().await.map_err(|error| error.to_string())?;
                asked = 0;
            }
            match pulls.next().await {
                Heard::Message(message) => {
                    asked += 1;
                    let message = jetstream::Message { message, context: self.link.jetstream.clone() };
                    let info = message.info().map_err(|error| error.to_string())?;
                    left = info.pending;
                    entries.extend(self.entry(&message, info.stream_sequence));
                }
                // Values may vanish while they are read.
                Heard::Empty => left = 0,
                Heard::Alive | Heard::Expired | Heard::Over(_) | Heard::Stray(_) => {}
                Heard::Gone | Heard::Closed => return Err("its reader is gone".to_owned()),
            }
        }
        Ok(entries)
    }

    /// Key and value of a message; `None` for what is no value, or was not written by one of ours.
    fn entry(&self, message: &jetstream::Message, revision: u64) -> Option<(String, Value)> {
        let is_put = message.headers.as_ref().is_none_or(|headers| headers.get(OPERATION).is_none());
        let key = message.subject.strip_prefix(&self.store.prefix).filter(|_| is_put)?;
        Some((unkey(key)?, Value { bytes: message.payload.clone(), revision }))
    }
}

//! Streams and consumers on the server: made when they are not there, so that a server that comes back empty serves again.
use crate::link::{Failure, Link};
use async_nats::jetstream::consumer::{self, AckPolicy, IntoConsumerConfig, pull};
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, StorageType};
use framefleet_bus::{BusError, Subject};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// How long the server remembers the id of a message.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(120);

/// How long events are kept for listeners who are behind.
const EVENTS_KEPT: Duration = Duration::from_secs(3600);

/// How many workers may wait for one queue.
const MOST_WAITING: i64 = 16_384;

/// The stream of events on the server.
pub(crate) struct EventStream {
    /// The sequence number of its oldest event.
    pub(crate) first: u64,
    /// The sequence number of its newest event.
    pub(crate) last: u64,
}

impl Link {
    /// Makes the streams of tasks and events, or brings them to what the options say.
    pub(crate) async fn make_streams(&self) -> Result<(), Failure> {
        self.make_stream(&self.tasks()).await?;
        self.make_stream(&self.events()).await
    }

    /// All tasks: kept until acknowledged. What does not fit is refused, never dropped; and the limit is each queue's own,
    /// since a limit on the stream would also refuse the work of those who drain it.
    fn tasks(&self) -> stream::Config {
        stream::Config {
            name: self.names.task_stream(),
            subjects: vec![self.names.all_tasks()],
            retention: RetentionPolicy::WorkQueue,
            discard: DiscardPolicy::New,
            discard_new_per_subject: true,
            max_messages_per_subject: i64::from(self.options.queue_limit),
            duplicate_window: REMEMBERED,
            storage: StorageType::File,
            num_replicas: self.options.replicas,
            ..Default::default()
        }
    }

    /// All events: kept for an hour for listeners who are behind or away. The oldest go first, since events only wake.
    fn events(&self) -> stream::Config {
        stream::Config {
            name: self.names.event_stream(),
            subjects: vec![self.names.all_events()],
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::Old,
            max_age: EVENTS_KEPT,
            max_bytes: i64::try_from(self.options.event_bytes).unwrap_or(i64::MAX),
            duplicate_window: REMEMBERED,
            storage: StorageType::File,
            num_replicas: self.options.replicas,
            ..Default::default()
        }
    }

    /// Makes a stream, or brings it to its configuration. One that is made anew, since the server came back empty, counts
    /// on from where no other has been: what was said of a message of the old one (an acknowledgement, a position, a
    /// revision) never means one of the new.
    pub(crate) async fn make_stream(&self, config: &stream::Config) -> Result<(), Failure> {
        let name = &config.name;
        match self.api::<Value>(&format!("STREAM.UPDATE.{name}"), &json(config)?).await {
            Err(Failure::Missing) => {}
            made => return made.map(drop),
        }
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let first_sequence = u64::try_from(since.as_micros()).ok();
        let new = stream::Config { first_sequence, ..config.clone() };
        match self.api::<Value>(&format!("STREAM.CREATE.{name}"), &json(&new)?).await {
            Err(Failure::Lasting(_))
                if self.api::<Value>(&format!("STREAM.INFO.{name}"), &Value::Null).await.is_ok() =>
            {
                Err(Failure::Passing(format!("another makes {name} at the same time")))
            }
            made => made.map(drop),
        }
    }

    /// What the server has of the stream of events.
    pub(crate) async fn event_stream(&self) -> Result<EventStream, Failure> {
        let call = format!("STREAM.INFO.{}", self.names.event_stream());
        let info: Value = match self.api(&call, &Value::Null).await {
            Err(Failure::Missing) => {
                self.make_streams().await?;
                self.api(&call, &Value::Null).await?
            }
            info => info?,
        };
        let sequence = |name| info["state"][name].as_u64().unwrap_or_default();
        Ok(EventStream { first: sequence("first_seq"), last: sequence("last_seq") })
    }

    /// The consumer of a queue, made when it is not there. Workers are not bounded by how much is unacknowledged: each
    /// asks for one message at a time.
    pub(crate) async fn make_consumer(&self, subject: &Subject) -> Result<consumer::Info, Failure> {
        let config = pull::Config {
            durable_name: Some(self.names.consumer(subject)),
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.options.ack_wait,
            max_deliver: -1,
            max_ack_pending: -1,
            max_waiting: MOST_WAITING,
            filter_subject: self.names.wire(subject),
            ..Default::default()
        };
        let stream = self.names.task_stream();
        match self.create_consumer(&stream, &self.names.consumer(subject), config.clone()).await {
            Err(Failure::Missing) => {
                self.make_streams().await?;
                self.create_consumer(&stream, &self.names.consumer(subject), config).await
            }
            made => made,
        }
    }

    /// What the server says of the consumer of a queue.
    pub(crate) async fn consumer_info(&self, subject: &Subject) -> Result<consumer::Info, Failure> {
        let call = format!("CONSUMER.INFO.{}.{}", self.names.task_stream(), self.names.consumer(subject));
        match self.api(&call, &Value::Null).await {
            Err(Failure::Missing) => self.make_consumer(subject).await,
            info => info,
        }
    }

    /// Makes the consumer of a queue anew: all that is not acknowledged is handed out again.
    pub(crate) async fn remake_consumer(&self, subject: &Subject) -> Result<(), Failure> {
        let call = format!("CONSUMER.DELETE.{}.{}", self.names.task_stream(), self.names.consumer(subject));
        match self.api::<Value>(&call, &Value::Null).await {
            Ok(_) | Err(Failure::Missing) => self.make_consumer(subject).await.map(drop),
            Err(failure) => Err(failure),
        }
    }

    /// Removes a task that is done from the stream; one that is not there (any more) is no trouble.
    pub(crate) async fn remove_task(&self, sequence: u64) -> Result<(), Failure> {
        let call = format!("STREAM.MSG.DELETE.{}", self.names.task_stream());
        match self.api::<Value>(&call, &json!({ "seq": sequence, "no_erase": true })).await {
            Err(Failure::Missing) => Ok(()),
            removed => removed.map(drop),
        }
    }

    /// Makes a consumer of a stream, or finds it as it is. One filter is named in the call too, so that permissions can be
    /// given by it.
    pub(crate) async fn create_consumer(
        &self,
        stream: &str,
        name: &str,
        config: pull::Config,
    ) -> Result<consumer::Info, Failure> {
        let call = format!("CONSUMER.CREATE.{stream}.{name}.{}", config.filter_subject);
        let config = json(&config.into_consumer_config())?;
        self.api(&call, &json!({ "stream_name": stream, "config": config })).await
    }
}

fn json(config: &impl serde::Serialize) -> Result<Value, Failure> {
    serde_json::to_value(config).map_err(|error| Failure::Lasting(BusError::Refused(error.to_string())))
}

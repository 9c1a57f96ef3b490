//! A stream and a consumer as ours are, with nothing around them.
use async_nats::jetstream::{self, consumer::pull, stream};

/// What publishes, and what a worker reads.
pub async fn open(url: &str) -> (jetstream::Context, pull::Stream) {
    let jetstream = jetstream::new(async_nats::connect(url).await.unwrap());
    let config = stream::Config {
        name: "BARE".to_owned(),
        subjects: vec!["bare".to_owned()],
        retention: stream::RetentionPolicy::WorkQueue,
        ..Default::default()
    };
    let stream = jetstream.get_or_create_stream(config).await.unwrap();
    let consumer = pull::Config { durable_name: Some("bare".to_owned()), ..Default::default() };
    let consumer = stream.get_or_create_consumer("bare", consumer).await.unwrap();
    let messages = consumer.stream().max_messages_per_batch(1).messages().await.unwrap();
    (jetstream, messages)
}

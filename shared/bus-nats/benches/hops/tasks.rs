//! A worker that waits gets a task: from before it is published until the worker has it. Then it is acknowledged twice over,
//! as every task is.
use crate::{ROUNDS, bare, median, options, row};
use bytes::Bytes;
use framefleet_bus::{Bus as _, Message, Subject};
use framefleet_bus_nats::NatsBus;
use futures::StreamExt as _;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Hops before those that are measured.
const WARM_UP: usize = 300;

/// Bytes of a task by reference.
const REFERENCE: usize = 400;

/// Between two hops: the worker has asked for the next one by then.
const PAUSE: Duration = Duration::from_millis(1);

/// Median and 99th percentile of hops, µs.
struct Percentiles {
    p50: f64,
    p99: f64,
}

impl Percentiles {
    fn of(mut hops: Vec<Duration>) -> Self {
        hops.drain(..WARM_UP);
        hops.sort_unstable();
        let at = |share: f64| hops[((hops.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
        Self { p50: at(0.5), p99: at(0.99) }
    }
}

/// The rows of the table.
pub async fn rows(url: &str, hops: usize) {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push((over_the_bus(url, hops).await, without_it(url, hops).await));
    }
    for (name, goal, of) in
        [("p50", "≤ 150 µs", (|all| all.p50) as fn(&Percentiles) -> f64), ("p99", "≤ 1000 µs", |all| all.p99)]
    {
        let (bus, bare) = median(rounds.iter().map(|(bus, bare)| (of(bus), of(bare))).collect());
        row(
            &format!("task hop over JetStream, {name}"),
            &format!("{bus:.0} µs"),
            &format!("{bare:.0} µs"),
            bus / bare,
            goal,
        );
    }
}

async fn over_the_bus(url: &str, count: usize) -> Percentiles {
    let bus = NatsBus::connect(options(url)).await.unwrap();
    let subject = Subject::task("stage", "class");
    let mut inbox = bus.inbox(&subject).await.unwrap();
    let (got, mut gets) = mpsc::channel(1);
    let worker = tokio::spawn(async move {
        loop {
            let lease = inbox.lease().await.unwrap();
            let at = Instant::now();
            lease.ack().await.unwrap();
            got.send(at).await.unwrap();
        }
    });
    let mut hops = Vec::new();
    for number in 0..WARM_UP + count {
        tokio::time::sleep(PAUSE).await;
        let message = Message { subject: subject.clone(), id: number.to_string(), payload: vec![1; REFERENCE].into() };
        let start = Instant::now();
        bus.publish(message).await.unwrap();
        hops.push(gets.recv().await.unwrap() - start);
    }
    worker.abort();
    // It asks for no more from here on.
    let _ = worker.await;
    Percentiles::of(hops)
}

async fn without_it(url: &str, count: usize) -> Percentiles {
    let (jetstream, mut messages) = bare::open(url).await;
    let (got, mut gets) = mpsc::channel(1);
    let worker = tokio::spawn(async move {
        while let Some(Ok(message)) = messages.next().await {
            let at = Instant::now();
            message.double_ack().await.unwrap();
            got.send(at).await.unwrap();
        }
    });
    let mut hops = Vec::new();
    for _ in 0..WARM_UP + count {
        tokio::time::sleep(PAUSE).await;
        let start = Instant::now();
        jetstream.publish("bare", Bytes::from(vec![1; REFERENCE])).await.unwrap().await.unwrap();
        hops.push(gets.recv().await.unwrap() - start);
    }
    worker.abort();
    // It asks for no more from here on.
    let _ = worker.await;
    Percentiles::of(hops)
}

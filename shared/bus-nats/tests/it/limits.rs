//! What JetStream does under load, trap by trap.
use crate::fleet::{self, options, shared};
use bytes::Bytes;
use framefleet_bus::{Bus, BusError, Depth, Message, Subject};
use framefleet_bus_nats::{NatsBus, NatsOptions};
use futures::future::try_join_all;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// What has to happen happens within this.
const PATIENCE: Duration = Duration::from_secs(60);

fn queue(stage: &str) -> Subject {
    Subject::task(stage, "class")
}

fn message(subject: &Subject, id: &str, payload: impl Into<Bytes>) -> Message {
    Message { subject: subject.clone(), id: id.to_owned(), payload: payload.into() }
}

/// A payload that nothing compresses, of nearly 1 MiB.
fn large(n: u8) -> Bytes {
    let mut payload: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(1_000_000).collect();
    payload[0] = n;
    payload.into()
}

/// Payload over the limit: refused before it is sent, with the limit; the connection lives.
#[tokio::test]
async fn a_message_too_large_is_refused_and_harms_nothing() {
    let (bus, subject) = (fleet::bus(PATIENCE).await, queue("stage"));
    let mut inbox = bus.inbox(&subject).await.unwrap();
    let waiting = tokio::spawn(async move { inbox.lease().await.unwrap().message().payload.len() });
    let Err(BusError::TooLarge { length, limit }) = bus.publish(message(&subject, "1", vec![0; 9 << 20])).await else {
        panic!("not refused")
    };
    assert_eq!(length, 9 << 20);
    assert!(matches!(bus.publish(message(&subject, "1", vec![0; limit + 1])).await, Err(BusError::TooLarge { .. })));
    bus.publish(message(&subject, "1", vec![0; limit])).await.unwrap();
    assert_eq!(timeout(PATIENCE, waiting).await.unwrap().unwrap(), limit);
}

/// Traps 2 and 3: many large messages at once, to as many workers on one connection. The server neither refuses any (its
/// ingest queue) nor cuts the client off (its 64 MiB of pending bytes): all arrive, the first time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_messages_overrun_nobody() {
    let (server, folder) = fleet::server();
    let bus = NatsBus::connect(NatsOptions { ack_wait: PATIENCE, ..options(server.url()) }).await.unwrap();
    let subject = queue("stage");
    let workers = (0..96).map(|_| {
        let (bus, subject) = (bus.clone(), subject.clone());
        tokio::spawn(async move {
            let lease = bus.inbox(&subject).await?.lease().await?;
            let (number, attempt) = (lease.message().payload[0], lease.attempt());
            lease.ack().await?;
            Ok::<_, BusError>((number, attempt))
        })
    });
    let workers: Vec<_> = workers.collect();
    try_join_all((0..96).map(|n| bus.publish(message(&subject, "", large(n))))).await.unwrap();
    let done = timeout(PATIENCE, try_join_all(workers)).await.expect("some did not arrive").unwrap();
    let done: BTreeSet<(u8, u64)> = done.into_iter().map(Result::unwrap).collect();
    assert!(done.into_iter().eq((0..96).map(|n| (n, 1))));
    let log = std::fs::read_to_string(folder.path().join("nats-server.log")).unwrap();
    assert!(!log.contains("Slow Consumer") && !log.contains("IPQ"), "{log}");
}

/// Trap 6: nothing is fetched ahead. A worker that is busy, and one that does not ask, keep no message from another.
#[tokio::test]
async fn nothing_is_fetched_ahead() {
    let (bus, subject) = (fleet::bus(PATIENCE).await, queue("stage"));
    let mut busy = bus.inbox(&subject).await.unwrap();
    let _idle = bus.inbox(&subject).await.unwrap();
    for n in 0..50u8 {
        bus.publish(message(&subject, "", vec![n])).await.unwrap();
    }
    let held = busy.lease().await.unwrap();
    let mut free = bus.inbox(&subject).await.unwrap();
    for n in 1..50u8 {
        let lease = timeout(PATIENCE, free.lease()).await.expect("somebody sits on it").unwrap();
        assert_eq!((lease.message().payload[0], lease.attempt()), (n, 1));
        lease.ack().await.unwrap();
    }
    held.ack().await.unwrap();
}

/// Trap 7: JetStream stops handing out, silently, at 1,000 unacknowledged messages of all workers together. Ours does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_leases_at_once() {
    let (bus, subject) = (fleet::bus(PATIENCE).await, queue("stage"));
    try_join_all((0..1100).map(|_| bus.publish(message(&subject, "", "work")))).await.unwrap();
    let mut inbox = bus.inbox(&subject).await.unwrap();
    let mut leases = Vec::new();
    for n in 0..1100 {
        leases.push(timeout(PATIENCE, inbox.lease()).await.unwrap_or_else(|_| panic!("{n} leases, no more")).unwrap());
    }
    assert_eq!(bus.depth(&subject).await.unwrap(), Depth { waiting: 0, leased: 1100 });
    try_join_all(leases.into_iter().map(|lease| lease.ack())).await.unwrap();
}

/// Trap 8: a full queue refuses, and what it has is not dropped. Its limit is its own: the worker who drains it can publish
/// to the next queue, so that a pipeline does not block on its own back-pressure.
#[tokio::test]
async fn a_full_queue_refuses_and_drops_nothing() {
    let bus = NatsBus::connect(NatsOptions { queue_limit: 3, ..options(shared().url()) }).await.unwrap();
    let (first, second) = (queue("first"), queue("second"));
    for n in 0..3u8 {
        bus.publish(message(&first, &n.to_string(), vec![n])).await.unwrap();
    }
    let full = bus.publish(message(&first, "3", vec![3])).await;
    assert!(matches!(&full, Err(BusError::Full(name)) if name == first.as_str()), "{full:?}");
    let (mut inbox, mut next) = (bus.inbox(&first).await.unwrap(), bus.inbox(&second).await.unwrap());
    for n in 0..3u8 {
        let lease = inbox.lease().await.unwrap();
        assert_eq!(lease.message().payload[0], n);
        bus.publish(message(&second, &n.to_string(), vec![n])).await.unwrap();
        lease.ack().await.unwrap();
    }
    bus.publish(message(&first, "3", vec![3])).await.unwrap();
    for n in 0..3u8 {
        let lease = next.lease().await.unwrap();
        assert_eq!(lease.message().payload[0], n);
        lease.ack().await.unwrap();
    }
}

/// Trap 11: the server never gives a message up, however often it came back.
#[tokio::test]
async fn a_message_comes_again_however_often() {
    let (bus, subject) = (fleet::bus(PATIENCE).await, queue("stage"));
    bus.publish(message(&subject, "1", "work")).await.unwrap();
    let mut inbox = bus.inbox(&subject).await.unwrap();
    for attempt in 1..=50 {
        let lease = timeout(PATIENCE, inbox.lease()).await.expect("given up").unwrap();
        assert_eq!(lease.attempt(), attempt);
    }
}

/// Trap 11: whether the ack wait of a consumer that is there can be changed is said differently here and there. It can, by
/// whoever connects next.
#[tokio::test]
async fn the_ack_wait_can_be_changed() {
    let (url, subject) = (shared().url(), queue("stage"));
    let fleet = options(url);
    let slow = NatsBus::connect(NatsOptions { ack_wait: PATIENCE * 10, ..fleet.clone() }).await.unwrap();
    slow.inbox(&subject).await.unwrap();
    slow.publish(message(&subject, "1", "work")).await.unwrap();
    let fast = NatsBus::connect(NatsOptions { ack_wait: Duration::from_millis(500), ..fleet }).await.unwrap();
    let (mut one, mut other) = (fast.inbox(&subject).await.unwrap(), fast.inbox(&subject).await.unwrap());
    let _silent = one.lease().await.unwrap();
    let again = timeout(PATIENCE, other.lease()).await.expect("the old ack wait holds").unwrap();
    assert_eq!(again.attempt(), 2);
}

/// A worker whose lease has lapsed and that gives up then takes the message from nobody.
#[tokio::test]
async fn giving_up_late_takes_nothing_from_another() {
    let (bus, subject) = (fleet::bus(Duration::from_secs(1)).await, queue("stage"));
    let mut inboxes = Vec::new();
    for _ in 0..3 {
        inboxes.push(bus.inbox(&subject).await.unwrap());
    }
    bus.publish(message(&subject, "1", "work")).await.unwrap();
    let lapsed = inboxes[0].lease().await.unwrap();
    let second = timeout(PATIENCE, inboxes[1].lease()).await.unwrap().unwrap();
    drop(lapsed);
    bus.flush().await.unwrap();
    second.extender().extend();
    let third = timeout(Duration::from_millis(400), inboxes[2].lease()).await;
    assert!(third.is_err(), "handed to a third while the second has it");
    second.ack().await.unwrap();
}

/// Waiting workers that are cancelled again and again leave nothing behind that takes messages from others.
#[tokio::test]
async fn impatient_workers_pile_nothing_up() {
    let (bus, subject) = (fleet::bus(PATIENCE).await, queue("stage"));
    let (mut impatient, mut patient) = (bus.inbox(&subject).await.unwrap(), bus.inbox(&subject).await.unwrap());
    for _ in 0..200 {
        assert!(timeout(Duration::from_millis(1), impatient.lease()).await.is_err());
    }
    for n in 0..10u8 {
        bus.publish(message(&subject, "", vec![n])).await.unwrap();
        let lease = timeout(PATIENCE, patient.lease()).await.unwrap().unwrap();
        // The one request that was open may have brought the first message; it came back at once.
        assert!(lease.attempt() <= if n == 0 { 2 } else { 1 }, "message {n} is at attempt {}", lease.attempt());
        lease.ack().await.unwrap();
    }
}

/// Trap 2, for events: those as long as a message may be arrive, and are not asked for all at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_events_arrive() {
    let (server, folder) = fleet::server();
    let bus = NatsBus::connect(NatsOptions { event_bytes: 256 << 20, ..options(server.url()) }).await.unwrap();
    let subject = Subject::events("job");
    let mut listeners = Vec::new();
    for _ in 0..4 {
        listeners.push(bus.listen(&subject).await.unwrap());
    }
    let longest = 1_000_000;
    for n in 0..96u8 {
        bus.emit(message(&subject, "", vec![n; longest])).await.unwrap();
    }
    for listener in &mut listeners {
        for n in 0..96u8 {
            let event = timeout(PATIENCE, listener.next()).await.expect("an event is missing").unwrap();
            assert!(event.payload.len() == longest && event.payload[0] == n);
        }
    }
    let log = std::fs::read_to_string(folder.path().join("nats-server.log")).unwrap();
    assert!(!log.contains("Slow Consumer"), "{log}");
}

/// Events of many emitters reach a listener who reads late, without loss; more than one request of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_listener_misses_nothing() {
    let (bus, subject) = (Arc::new(fleet::bus(PATIENCE).await), Subject::events("job"));
    let mut listener = bus.listen(&subject).await.unwrap();
    for emitter in 0..4u8 {
        try_join_all((0..250u8).map(|n| bus.emit(message(&subject, "same id", vec![emitter, n])))).await.unwrap();
    }
    let mut seen = BTreeSet::new();
    for _ in 0..1000 {
        let event = timeout(PATIENCE, listener.next()).await.expect("an event is missing").unwrap();
        assert_eq!(event.id, "same id");
        assert!(seen.insert(event.payload), "an event came twice");
    }
}

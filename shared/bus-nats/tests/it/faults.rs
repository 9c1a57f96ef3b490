//! Servers, connections and consumers that go away: nothing is lost, and everybody comes back.
use crate::fleet::{self, options};
use bytes::Bytes;
use framefleet_bus::{Bus, BusError, Depth, Events, Message, Subject};
use framefleet_bus_nats::{NatsBus, NatsOptions, NatsServer};
use framefleet_testkit::FaultProxy;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

/// What has to happen happens within this, on the busiest machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// An ack wait that tests can wait for.
const ACK_WAIT: Duration = Duration::from_secs(2);

pub fn queue() -> Subject {
    Subject::task("stage", "class")
}

pub fn message(subject: &Subject, n: u32) -> Message {
    Message { subject: subject.clone(), id: format!("task {n}"), payload: Bytes::from(n.to_be_bytes().to_vec()) }
}

pub fn number(message: &Message) -> u32 {
    u32::from_be_bytes(message.payload[..].try_into().unwrap())
}

/// A server and a proxy before it.
pub fn behind_proxy() -> (NatsServer, FaultProxy, TempDir) {
    let (server, folder) = fleet::server();
    let proxy = FaultProxy::start(server.port()).unwrap();
    (server, proxy, folder)
}

pub async fn connect(port: u16) -> NatsBus {
    let options = NatsOptions { ack_wait: ACK_WAIT, patience: PATIENCE, ..options(format!("127.0.0.1:{port}")) };
    NatsBus::connect(options).await.unwrap()
}

/// The next task, which has to come.
async fn task(bus: &NatsBus) -> u32 {
    let mut inbox = bus.inbox(&queue()).await.unwrap();
    let lease = timeout(PATIENCE, inbox.lease()).await.expect("no task came").unwrap();
    let number = number(lease.message());
    lease.ack().await.unwrap();
    number
}

/// The next event, which has to come.
pub async fn event(listener: &mut Box<dyn Events>) -> u32 {
    number(&timeout(PATIENCE, listener.next()).await.expect("no event came").unwrap())
}

/// Trap 12: a server that is killed has on its disk what it has acknowledged: tasks, acknowledgements, values, events.
#[tokio::test]
async fn a_killed_server_has_lost_nothing() {
    let (mut server, _folder) = fleet::server();
    let bus = connect(server.port()).await;
    let kv = bus.bucket("bucket", None).await.unwrap();
    let mut listener = bus.listen(&Subject::events("job")).await.unwrap();
    for n in 0..20 {
        bus.publish(message(&queue(), n)).await.unwrap();
        bus.emit(message(&Subject::events("job"), n)).await.unwrap();
    }
    for n in 0..10 {
        assert_eq!(task(&bus).await, n);
    }
    let revision = kv.put("key", "value".into(), Some(0)).await.unwrap();
    server.kill();
    server.restart().unwrap();
    for n in 10..20 {
        assert_eq!(task(&bus).await, n, "an acknowledged task came again, or one is lost");
    }
    for n in 0..20 {
        assert_eq!(event(&mut listener).await, n);
    }
    let value = kv.get("key").await.unwrap().unwrap();
    assert_eq!((Some(value.revision), &value.bytes[..]), (revision, &b"value"[..]));
    assert_eq!(kv.put("key", "other".into(), Some(0)).await.unwrap(), None);
}

/// A worker that waits, and a listener, while nothing happens: the connection breaks in each way, and both get what comes
/// afterwards, and soon.
#[tokio::test]
async fn those_who_wait_come_back() {
    let (_server, proxy, _folder) = behind_proxy();
    let bus = connect(proxy.port()).await;
    for (n, name) in ["cut", "half-open"].into_iter().enumerate() {
        let (mut inbox, subject) = (bus.inbox(&queue()).await.unwrap(), Subject::events("job"));
        let mut listener = bus.listen(&subject).await.unwrap();
        let waiting = tokio::spawn(async move { number(inbox.lease().await.unwrap().message()) });
        sleep(Duration::from_millis(300)).await;
        if name == "cut" {
            proxy.cut()
        } else {
            proxy.half_open()
        }
        sleep(Duration::from_millis(500)).await;
        proxy.heal();
        let start = Instant::now();
        bus.publish(message(&queue(), n as u32)).await.unwrap();
        bus.emit(message(&subject, n as u32)).await.unwrap();
        assert_eq!(event(&mut listener).await, n as u32, "{name}");
        assert_eq!(timeout(PATIENCE, waiting).await.expect(name).unwrap(), n as u32);
        println!("{name}: both came back after {:?}", start.elapsed());
        assert_eq!(task(&bus).await, n as u32, "the lease was dropped: its task comes again");
    }
}

/// An event sent while a listener's connection is down is heard when it is back.
#[tokio::test]
async fn events_sent_meanwhile_are_heard() {
    let (server, proxy, _folder) = behind_proxy();
    let fleet = NatsOptions { patience: PATIENCE, ..options(server.url()) };
    let emitter = NatsBus::connect(fleet.clone()).await.unwrap();
    let urls = vec![format!("127.0.0.1:{}", proxy.port())];
    let bus = NatsBus::connect(NatsOptions { urls, ..fleet }).await.unwrap();
    let subject = Subject::events("job");
    let mut listener = bus.listen(&subject).await.unwrap();
    emitter.emit(message(&subject, 0)).await.unwrap();
    assert_eq!(event(&mut listener).await, 0);
    for (round, fault) in [FaultProxy::cut as fn(&FaultProxy), FaultProxy::half_open].into_iter().enumerate() {
        fault(&proxy);
        let first = 1 + 600 * round as u32;
        for n in first..first + 600 {
            emitter.emit(message(&subject, n)).await.unwrap();
        }
        proxy.heal();
        for n in first..first + 600 {
            assert_eq!(event(&mut listener).await, n);
        }
    }
}

/// A server that comes back with an empty store: streams, consumers and buckets are there again, for those who wait too.
#[tokio::test]
async fn a_lost_store_is_made_again() {
    let (mut server, _folder) = fleet::server();
    let bus = connect(server.port()).await;
    let (kv, subject) = (bus.bucket("bucket", None).await.unwrap(), Subject::events("job"));
    kv.put("key", "value".into(), None).await.unwrap();
    let mut listener = bus.listen(&subject).await.unwrap();
    for n in 0..10 {
        bus.emit(message(&subject, n)).await.unwrap();
        assert_eq!(event(&mut listener).await, n);
    }
    let mut inbox = bus.inbox(&queue()).await.unwrap();
    bus.publish(message(&queue(), 0)).await.unwrap();
    let lost = inbox.lease().await.unwrap();
    let waiting = tokio::spawn(async move { number(inbox.lease().await.unwrap().message()) });
    server.lose_store().unwrap();
    server.restart().unwrap();
    bus.emit(message(&subject, 10)).await.unwrap();
    assert_eq!(event(&mut listener).await, 10);
    bus.publish(message(&queue(), 1)).await.unwrap();
    assert_eq!(timeout(PATIENCE, waiting).await.expect("the worker waits for a consumer that is gone").unwrap(), 1);
    lost.ack().await.unwrap();
    assert_eq!(task(&bus).await, 1);
    assert_eq!(kv.get("key").await.unwrap(), None);
    assert!(kv.put("key", "new".into(), Some(0)).await.unwrap().is_some());
    assert_eq!(kv.entries().await.unwrap().len(), 1);
    assert_eq!(bus.depth(&queue()).await.unwrap(), Depth::default());
}

/// What the server knows of a fleet, from a connection of its own.
async fn consumers(server: &NatsServer, namespace: &str) -> (async_nats::jetstream::stream::Stream, String) {
    let jetstream = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let stream = jetstream.get_stream(format!("{namespace}__FF_TASKS")).await.unwrap();
    (stream, queue().as_str().replace('.', "="))
}

/// Trap 13: a consumer that somebody removes is made again, and the worker who waits gets what comes.
#[tokio::test]
async fn a_consumer_that_vanishes_is_made_again() {
    let server = fleet::shared();
    let options = NatsOptions { ack_wait: ACK_WAIT, ..options(server.url()) };
    let bus = NatsBus::connect(options.clone()).await.unwrap();
    let mut inbox = bus.inbox(&queue()).await.unwrap();
    let waiting = tokio::spawn(async move { number(inbox.lease().await.unwrap().message()) });
    sleep(Duration::from_millis(200)).await;
    let (stream, consumer) = consumers(server, &options.namespace).await;
    stream.delete_consumer(&consumer).await.unwrap();
    bus.publish(message(&queue(), 1)).await.unwrap();
    assert_eq!(timeout(PATIENCE, waiting).await.expect("the worker is left alone").unwrap(), 1);
    // The lease of the consumer that was is settled with the one that is.
    let mut inbox = bus.inbox(&queue()).await.unwrap();
    let lease = timeout(PATIENCE, inbox.lease()).await.unwrap().unwrap();
    stream.delete_consumer(&consumer).await.unwrap();
    lease.ack().await.unwrap();
}

/// Traps 7 and 13: a consumer that answers and hands nothing out although messages wait (here: one that is paused, which
/// looks the same) is found and made anew.
#[tokio::test]
async fn a_stuck_consumer_is_made_anew() {
    let server = fleet::shared();
    let options = NatsOptions { stuck_after: Duration::from_secs(1), ..options(server.url()) };
    let bus = NatsBus::connect(options.clone()).await.unwrap();
    let mut inbox = bus.inbox(&queue()).await.unwrap();
    let (stream, consumer) = consumers(server, &options.namespace).await;
    let pause = std::time::SystemTime::now() + Duration::from_secs(3600);
    stream.pause_consumer(&consumer, pause.into()).await.unwrap();
    bus.publish(message(&queue(), 1)).await.unwrap();
    let lease = timeout(PATIENCE, inbox.lease()).await.expect("the queue stays stuck").unwrap();
    assert_eq!(number(lease.message()), 1);
    lease.ack().await.unwrap();
}

/// Traps 3 and 9: a publish whose answer got lost is tried again and is one message; a conditional write that was done
/// already is not taken for one that was refused.
#[tokio::test]
async fn what_is_tried_again_is_done_once() {
    let (_server, proxy, _folder) = behind_proxy();
    let bus = connect(proxy.port()).await;
    let kv = bus.bucket("bucket", None).await.unwrap();
    let breaking = async {
        for _ in 0..40 {
            sleep(Duration::from_millis(25)).await;
            proxy.cut();
            sleep(Duration::from_millis(5)).await;
            proxy.heal();
        }
    };
    let writing = async {
        let (mut published, mut revision) = (0, 0);
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(1500) {
            bus.publish(Message { id: String::new(), ..message(&queue(), published) }).await.unwrap();
            published += 1;
            let bytes = Bytes::from(published.to_be_bytes().to_vec());
            let written = kv.put("counter", bytes, Some(revision)).await.unwrap();
            revision = written.expect("a write of ours was taken for another's");
        }
        published
    };
    let ((), published) = tokio::join!(breaking, writing);
    for n in 0..published {
        assert_eq!(task(&bus).await, n, "published twice, or lost");
    }
    assert_eq!(bus.depth(&queue()).await.unwrap(), Depth::default());
    assert_eq!(kv.get("counter").await.unwrap().unwrap().bytes[..], published.to_be_bytes());
}

/// While the server is away calls wait, for as long as patience lasts and no longer; afterwards they work.
#[tokio::test]
async fn patience_is_bounded() {
    let (mut server, _folder) = fleet::server();
    let patience = Duration::from_secs(2);
    let bus = NatsBus::connect(NatsOptions { patience, ..options(server.url()) }).await.unwrap();
    let (kv, subject, tasks) = (bus.bucket("bucket", None).await.unwrap(), Subject::events("job"), queue());
    let (mut inbox, mut busy) = (bus.inbox(&queue()).await.unwrap(), bus.inbox(&queue()).await.unwrap());
    bus.publish(message(&queue(), 0)).await.unwrap();
    let lease = busy.lease().await.unwrap();
    server.kill();
    let calls = async {
        let away = |error: Option<BusError>| assert!(matches!(error, Some(BusError::Unreachable(_))), "{error:?}");
        let (publish, emit, get, depth, listen, leased, ack) = tokio::join!(
            bus.publish(message(&queue(), 1)),
            bus.emit(message(&subject, 1)),
            kv.get("key"),
            bus.depth(&tasks),
            bus.listen(&subject),
            inbox.lease(),
            lease.ack()
        );
        [publish.err(), emit.err(), get.err(), depth.err(), listen.err(), leased.err(), ack.err()]
            .into_iter()
            .for_each(away);
    };
    timeout(PATIENCE, calls).await.expect("patience without end");
    server.restart().unwrap();
    let waiting = timeout(PATIENCE, inbox.lease()).await.expect("nobody came back").unwrap();
    waiting.ack().await.unwrap();
    kv.get("key").await.unwrap();
}

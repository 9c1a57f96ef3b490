//! Servers and connections that go away again and again while work is going on.
use crate::faults::{PATIENCE, behind_proxy, connect, event, message, number, queue};
use crate::fleet;
use framefleet_bus::{Bus, Depth, Subject};
use framefleet_bus_nats::NatsBus;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Traffic: one publishes tasks, workers do them and emit events of it, one listens.
struct Traffic {
    bus: NatsBus,
    tasks: u32,
    done: Arc<Mutex<BTreeMap<u32, u32>>>,
    running: JoinSet<()>,
}

impl Traffic {
    async fn start(port: u16, tasks: u32) -> Self {
        let bus = connect(port).await;
        let done = Arc::new(Mutex::new(BTreeMap::new()));
        let (events, mut running) = (Subject::events("job"), JoinSet::new());
        let mut listener = bus.listen(&events).await.unwrap();
        for _ in 0..3 {
            let (bus, events, done) = (bus.clone(), events.clone(), Arc::clone(&done));
            let mut inbox = bus.inbox(&queue()).await.unwrap();
            running.spawn(async move {
                loop {
                    let lease = inbox.lease().await.unwrap();
                    let number = number(lease.message());
                    sleep(Duration::from_millis(5)).await;
                    bus.emit(message(&events, number)).await.unwrap();
                    *done.lock().unwrap().entry(number).or_insert(0) += 1;
                    lease.ack().await.unwrap();
                }
            });
        }
        let publisher = bus.clone();
        running.spawn(async move {
            for n in 0..tasks {
                publisher.publish(message(&queue(), n)).await.unwrap();
                sleep(Duration::from_millis(5)).await;
            }
        });
        running.spawn(async move {
            let mut heard = BTreeSet::new();
            while heard.len() < tasks as usize {
                heard.insert(event(&mut listener).await);
            }
        });
        Self { bus, tasks, done, running }
    }

    /// Waits until every task was done and its event heard. Returns how many were done more than once.
    async fn finish(mut self) -> usize {
        let all = async {
            // The publisher and the listener end by themselves, workers never.
            for _ in 0..2 {
                self.running.join_next().await.unwrap().unwrap();
            }
            while self.bus.depth(&queue()).await.unwrap() != Depth::default() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, all).await.expect("work or an event got lost");
        let done = self.done.lock().unwrap();
        assert!(done.keys().copied().eq(0..self.tasks), "tasks are missing: {done:?}");
        done.values().filter(|times| **times > 1).count()
    }
}

/// A server that is killed again and again under traffic: every task is done, every event is heard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_under_traffic() {
    let (mut server, _folder) = fleet::server();
    let traffic = Traffic::start(server.port(), 400).await;
    for _ in 0..3 {
        sleep(Duration::from_millis(500)).await;
        server.kill();
        sleep(Duration::from_millis(300)).await;
        server.restart().unwrap();
    }
    traffic.finish().await;
}

/// Connections that are cut again and again under traffic.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_break_under_traffic() {
    let (_server, proxy, _folder) = behind_proxy();
    let traffic = Traffic::start(proxy.port(), 400).await;
    for _ in 0..8 {
        sleep(Duration::from_millis(200)).await;
        proxy.cut();
        sleep(Duration::from_millis(100)).await;
        proxy.heal();
    }
    traffic.finish().await;
}

/// A slow network only makes it slow: nothing is done twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_network_under_traffic() {
    let (_server, proxy, _folder) = behind_proxy();
    let traffic = Traffic::start(proxy.port(), 100).await;
    proxy.delay(Duration::from_millis(15));
    assert_eq!(traffic.finish().await, 0);
}

/// A network that swallows everything without a word, under traffic: found out, and everybody comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_network_under_traffic() {
    let (_server, proxy, _folder) = behind_proxy();
    let traffic = Traffic::start(proxy.port(), 100).await;
    sleep(Duration::from_millis(200)).await;
    proxy.half_open();
    // Longer than it takes to notice: clients connect again while nobody answers yet.
    sleep(Duration::from_secs(9)).await;
    proxy.heal();
    traffic.finish().await;
}

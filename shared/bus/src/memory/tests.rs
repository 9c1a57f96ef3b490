use super::MemoryBus;
use crate::{Bus, BusError, Message, Subject};
use std::sync::Arc;
use std::time::Duration;

crate::bus_conformance!(async |ack_wait| Arc::new(MemoryBus::new(ack_wait)) as Arc<dyn Bus>);

fn message(subject: &Subject, payload: &'static str) -> Message {
    Message { subject: subject.clone(), id: String::new(), payload: payload.into() }
}

#[tokio::test]
async fn a_message_handed_back_goes_ahead_of_later_ones() {
    let (bus, subject) = (MemoryBus::new(Duration::from_secs(600)), Subject::task("stage", "class"));
    bus.publish(message(&subject, "first")).await.unwrap();
    bus.publish(message(&subject, "second")).await.unwrap();
    let mut inbox = bus.inbox(&subject).await.unwrap();
    drop(inbox.lease().await.unwrap());
    assert_eq!(inbox.lease().await.unwrap().message().payload, "first");
}

#[tokio::test]
async fn dropping_the_bus_closes_inboxes_and_listeners() {
    let (bus, subject) = (MemoryBus::new(Duration::from_secs(600)), Subject::task("stage", "class"));
    let (mut inbox, mut events) = (bus.inbox(&subject).await.unwrap(), bus.listen(&subject).await.unwrap());
    let waiting = tokio::spawn(async move { inbox.lease().await.err() });
    tokio::task::yield_now().await;
    drop(bus);
    assert!(matches!(waiting.await.unwrap(), Some(BusError::Closed)));
    assert!(matches!(events.next().await, Err(BusError::Closed)));
}

#[tokio::test]
async fn a_retry_is_noted_by_all_who_wait_not_by_one_who_may_leave() {
    let (bus, subject) = (MemoryBus::new(Duration::from_secs(600)), Subject::task("stage", "class"));
    bus.publish(message(&subject, "work")).await.unwrap();
    let lease = bus.inbox(&subject).await.unwrap().lease().await.unwrap();
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let mut inbox = bus.inbox(&subject).await.unwrap();
        waiting.push(tokio::spawn(async move { inbox.lease().await.map(|lease| lease.attempt()) }));
        tokio::task::yield_now().await;
    }
    let (patient, fickle) = (waiting.pop().unwrap(), waiting.pop().unwrap());
    lease.retry(Duration::from_millis(200)).await.unwrap();
    tokio::task::yield_now().await;
    fickle.abort();
    let attempt = tokio::time::timeout(Duration::from_secs(20), patient).await.expect("nobody knew of the retry");
    assert_eq!(attempt.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn a_message_that_wakes_one_who_leaves_wakes_the_next() {
    let (bus, subject) = (MemoryBus::new(Duration::from_secs(600)), Subject::task("stage", "class"));
    let (mut fickle, mut patient) = (bus.inbox(&subject).await.unwrap(), bus.inbox(&subject).await.unwrap());
    let mut leaving = fickle.lease();
    assert!(looked_at_once(&mut leaving).await.is_none());
    let waiting = tokio::spawn(async move { patient.lease().await.map(|lease| lease.attempt()) });
    tokio::task::yield_now().await;
    bus.publish(message(&subject, "work")).await.unwrap();
    drop(leaving);
    let attempt = tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the wake-up was lost");
    assert_eq!(attempt.unwrap().unwrap(), 1);
}

/// What a future has when it is looked at once.
async fn looked_at_once<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    tokio::select! {
        biased;
        done = future => Some(done),
        () = std::future::ready(()) => None,
    }
}

//! The suite itself: it misses no rule, and it finds buses and stores that break one.
use super::{blobs, bus, events, kv};
use crate::{
    BlobError, BlobName, BlobWriter, Blobs, Bus, BusError, Depth, Events, Extend, Inbox, Kv, Lease, MemoryBlobs,
    MemoryBus, Message, Subject, Value,
};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// The names of the rules in a file.
fn rules(source: &str) -> Vec<&str> {
    let names = source.lines().filter_map(|line| line.strip_prefix("pub async fn "));
    names.filter_map(|rest| rest.split('(').next()).collect()
}

#[test]
fn the_macros_run_every_rule() {
    let macros = include_str!("../conformance.rs");
    let all = [include_str!("bus.rs"), include_str!("kv.rs"), include_str!("blobs.rs")];
    for rule in all.into_iter().flat_map(rules) {
        assert!(macros.split_whitespace().any(|word| word.trim_end_matches(");") == rule), "{rule} is in no macro");
    }
}

/// A way to break a bus.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    ForgetsIds,
    IgnoresExtensions,
    ForgetsAcks,
    LosesMessages,
    KeepsDropped,
    RetriesAtOnce,
    RepeatsEvents,
    MiscountsLeased,
    WritesUnexpected,
    KeepsForEver,
    MixesBuckets,
    DropsLarge,
}

struct FaultyBus(MemoryBus, Fault);
struct FaultyInbox(Box<dyn Inbox>, Fault);
struct FaultyLease(Option<Box<dyn Lease>>, Fault);
struct Deaf;

impl Extend for Deaf {
    fn extend(&self) {}
}

#[async_trait]
impl Bus for FaultyBus {
    async fn publish(&self, mut message: Message) -> Result<(), BusError> {
        if self.1 == Fault::ForgetsIds {
            message.id.clear();
        }
        if self.1 == Fault::LosesMessages && message.payload.len() > 1000 {
            return Ok(());
        }
        self.0.publish(message).await
    }

    async fn inbox(&self, subject: &Subject) -> Result<Box<dyn Inbox>, BusError> {
        Ok(Box::new(FaultyInbox(self.0.inbox(subject).await?, self.1)))
    }

    async fn emit(&self, message: Message) -> Result<(), BusError> {
        if self.1 == Fault::RepeatsEvents {
            self.0.emit(message.clone()).await?;
        }
        match self.0.emit(message).await {
            Err(BusError::TooLarge { .. }) if self.1 == Fault::DropsLarge => Ok(()),
            emitted => emitted,
        }
    }

    async fn listen(&self, subject: &Subject) -> Result<Box<dyn Events>, BusError> {
        self.0.listen(subject).await
    }

    async fn bucket(&self, name: &str, ttl: Option<Duration>) -> Result<Arc<dyn Kv>, BusError> {
        let name = if self.1 == Fault::MixesBuckets { "bucket" } else { name };
        let ttl = ttl.filter(|_| self.1 != Fault::KeepsForEver);
        Ok(Arc::new(FaultyKv(self.0.bucket(name, ttl).await?, self.1)))
    }

    async fn depth(&self, subject: &Subject) -> Result<Depth, BusError> {
        let depth = self.0.depth(subject).await?;
        Ok(if self.1 == Fault::MiscountsLeased { Depth { leased: 0, ..depth } } else { depth })
    }
}

struct FaultyKv(Arc<dyn Kv>, Fault);

#[async_trait]
impl Kv for FaultyKv {
    async fn get(&self, key: &str) -> Result<Option<Value>, BusError> {
        self.0.get(key).await
    }

    async fn put(&self, key: &str, bytes: Bytes, expected: Option<u64>) -> Result<Option<u64>, BusError> {
        self.0.put(key, bytes, expected.filter(|_| self.1 != Fault::WritesUnexpected)).await
    }

    async fn delete(&self, key: &str) -> Result<(), BusError> {
        self.0.delete(key).await
    }

    async fn entries(&self) -> Result<Vec<(String, Value)>, BusError> {
        self.0.entries().await
    }
}

#[async_trait]
impl Inbox for FaultyInbox {
    async fn lease(&mut self) -> Result<Box<dyn Lease>, BusError> {
        Ok(Box::new(FaultyLease(Some(self.0.lease().await?), self.1)))
    }
}

impl FaultyLease {
    fn inner(&self) -> &dyn Lease {
        self.0.as_deref().unwrap()
    }
}

#[async_trait]
impl Lease for FaultyLease {
    fn message(&self) -> &Message {
        self.inner().message()
    }

    fn attempt(&self) -> u64 {
        self.inner().attempt()
    }

    fn extender(&self) -> Arc<dyn Extend> {
        if self.1 == Fault::IgnoresExtensions { Arc::new(Deaf) } else { self.inner().extender() }
    }

    async fn ack(mut self: Box<Self>) -> Result<(), BusError> {
        match self.1 {
            Fault::ForgetsAcks => Ok(()),
            _ => self.0.take().unwrap().ack().await,
        }
    }

    async fn retry(mut self: Box<Self>, after: Duration) -> Result<(), BusError> {
        let after = if self.1 == Fault::RetriesAtOnce { Duration::ZERO } else { after };
        self.0.take().unwrap().retry(after).await
    }
}

impl Drop for FaultyLease {
    fn drop(&mut self) {
        if self.1 == Fault::KeepsDropped {
            std::mem::forget(self.0.take());
        }
    }
}

/// A maker of faulty buses. (KeepsDropped makes its rule wait for as long as the suite is patient; see below.)
fn faulty(fault: Fault) -> impl AsyncFn(Duration) -> Arc<dyn Bus> {
    async move |ack_wait| Arc::new(FaultyBus(MemoryBus::new(ack_wait), fault)) as Arc<dyn Bus>
}

#[tokio::test]
async fn a_bus_that_breaks_a_rule_is_found() {
    assert!(bus::one_id_is_one_message(faulty(Fault::ForgetsIds)).await.is_err());
    assert!(bus::extension_prevents_redelivery(faulty(Fault::IgnoresExtensions)).await.is_err());
    assert!(bus::ack_ends_it(faulty(Fault::ForgetsAcks)).await.is_err());
    assert!(bus::every_message_is_delivered(faulty(Fault::ForgetsAcks)).await.is_err());
    assert!(bus::retry_waits(faulty(Fault::RetriesAtOnce)).await.is_err());
    assert!(events::events_reach_all_listeners(faulty(Fault::RepeatsEvents)).await.is_err());
    assert!(events::events_are_not_kept(faulty(Fault::RepeatsEvents)).await.is_err());
    assert!(bus::a_message_over_the_limit_is_refused(faulty(Fault::DropsLarge)).await.is_err());
    assert!(bus::depth_counts_what_is_kept(faulty(Fault::MiscountsLeased)).await.is_err());
    assert!(kv::values_are_written_if_expected(faulty(Fault::WritesUnexpected)).await.is_err());
    assert!(kv::one_contender_wins(faulty(Fault::WritesUnexpected)).await.is_err());
    assert!(kv::deleted_can_be_made_again(faulty(Fault::WritesUnexpected)).await.is_err());
    assert!(kv::buckets_are_independent(faulty(Fault::MixesBuckets)).await.is_err());
}

#[tokio::test]
async fn a_bus_that_loses_or_keeps_messages_is_found() {
    let lost = bus::every_message_is_delivered(faulty(Fault::LosesMessages));
    let kept = bus::dropping_hands_back(faulty(Fault::KeepsDropped));
    let stale = kv::values_vanish(faulty(Fault::KeepsForEver));
    let (lost, kept, stale) = tokio::join!(lost, kept, stale);
    assert!(lost.is_err());
    assert!(kept.is_err());
    assert!(stale.is_err());
}

/// A store that hands out whatever lies under a key, however long, and never gets room back.
struct FaultyBlobs(MemoryBlobs, std::sync::Mutex<std::collections::HashMap<String, Bytes>>);

#[async_trait]
impl Blobs for FaultyBlobs {
    async fn reserve(&self, key: &str, length: u64) -> Result<Box<dyn BlobWriter>, BlobError> {
        self.0.reserve(key, length).await
    }

    async fn get(&self, name: &BlobName) -> Result<Bytes, BlobError> {
        if let Ok(bytes) = self.0.get(name).await {
            self.1.lock().unwrap().insert(name.key.clone(), bytes);
        }
        let seen = self.1.lock().unwrap().get(&name.key).cloned();
        seen.ok_or_else(|| BlobError::Stale(name.key.clone()))
    }

    async fn release(&self, _name: &BlobName) -> Result<(), BlobError> {
        Ok(())
    }

    async fn release_all(&self, prefix: &str) -> Result<u64, BlobError> {
        self.0.release_all(prefix).await
    }

    fn used(&self) -> u64 {
        self.0.used()
    }
}

#[tokio::test]
async fn a_store_that_breaks_a_rule_is_found() {
    let make = async |capacity| Arc::new(FaultyBlobs(MemoryBlobs::new(capacity), Default::default())) as Arc<dyn Blobs>;
    assert!(blobs::released_is_stale(make).await.is_err());
    assert!(blobs::room_comes_back(make).await.is_err());
    assert!(blobs::finishing_again_replaces(make).await.is_err());
    assert!(blobs::a_prefix_is_released(make).await.is_err());
    assert!(blobs::concurrent_use(make).await.is_err());
}

//! Rules for [`Bus`](crate::Bus), [`Inbox`](crate::Inbox), [`Lease`](crate::Lease) and [`Events`](crate::Events). Each
//! takes a maker of empty buses, since rules differ in the ack wait they need.
use super::{Verdict, WATCH, hold, soon};
use crate::{Bus, BusError, Depth, Extend, Inbox, Lease, Message, Subject};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// An ack wait that no rule outlasts: what is handed out again under it was handed back.
pub(super) const NEVER: Duration = Duration::from_secs(600);

/// An ack wait to wait for.
const SHORT: Duration = Duration::from_millis(500);

/// The queue of a rule.
fn queue(rule: &str) -> Subject {
    Subject::task(rule, "conformance")
}

/// A message without an id.
pub(super) fn message(subject: &Subject, payload: impl Into<Bytes>) -> Message {
    Message { subject: subject.clone(), id: String::new(), payload: payload.into() }
}

/// A message with an id and the id as its payload.
fn named(subject: &Subject, id: &str) -> Message {
    Message { subject: subject.clone(), id: id.to_owned(), payload: Bytes::copy_from_slice(id.as_bytes()) }
}

/// The next message, which has to come.
async fn next(inbox: &mut Box<dyn Inbox>) -> Result<Box<dyn Lease>, super::Broken> {
    soon("a message", inbox.lease()).await
}

/// The rule is broken if a message comes within `watch`.
async fn nothing(inbox: &mut Box<dyn Inbox>, watch: Duration) -> Verdict {
    match tokio::time::timeout(watch, inbox.lease()).await {
        Err(_) => Ok(()),
        Ok(lease) => {
            let lease = lease?;
            let (attempt, payload) = (lease.attempt(), lease.message().payload.len());
            hold(false, || format!("a message of {payload} bytes came as attempt {attempt} where none was due"))
        }
    }
}

/// The attempt has this number.
fn is_attempt(lease: &dyn Lease, expected: u64) -> Verdict {
    let attempt = lease.attempt();
    hold(attempt == expected, || format!("attempt {attempt} where {expected} was due"))
}

/// Extends a lease from an OS thread until dropped, as the runner does.
struct KeepAlive(Arc<AtomicBool>);

impl KeepAlive {
    fn new(extender: Arc<dyn Extend>, period: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        std::thread::spawn(move || {
            while !stopped.load(Ordering::Acquire) {
                extender.extend();
                std::thread::sleep(period);
            }
        });
        Self(stop)
    }
}

impl Drop for KeepAlive {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Every message is delivered with subject, id and payload unchanged, the empty and the large one too, and those that were
/// published before anyone opened the queue.
pub async fn every_message_is_delivered(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let (bus, subject) = (make(NEVER).await, queue("every_message_is_delivered"));
    let sent: Vec<Message> = (0..64usize)
        .map(|n| Message { id: format!("id {n}"), ..message(&subject, vec![n as u8; (n * n * 16).min(60_000)]) })
        .collect();
    let (early, late) = sent.split_at(32);
    for message in early {
        bus.publish(message.clone()).await?;
    }
    let mut inbox = bus.inbox(&subject).await?;
    for message in late {
        bus.publish(message.clone()).await?;
    }
    let mut received = Vec::new();
    for _ in &sent {
        let lease = next(&mut inbox).await?;
        received.push(lease.message().clone());
        lease.ack().await?;
    }
    received.sort_by_key(|message| message.payload.first().copied().unwrap_or_default());
    hold(received == sent, || "what was delivered is not what was sent".to_owned())?;
    nothing(&mut inbox, WATCH).await
}

/// One worker that acknowledges each message gets them in the order of their publication.
pub async fn a_queue_is_in_order(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let (bus, subject) = (make(NEVER).await, queue("a_queue_is_in_order"));
    for n in 0..100u8 {
        bus.publish(message(&subject, vec![n])).await?;
    }
    let mut inbox = bus.inbox(&subject).await?;
    for n in 0..100u8 {
        let lease = next(&mut inbox).await?;
        let payload = &lease.message().payload;
        hold(payload[..] == [n], || format!("{payload:?} came where {n} was due"))?;
        lease.ack().await?;
    }
    Ok(())
}

/// A message that one worker has is given to no other.
pub async fn one_worker_at_a_time(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let (bus, subject) = (make(NEVER).await, queue("one_worker_at_a_time"));
    let (mut one, mut other) = (bus.inbox(&subject).await?, bus.inbox(&subject).await?);
    bus.publish(message(&subject, "work")).await?;
    let lease = next(&mut one).await?;
    nothing(&mut other, WATCH).await?;
    nothing(&mut one, WATCH).await?;
    Ok(lease.ack().await?)
}

/// An acknowledged message never comes again.
pub async fn ack_ends_it(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let (bus, subject) = (make(SHORT).await, queue("ack_ends_it"));
    let mut inbox = bus.inbox(&subject).await?;
    bus.publish(message(&subject, "work")).await?;
    let lease = next(&mut inbox).await?;
    let keep = KeepAlive::new(lease.extender(), SHORT / 20);
    lease.ack().await?;
    // An extension that comes after the ack brings nothing back.
    nothing(&mut inbox, SHORT * 3).await?;
    drop(keep);
    Ok(())
}

/// A message that is neither acknowledged nor extended for the ack wait comes again, to whoever waits, as attempt 2.
pub async fn unacked_is_redelivered(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let (bus, subject) = (make(SHORT).await, queue("unacked_is_redelivered"));
    let (mut one, mut other) = (bus.inbox(&subject).await?, bus.inbox(&subject).await?);
    let sent = named(&subject, "work");
    bus.publish(sent.clone()).await?;
    let silent = next(&mut one).await?;
    is_attempt(&*silent, 1)?;
    let again = next(&mut other).await?;
    is_attempt(&*again, 2)?;
    hold(*again.message() == sent, || format!("redelivered as {:?}", again.message()))?;
    Ok(again.ack().await?)
}

/// A lease that is extended, from any thread, lasts longer than the ack wait, and the message can be acknowledged then.
pub async fn extension_prevents_redelivery(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let (bus, subject) = (make(SHORT).await, queue("extension_prevents_redelivery"));
    let (mut one, mut other) = (bus.inbox(&subject).await?, bus.inbox(&subject).await?);
    bus.publish(message(&subject, "long work")).await?;
    let lease = next(&mut one).await?;
    let keep = KeepAlive::new(lease.extender(), SHORT / 20);
    nothing(&mut other, SHORT * 3).await?;
    lease.ack().await?;
    drop(keep);
    nothing(&mut other, SHORT * 2).await
}

/// Work that is done is done, however late the news: the first worker's ack counts although the message has been handed
/// to a second one, and what the second one does then changes nothing.
pub async fn late_ack_ends_it(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let (bus, subject) = (make(SHORT).await, queue("late_ack_ends_it"));
    let (mut one, mut other) = (bus.inbox(&subject).await?, bus.inbox(&subject).await?);
    bus.publish(message(&subject, "work")).await?;
    let slow = next(&mut one).await?;
    let second = next(&mut other).await?;
    slow.ack().await?;
    drop(second);
    nothing(&mut other, SHORT * 3).await
}

/// A lease that is dropped (a worker that gives up, panics or is cancelled) hands its message back without waiting for the
/// ack wait.
pub async fn dropping_hands_back(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let (bus, subject) = (make(NEVER).await, queue("dropping_hands_back"));
    let (mut one, mut other) = (bus.inbox(&subject).await?, bus.inbox(&subject).await?);
    bus.publish(message(&subject, "work")).await?;
    drop(next(&mut one).await?);
    let again = next(&mut other).await?;
    is_attempt(&*again, 2)?;
    Ok(again.ack().await?)
}

/// Attempts are counted over all workers: 1, 2, 3, …
pub async fn attempts_count_up(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let (bus, subject) = (make(NEVER).await, queue("attempts_count_up"));
    bus.publish(message(&subject, "work")).await?;
    for attempt in 1..=5 {
        let mut inbox = bus.inbox(&subject).await?;
        is_attempt(&*next(&mut inbox).await?, attempt)?;
    }
    Ok(())
}

/// A retried message comes again as the next attempt, not before its delay is over, and holds up no other message.
pub async fn retry_waits(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let (bus, subject) = (make(NEVER).await, queue("retry_waits"));
    let mut inbox = bus.inbox(&subject).await?;
    bus.publish(message(&subject, "first")).await?;
    let lease = next(&mut inbox).await?;
    let (delay, start) = (Duration::from_millis(1500), Instant::now());
    lease.retry(delay).await?;
    bus.publish(message(&subject, "second")).await?;
    let second = next(&mut inbox).await?;
    let first = next(&mut inbox).await?;
    let waited = start.elapsed();
    // Servers count in timers of their own: a tenth is theirs.
    hold(waited >= delay * 9 / 10, || format!("retried after {waited:?}, asked for {delay:?}"))?;
    hold(second.message().payload == "second", || "a retried message held up another".to_owned())?;
    is_attempt(&*first, 2)?;
    first.ack().await?;
    Ok(second.ack().await?)
}

/// Two messages of one id in one queue are one message: while the first waits, while a worker has it, and for a while
/// after its ack. Messages without an id are never duplicates.
pub async fn one_id_is_one_message(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let (bus, subject) = (make(NEVER).await, queue("one_id_is_one_message"));
    let mut inbox = bus.inbox(&subject).await?;
    let sent = named(&subject, "key 1");
    bus.publish(sent.clone()).await?;
    bus.publish(sent.clone()).await?;
    let lease = next(&mut inbox).await?;
    bus.publish(sent.clone()).await?;
    nothing(&mut inbox, WATCH).await?;
    lease.ack().await?;
    bus.publish(sent).await?;
    nothing(&mut inbox, WATCH).await?;
    bus.publish(message(&subject, "same")).await?;
    bus.publish(message(&subject, "same")).await?;
    next(&mut inbox).await?.ack().await?;
    Ok(next(&mut inbox).await?.ack().await?)
}

/// The same id in two queues is two messages.
pub async fn ids_are_per_queue(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let bus = make(NEVER).await;
    for subject in [queue("ids_are_per_queue_1"), queue("ids_are_per_queue_2")] {
        bus.publish(named(&subject, "key 1")).await?;
        let mut inbox = bus.inbox(&subject).await?;
        next(&mut inbox).await?.ack().await?;
    }
    Ok(())
}

/// Several inboxes of one queue share its messages: each message goes to one of them, and none is forgotten.
pub async fn inboxes_share(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    const MESSAGES: u8 = 200;
    let (bus, subject) = (make(NEVER).await, queue("inboxes_share"));
    let (done, mut received) = mpsc::unbounded_channel();
    let mut workers = JoinSet::new();
    for _ in 0..4 {
        let (mut inbox, done) = (bus.inbox(&subject).await?, done.clone());
        workers.spawn(async move {
            loop {
                let lease = inbox.lease().await?;
                let number = lease.message().payload.first().copied();
                lease.ack().await?;
                if done.send(number).is_err() {
                    return Ok::<(), BusError>(());
                }
            }
        });
    }
    for n in 0..MESSAGES {
        bus.publish(message(&subject, vec![n])).await?;
    }
    let mut numbers = Vec::new();
    for _ in 0..MESSAGES {
        let number = soon("a worker", async { received.recv().await.ok_or(BusError::Closed) }).await?;
        numbers.push(number.unwrap_or_default());
    }
    workers.shutdown().await;
    numbers.sort_unstable();
    hold(numbers.iter().copied().eq(0..MESSAGES), || format!("handled {numbers:?}"))?;
    nothing(&mut bus.inbox(&subject).await?, WATCH).await
}

/// Cancelling the wait for a message takes none, whether the message comes before, at or after that moment: another
/// worker gets it at once, although the one who waited is still there.
pub async fn cancelled_lease_takes_nothing(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let (bus, subject) = (make(NEVER).await, queue("cancelled_lease_takes_nothing"));
    let (mut fickle, mut other) = (bus.inbox(&subject).await?, bus.inbox(&subject).await?);
    nothing(&mut fickle, WATCH).await?;
    for n in 0..100u64 {
        let (publishing, waiting) = tokio::join!(
            bus.publish(message(&subject, n.to_be_bytes().to_vec())),
            tokio::time::timeout(Duration::from_micros(n * 50), fickle.lease())
        );
        publishing?;
        let lease = match waiting {
            Ok(lease) => lease?,
            Err(_) => next(&mut other).await?,
        };
        hold(lease.message().payload[..] == n.to_be_bytes(), || format!("message {n} went missing"))?;
        lease.ack().await?;
    }
    Ok(())
}

/// A queue whose worker is stuck and that grows longer delays no other queue.
pub async fn subjects_are_independent(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let (slow, fast) = (queue("subjects_are_independent_slow"), queue("subjects_are_independent_fast"));
    let bus = make(NEVER).await;
    let (mut stuck, mut inbox) = (bus.inbox(&slow).await?, bus.inbox(&fast).await?);
    bus.publish(message(&slow, "stuck")).await?;
    let held = next(&mut stuck).await?;
    for n in 0..200u8 {
        soon("room in a long queue", bus.publish(message(&slow, vec![n; 1024]))).await?;
        soon("room in a short queue", bus.publish(message(&fast, vec![n]))).await?;
        let lease = next(&mut inbox).await?;
        hold(lease.message().subject == fast, || format!("{} came through {fast}", lease.message().subject))?;
        lease.ack().await?;
    }
    Ok(held.ack().await?)
}

/// The depth of a queue counts what waits and what workers have, and nothing of another queue.
pub async fn depth_counts_what_is_kept(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let (bus, subject) = (make(NEVER).await, queue("depth_counts"));
    let is = async |waiting, leased| {
        let depth = bus.depth(&subject).await?;
        hold(depth == Depth { waiting, leased }, || format!("{depth:?} where {waiting} wait and {leased} are leased"))
    };
    is(0, 0).await?;
    bus.publish(message(&queue("depth_counts_not"), "another's")).await?;
    for n in 0..3u8 {
        bus.publish(message(&subject, vec![n])).await?;
    }
    is(3, 0).await?;
    let mut inbox = bus.inbox(&subject).await?;
    let (one, other) = (next(&mut inbox).await?, next(&mut inbox).await?);
    is(1, 2).await?;
    one.ack().await?;
    is(1, 1).await?;
    drop(other);
    let Depth { waiting, leased } = bus.depth(&subject).await?;
    hold(waiting + leased == 2, || format!("{waiting} wait and {leased} are leased of 2"))?;
    for _ in 0..2 {
        next(&mut inbox).await?.ack().await?;
    }
    is(0, 0).await
}

/// What is longer than the bus carries is refused with its length and the limit, be it a task, an event or a value; nothing of it
/// arrives, and what comes after it does.
pub async fn a_message_over_the_limit_is_refused(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    /// Longer than any bus carries, and what every bus carries.
    const SIZES: [usize; 2] = [64 << 20, 512 << 10];
    let (bus, subject, events) = (make(NEVER).await, queue("large"), Subject::events("large"));
    let bucket = bus.bucket("large", None).await?;
    let mut inbox = bus.inbox(&subject).await?;
    let mut listener = bus.listen(&events).await?;
    let refused = |what: &str, length: usize, found: Result<(), BusError>| match found {
        Err(BusError::TooLarge { length: reported, limit }) if reported == length && limit < length => Ok(limit),
        found => Err(super::Broken::Rule(format!("{what} of {length} bytes: {found:?}"))),
    };
    let zeros = |length: usize| Bytes::from(vec![0; length]);
    let put = async |bytes| bucket.put("key", bytes, None).await.map(drop);
    let task = refused("a task", SIZES[0], bus.publish(message(&subject, zeros(SIZES[0]))).await)?;
    let event = refused("an event", SIZES[0], bus.emit(message(&events, zeros(SIZES[0]))).await)?;
    let value = refused("a value", SIZES[0], put(zeros(SIZES[0])).await)?;
    refused("a task", task + 1, bus.publish(message(&subject, zeros(task + 1))).await)?;
    refused("an event", event + 1, bus.emit(message(&events, zeros(event + 1))).await)?;
    refused("a value", value + 1, put(zeros(value + 1)).await)?;
    bus.publish(message(&subject, zeros(SIZES[1]))).await?;
    bus.emit(message(&events, zeros(SIZES[1]))).await?;
    put(zeros(SIZES[1])).await?;
    let arrived = [
        next(&mut inbox).await?.message().payload.len(),
        soon("an event", listener.next()).await?.payload.len(),
        soon("a value", bucket.get("key")).await?.map_or(0, |value| value.bytes.len()),
    ];
    hold(arrived == [SIZES[1]; 3], || format!("{arrived:?} bytes arrived where {} were sent", SIZES[1]))
}

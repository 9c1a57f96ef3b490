//! Rules for [`Kv`](crate::Kv), the buckets of a [`Bus`](crate::Bus).
use super::{Verdict, hold, soon};
use crate::{Bus, BusError, Kv, Value};
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The ack wait does not matter to buckets.
const ACK_WAIT: Duration = Duration::from_secs(600);

/// A bucket whose values stay.
async fn lasting(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Result<Arc<dyn Kv>, BusError> {
    make(ACK_WAIT).await.bucket("conformance", None).await
}

/// The value under a key is this.
async fn is(kv: &dyn Kv, key: &str, expected: Option<&Value>) -> Verdict {
    let found = kv.get(key).await?;
    hold(found.as_ref() == expected, || format!("{key:?} has {found:?} where {expected:?} was due"))
}

/// Writes, and the write has to be accepted.
async fn write(kv: &dyn Kv, key: &str, bytes: impl Into<Bytes>, expected: Option<u64>) -> Result<Value, super::Broken> {
    let bytes = bytes.into();
    match kv.put(key, bytes.clone(), expected).await? {
        Some(revision) => Ok(Value { bytes, revision }),
        None => Err(super::Broken::Rule(format!("{key:?} was not written although {expected:?} was met"))),
    }
}

/// The write has to be refused.
async fn refused(kv: &dyn Kv, key: &str, expected: u64) -> Verdict {
    let answer = kv.put(key, Bytes::from_static(b"unexpected"), Some(expected)).await?;
    hold(answer.is_none(), || format!("{key:?} was written as {answer:?} although {expected} was not met"))
}

/// What was written last is read back, the empty and the large value too; revisions grow.
pub async fn a_value_is_read_back(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let kv = lasting(make).await?;
    is(&*kv, "key", None).await?;
    let mut last = 0;
    for length in [1, 0, 60_000] {
        let value = write(&*kv, "key", vec![7; length], None).await?;
        hold(value.revision > last, || format!("revision {} after {last}", value.revision))?;
        last = value.revision;
        is(&*kv, "key", Some(&value)).await?;
    }
    Ok(())
}

/// A write that expects something is made only when that is there: nothing (0) or a revision. A refused one changes nothing.
pub async fn values_are_written_if_expected(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let kv = lasting(make).await?;
    refused(&*kv, "key", 5).await?;
    is(&*kv, "key", None).await?;
    let first = write(&*kv, "key", "first", Some(0)).await?;
    refused(&*kv, "key", 0).await?;
    is(&*kv, "key", Some(&first)).await?;
    let second = write(&*kv, "key", "second", Some(first.revision)).await?;
    refused(&*kv, "key", first.revision).await?;
    is(&*kv, "key", Some(&second)).await?;
    let third = write(&*kv, "key", "third", None).await?;
    refused(&*kv, "key", second.revision).await?;
    is(&*kv, "key", Some(&third)).await
}

/// Of many who expect the same, one writes: of those who make a key, and of those who replace a revision.
pub async fn one_contender_wins(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    const CONTENDERS: u8 = 16;
    let kv = lasting(make).await?;
    let mut expected = 0;
    for round in 0..10 {
        let mut contenders = JoinSet::new();
        for contender in 0..CONTENDERS {
            let kv = Arc::clone(&kv);
            contenders.spawn(async move {
                let bytes = Bytes::from(vec![round, contender]);
                let revision = kv.put("lock", bytes.clone(), Some(expected)).await?;
                Ok::<_, BusError>(revision.map(|revision| Value { bytes, revision }))
            });
        }
        let mut winners = Vec::new();
        for done in contenders.join_all().await {
            winners.extend(done?);
        }
        hold(winners.len() == 1, || format!("{} of {CONTENDERS} contenders won: {winners:?}", winners.len()))?;
        is(&*kv, "lock", winners.first()).await?;
        expected = winners.first().map_or(0, |value| value.revision);
    }
    Ok(())
}

/// A deleted value is gone, for those who expect its revision too, and its key can be made again. Deleting what is not
/// there is no error.
pub async fn deleted_can_be_made_again(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let kv = lasting(make).await?;
    kv.delete("key").await?;
    for _ in 0..3 {
        let value = write(&*kv, "key", "value", Some(0)).await?;
        kv.delete("key").await?;
        is(&*kv, "key", None).await?;
        refused(&*kv, "key", value.revision).await?;
        kv.delete("key").await?;
    }
    let entries = kv.entries().await?;
    hold(entries.is_empty(), || format!("{entries:?} are left of a deleted key"))?;
    let again = write(&*kv, "key", "again", None).await?;
    is(&*kv, "key", Some(&again)).await
}

/// Any string is a key of its own: empty, dots, wildcards, blanks, other alphabets, what escaping makes of another.
pub async fn every_string_is_a_key(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let kv = lasting(make).await?;
    let keys = [
        "", " ", ".", "..", "a.b", ".a.", "a..b", "a", "A", "*", ">", "a.*", "a.>", "a b", "a/b", "/", "\\", "=", "%",
        "=2E", "%2E", "_", "-", "$KV", "\r\n", "\0", "ä", "名前", "🎬",
    ];
    let mut written = Vec::new();
    for key in keys {
        written.push((key.to_owned(), write(&*kv, key, key.to_owned(), Some(0)).await?));
    }
    for (key, value) in &written {
        is(&*kv, key, Some(value)).await?;
    }
    written.sort_by(|(one, _), (other, _)| one.cmp(other));
    let entries = kv.entries().await?;
    hold(entries == written, || format!("entries are {entries:?}"))?;
    for (key, _) in written {
        kv.delete(&key).await?;
        is(&*kv, &key, None).await?;
    }
    Ok(())
}

/// Buckets of different names share nothing; opened again, a bucket has what it had.
pub async fn buckets_are_independent(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let bus = make(ACK_WAIT).await;
    let (one, other) = (bus.bucket("a.b", None).await?, bus.bucket("a b", None).await?);
    let value = write(&*one, "key", "value", Some(0)).await?;
    is(&*other, "key", None).await?;
    is(&*bus.bucket("a.b", None).await?, "key", Some(&value)).await
}

/// The entries are all keys with their latest values, ordered by key, many of them too.
pub async fn entries_are_all_by_key(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let kv = lasting(make).await?;
    hold(kv.entries().await?.is_empty(), || "a new bucket has entries".to_owned())?;
    let mut written = Vec::new();
    for n in (0..300u32).rev() {
        let key = format!("worker {n:03}");
        write(&*kv, &key, "old", None).await?;
        written.push((key.clone(), write(&*kv, &key, n.to_be_bytes().to_vec(), None).await?));
    }
    written.reverse();
    let entries = kv.entries().await?;
    hold(entries == written, || format!("{} entries are not the {} written", entries.len(), written.len()))
}

/// In a bucket with a time to live, what is not written again vanishes and can be made again; what is written again in
/// time stays.
pub async fn values_vanish(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    const TTL: Duration = Duration::from_secs(2);
    let kv = make(ACK_WAIT).await.bucket("conformance", Some(TTL)).await?;
    write(&*kv, "silent", "value", Some(0)).await?;
    write(&*kv, "alive", "value", Some(0)).await?;
    let (start, mut written) = (Instant::now(), Instant::now());
    let gone = async {
        while kv.get("silent").await?.is_some() {
            tokio::time::sleep(TTL / 40).await;
            // On a machine that stood still for so long it may be gone; that says nothing about the bucket.
            let on_time = written.elapsed() < TTL / 2;
            hold(!on_time || kv.get("alive").await?.is_some(), || "what was written again vanished".to_owned())?;
            write(&*kv, "alive", "value", None).await?;
            written = Instant::now();
        }
        Ok::<(), super::Broken>(())
    };
    soon("a value that nobody writes again to vanish", gone).await?;
    let lived = start.elapsed();
    hold(lived >= TTL * 9 / 10, || format!("vanished after {lived:?} of {TTL:?}"))?;
    write(&*kv, "silent", "value", Some(0)).await?;
    Ok(())
}

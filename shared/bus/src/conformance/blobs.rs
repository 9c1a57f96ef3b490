//! Rules for [`Blobs`](crate::Blobs) and [`BlobWriter`](crate::BlobWriter). Lengths are whole pages where room is counted,
//! so that a store may count pages.
use super::{Broken, Verdict, hold, soon};
use crate::{BlobError, BlobName, Blobs};
use bytes::Bytes;
use std::sync::Arc;
use tokio::task::JoinSet;

/// A length of whole pages on every machine.
const UNIT: u64 = 64 * 1024;

/// Writes a blob of one value.
async fn write(blobs: &dyn Blobs, key: &str, length: u64, value: u8) -> Result<BlobName, Broken> {
    let mut writer = soon("room", blobs.reserve(key, length)).await?;
    writer.memory().fill(value);
    Ok(writer.finish()?)
}

/// Whether these are `length` bytes of one value.
fn is_filled(bytes: &[u8], length: u64, value: u8) -> bool {
    bytes.len() as u64 == length && bytes.iter().all(|byte| *byte == value)
}

/// The name leads nowhere.
async fn is_stale(blobs: &dyn Blobs, name: &BlobName) -> Verdict {
    match blobs.get(name).await {
        Err(BlobError::Stale(_)) => Ok(()),
        Err(error) => hold(false, || format!("{name:?} gave \"{error}\" where stale was due")),
        Ok(bytes) => hold(false, || format!("{name:?} gave {} bytes where stale was due", bytes.len())),
    }
}

/// So many bytes are in use.
fn uses(blobs: &dyn Blobs, expected: u64) -> Verdict {
    let used = blobs.used();
    hold(used == expected, || format!("{used} bytes are in use where {expected} should be"))
}

/// Reserved memory is zeroed and of the asked length; once finished, readers get exactly the bytes that were written,
/// all of them the same memory. The empty blob is a blob.
pub async fn finished_is_readable(make: impl AsyncFn(u64) -> Arc<dyn Blobs>) -> Verdict {
    let blobs = make(16 * UNIT).await;
    for length in [0, 1, UNIT - 1, UNIT, 3 * UNIT + 7] {
        let mut writer = blobs.reserve(&format!("1-{length}"), length).await?;
        hold(is_filled(writer.memory(), length, 0), || format!("{length} bytes reserved are not {length} zeros"))?;
        for (n, byte) in writer.memory().iter_mut().enumerate() {
            *byte = (n % 251) as u8;
        }
        let name = writer.finish()?;
        hold(name.length == length, || format!("{length} bytes are named {name:?}"))?;
        let (one, other) = (blobs.get(&name).await?, blobs.get(&name).await?);
        hold(one.iter().enumerate().all(|(n, byte)| *byte == (n % 251) as u8), || {
            "other bytes than written".to_owned()
        })?;
        hold(one.len() as u64 == length && one == other, || "two readers read different bytes".to_owned())?;
        blobs.release(&name).await?;
    }
    uses(&*blobs, 0)
}

/// A blob that is being written has no readers, and one whose writer was dropped never gets any.
pub async fn unfinished_is_invisible(make: impl AsyncFn(u64) -> Arc<dyn Blobs>) -> Verdict {
    let blobs = make(16 * UNIT).await;
    let finished = write(&*blobs, "1-0", UNIT, 1).await?;
    let unfinished = BlobName { key: "1-1".to_owned(), ..finished };
    let writer = blobs.reserve(&unfinished.key, UNIT).await?;
    is_stale(&*blobs, &unfinished).await?;
    drop(writer);
    is_stale(&*blobs, &unfinished).await
}

/// A released blob is stale for new readers; those who have its bytes keep them, whatever is written afterwards.
/// Releasing twice is no error.
pub async fn released_is_stale(make: impl AsyncFn(u64) -> Arc<dyn Blobs>) -> Verdict {
    let blobs = make(16 * UNIT).await;
    let name = write(&*blobs, "1-0", UNIT, 1).await?;
    let held: Bytes = blobs.get(&name).await?;
    blobs.release(&name).await?;
    is_stale(&*blobs, &name).await?;
    blobs.release(&name).await?;
    for n in 0..8 {
        let other = write(&*blobs, &format!("2-{n}"), UNIT, 2).await?;
        blobs.release(&other).await?;
    }
    hold(is_filled(&held, UNIT, 1), || "bytes changed under their reader".to_owned())
}

/// A name that was never made, or that says something else than was written, is an error, never other bytes; releasing
/// it releases nothing.
pub async fn unknown_is_stale(make: impl AsyncFn(u64) -> Arc<dyn Blobs>) -> Verdict {
    let blobs = make(16 * UNIT).await;
    let name = write(&*blobs, "1-0", UNIT, 1).await?;
    let wrong = [
        BlobName { key: "1-1".to_owned(), ..name.clone() },
        BlobName { key: "../1-0".to_owned(), ..name.clone() },
        BlobName { store: "elsewhere".to_owned(), ..name.clone() },
        BlobName { place: format!("{}x", name.place), ..name.clone() },
    ];
    for wrong in &wrong {
        is_stale(&*blobs, wrong).await?;
        blobs.release(wrong).await?;
    }
    is_stale(&*blobs, &BlobName { length: UNIT - 1, ..name.clone() }).await?;
    hold(is_filled(&blobs.get(&name).await?, UNIT, 1), || "a wrong name released a blob".to_owned())
}

/// What does not fit is refused with the numbers, before anything is allocated; what is being written counts too.
pub async fn capacity_is_respected(make: impl AsyncFn(u64) -> Arc<dyn Blobs>) -> Verdict {
    let blobs = make(4 * UNIT).await;
    let _finished = write(&*blobs, "1-0", UNIT, 1).await?;
    let _unfinished = blobs.reserve("1-1", UNIT).await?;
    uses(&*blobs, 2 * UNIT)?;
    for wanted in [2 * UNIT + 1, 1 << 40, u64::MAX] {
        match blobs.reserve("1-2", wanted).await {
            Err(BlobError::NoRoom { wanted: w, free, capacity }) => {
                let right = w == wanted && free == 2 * UNIT && capacity == 4 * UNIT;
                hold(right, || format!("no room for {w}, {free} of {capacity} free: wrong numbers"))?;
            }
            Err(error) => hold(false, || format!("{wanted} bytes gave \"{error}\" where no room was due"))?,
            Ok(_) => hold(false, || format!("{wanted} bytes were reserved where {} are free", 2 * UNIT))?,
        }
    }
    let _fits = blobs.reserve("1-3", 2 * UNIT).await?;
    uses(&*blobs, 4 * UNIT)
}

/// Room comes back when a blob is released, once only, and when a writer is dropped.
pub async fn room_comes_back(make: impl AsyncFn(u64) -> Arc<dyn Blobs>) -> Verdict {
    let blobs = make(2 * UNIT).await;
    let kept = write(&*blobs, "1-kept", UNIT, 1).await?;
    for n in 0..32 {
        drop(blobs.reserve(&format!("1-{n}-dropped"), UNIT).await?);
        uses(&*blobs, UNIT)?;
        let name = write(&*blobs, &format!("1-{n}"), UNIT, 1).await?;
        uses(&*blobs, 2 * UNIT)?;
        blobs.release(&name).await?;
        blobs.release(&name).await?;
        uses(&*blobs, UNIT)?;
    }
    blobs.release(&kept).await?;
    uses(&*blobs, 0)
}

/// A key that is finished a second time (two attempts at one task, which write the same) is one blob, counted once; the
/// first reader keeps what it has.
pub async fn finishing_again_replaces(make: impl AsyncFn(u64) -> Arc<dyn Blobs>) -> Verdict {
    let blobs = make(4 * UNIT).await;
    let (one, mut other) = (blobs.reserve("1-0", UNIT).await?, blobs.reserve("1-0", UNIT).await?);
    let first = one.finish()?;
    let held = blobs.get(&first).await?;
    other.memory().fill(2);
    let second = other.finish()?;
    hold(is_filled(&blobs.get(&second).await?, UNIT, 2), || "the second attempt is not readable".to_owned())?;
    hold(is_filled(&held, UNIT, 0), || "bytes changed under their reader".to_owned())?;
    uses(&*blobs, UNIT)?;
    blobs.release(&second).await?;
    uses(&*blobs, 0)
}

/// Blobs are released by the beginning of their keys, whoever made them; others and those being written stay.
pub async fn a_prefix_is_released(make: impl AsyncFn(u64) -> Arc<dyn Blobs>) -> Verdict {
    let blobs = make(16 * UNIT).await;
    let mut names = Vec::new();
    for key in ["job 1/0", "job 1/1", "job 1/../2", "job 10/0", "job 2/0", "job"] {
        names.push(write(&*blobs, key, UNIT, 1).await?);
    }
    let mut writer = blobs.reserve("job 1/3", UNIT).await?;
    let held = blobs.get(&names[0]).await?;
    let released = blobs.release_all("job 1/").await?;
    hold(released == 3, || format!("{released} blobs were released, not 3"))?;
    hold(is_filled(&held, UNIT, 1), || "bytes changed under their reader".to_owned())?;
    for (n, name) in names.iter().enumerate() {
        match n {
            0..3 => is_stale(&*blobs, name).await?,
            _ => hold(is_filled(&blobs.get(name).await?, UNIT, 1), || format!("{name:?} is gone"))?,
        }
    }
    uses(&*blobs, 4 * UNIT)?;
    writer.memory().fill(2);
    let late = writer.finish()?;
    hold(is_filled(&blobs.get(&late).await?, UNIT, 2), || "a blob was released while it was written".to_owned())?;
    hold(blobs.release_all("job 3").await? == 0, || "blobs of another prefix were released".to_owned())?;
    let rest = blobs.release_all("").await?;
    hold(rest == 4, || format!("{rest} blobs were left, not 4"))?;
    uses(&*blobs, 0)
}

/// Many tasks write, read and release at once, and each reads what it wrote; nothing is left over.
pub async fn concurrent_use(make: impl AsyncFn(u64) -> Arc<dyn Blobs>) -> Verdict {
    const TASKS: u8 = 8;
    let blobs = make(u64::from(TASKS) * UNIT).await;
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let blobs = Arc::clone(&blobs);
        tasks.spawn(async move {
            for n in 0..50u8 {
                let (value, length) = (task.wrapping_mul(50).wrapping_add(n), UNIT - u64::from(n));
                let name = write(&*blobs, &format!("{task}-{n}"), length, value).await?;
                let bytes = blobs.get(&name).await?;
                hold(is_filled(&bytes, length, value), || format!("{name:?} holds another task's bytes"))?;
                drop(bytes);
                blobs.release(&name).await?;
            }
            Ok::<(), Broken>(())
        });
    }
    while let Some(joined) = tasks.join_next().await {
        joined.map_err(|error| Broken::Rule(format!("a task ended early: {error}")))??;
    }
    uses(&*blobs, 0)
}

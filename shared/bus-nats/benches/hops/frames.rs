//! Frames from one worker to the next: written, announced, received, read, removed, acknowledged.
use crate::{ROUNDS, bare, median, options, row};
use framefleet_bus::{BlobName, Blobs as _, Bus as _, Message, Subject};
use framefleet_bus_nats::{DirBlobs, NatsBus};
use futures::StreamExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokio::sync::mpsc;

/// How many frames are on their way at once.
const WINDOW: usize = 4;

/// Name, bytes of a frame, frames in a short measurement, goal.
const FRAMES: [(&str, usize, usize, &str); 2] =
    [("1.2 MB", 1_200_000, 400, "≥ 600 frames/s"), ("6.2 MB (1080p RGB)", 1920 * 1080 * 3, 100, "≥ 100 frames/s")];

/// The rows of the table; `times` as long as a short measurement.
pub async fn rows(url: &str, times: usize) {
    for (name, length, frames, goal) in FRAMES {
        let frames = frames * times;
        let mut pairs = Vec::new();
        for _ in 0..ROUNDS {
            let bus = frames as f64 / over_the_bus(url, length, frames).await;
            pairs.push((bus, frames as f64 / without_it(url, length, frames).await));
        }
        let (bus, bare) = median(pairs);
        let what = format!("frame hop, {name}");
        row(&what, &format!("{bus:.0} frames/s"), &format!("{bare:.0} frames/s"), bus / bare, goal);
    }
}

/// A folder in memory, where there is one.
fn in_memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }).unwrap()
}

/// Reads every byte.
fn look_at(bytes: &[u8]) -> u64 {
    bytes.chunks_exact(8).fold(0, |sum, word| sum ^ u64::from_le_bytes(word.try_into().unwrap()))
}

/// Seconds for so many frames in files of one's own making.
async fn without_it(url: &str, length: usize, frames: usize) -> f64 {
    let (jetstream, mut messages) = bare::open(url).await;
    let (folder, pixels) = (in_memory(), vec![7u8; length]);
    let path: PathBuf = folder.path().to_owned();
    let (done, mut dones) = mpsc::channel(WINDOW);
    let start = Instant::now();
    let reading = tokio::spawn(async move {
        for _ in 0..frames {
            let message = messages.next().await.unwrap().unwrap();
            let file = path.join(std::str::from_utf8(&message.payload).unwrap());
            std::hint::black_box(look_at(&std::fs::read(&file).unwrap()));
            std::fs::remove_file(file).unwrap();
            message.double_ack().await.unwrap();
            done.send(()).await.unwrap();
        }
    });
    for number in 0..frames {
        if number >= WINDOW {
            dones.recv().await.unwrap();
        }
        std::fs::write(folder.path().join(number.to_string()), &pixels).unwrap();
        jetstream.publish("bare", number.to_string().into()).await.unwrap().await.unwrap();
    }
    while dones.recv().await.is_some() {}
    reading.await.unwrap();
    start.elapsed().as_secs_f64()
}

/// Seconds for so many frames as blobs, by reference.
async fn over_the_bus(url: &str, length: usize, frames: usize) -> f64 {
    let bus = NatsBus::connect(options(url)).await.unwrap();
    let (folder, pixels) = (in_memory(), vec![7u8; length]);
    let room = (2 * WINDOW * length) as u64;
    let (writer, reader) = (DirBlobs::open(folder.path(), room).unwrap(), DirBlobs::open(folder.path(), room).unwrap());
    let subject = Subject::task("stage", "class");
    let mut inbox = bus.inbox(&subject).await.unwrap();
    let first = write(&writer, "first", &pixels).await;
    let place = first.place.clone();
    writer.release(&first).await.unwrap();
    let (done, mut dones) = mpsc::channel(WINDOW);
    let start = Instant::now();
    let reading = tokio::spawn(async move {
        for _ in 0..frames {
            let lease = inbox.lease().await.unwrap();
            let key = String::from_utf8(lease.message().payload.to_vec()).unwrap();
            let name = BlobName { store: "dir".to_owned(), place: place.clone(), key, length: length as u64 };
            std::hint::black_box(look_at(&reader.get(&name).await.unwrap()));
            reader.release(&name).await.unwrap();
            lease.ack().await.unwrap();
            done.send(()).await.unwrap();
        }
    });
    for number in 0..frames {
        if number >= WINDOW {
            dones.recv().await.unwrap();
        }
        let name = write(&writer, &format!("1-{number}"), &pixels).await;
        let message = Message { subject: subject.clone(), id: number.to_string(), payload: name.key.into() };
        bus.publish(message).await.unwrap();
    }
    while dones.recv().await.is_some() {}
    reading.await.unwrap();
    start.elapsed().as_secs_f64()
}

async fn write(blobs: &DirBlobs, key: &str, pixels: &[u8]) -> BlobName {
    let mut writer = blobs.reserve(key, pixels.len() as u64).await.unwrap();
    writer.memory().copy_from_slice(pixels);
    writer.finish().unwrap()
}

//! How long a task and a frame take from one worker to the next, beside the same done with nothing of ours, in one run.
//! Prints a table: `cargo test -p framefleet-bus-nats --test it speed -- --ignored --nocapture`.
use crate::fleet::{self, options};
use async_nats::jetstream::{self, consumer::pull, stream};
use bytes::Bytes;
use framefleet_bus::{BlobName, Blobs, Bus, Message, Subject};
use framefleet_bus_nats::{DirBlobs, NatsBus};
use futures::StreamExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Hops measured, and those before them that are not.
const HOPS: usize = 4000;
const WARM_UP: usize = 500;

/// Bytes of a task by reference.
const REFERENCE: usize = 400;

/// A stream and a consumer as ours are, with nothing around them.
async fn bare(url: &str) -> (jetstream::Context, pull::Stream) {
    let jetstream = jetstream::new(async_nats::connect(url).await.unwrap());
    let config = stream::Config {
        name: "BARE".to_owned(),
        subjects: vec!["bare".to_owned()],
        retention: stream::RetentionPolicy::WorkQueue,
        ..Default::default()
    };
    let stream = jetstream.get_or_create_stream(config).await.unwrap();
    let consumer = pull::Config { durable_name: Some("bare".to_owned()), ..Default::default() };
    let consumer = stream.get_or_create_consumer("bare", consumer).await.unwrap();
    let messages = consumer.stream().max_messages_per_batch(1).messages().await.unwrap();
    (jetstream, messages)
}

fn row(what: &str, mut hops: Vec<Duration>) {
    hops.drain(..WARM_UP);
    hops.sort_unstable();
    let at = |share: f64| hops[((hops.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    println!("{what:<28} p50 {:>6.0} µs  p95 {:>6.0} µs  p99 {:>6.0} µs", at(0.5), at(0.95), at(0.99));
}

/// A worker that waits gets a message: from before it is published until the worker has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn task_hop() {
    let (server, _folder) = fleet::server();
    for _ in 0..2 {
        let (jetstream, mut messages) = bare(&server.url()).await;
        let (got, mut gets) = mpsc::channel(1);
        let worker = tokio::spawn(async move {
            while let Some(Ok(message)) = messages.next().await {
                let at = Instant::now();
                message.double_ack().await.unwrap();
                got.send(at).await.unwrap();
            }
        });
        let mut hops = Vec::new();
        for _ in 0..WARM_UP + HOPS {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let start = Instant::now();
            jetstream.publish("bare", Bytes::from(vec![1; REFERENCE])).await.unwrap().await.unwrap();
            hops.push(gets.recv().await.unwrap() - start);
        }
        worker.abort();
        row("task hop, bare async-nats", hops);

        let bus = NatsBus::connect(options(server.url())).await.unwrap();
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
        for n in 0..WARM_UP + HOPS {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let message = Message { subject: subject.clone(), id: n.to_string(), payload: vec![1; REFERENCE].into() };
            let start = Instant::now();
            bus.publish(message).await.unwrap();
            hops.push(gets.recv().await.unwrap() - start);
        }
        worker.abort();
        row("task hop, bus", hops);
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

/// How many frames are on their way at once.
const WINDOW: usize = 4;

/// Frames from one worker to the next: written, announced, received, read, removed, acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn frame_hop() {
    let (server, _folder) = fleet::server();
    for (length, frames) in [(1_200_000usize, 1500), (6_220_800, 400)] {
        for _ in 0..2 {
            let seconds = bare_frames(&server.url(), length, frames).await;
            println!("{length:>8} bytes, bare  {:>6.0} frames/s", frames as f64 / seconds);
            let seconds = bus_frames(&server.url(), length, frames).await;
            println!("{length:>8} bytes, bus   {:>6.0} frames/s", frames as f64 / seconds);
        }
    }
}

async fn bare_frames(url: &str, length: usize, frames: usize) -> f64 {
    let (jetstream, mut messages) = bare(url).await;
    let (folder, pixels) = (in_memory(), vec![7u8; length]);
    let path: PathBuf = folder.path().to_owned();
    let (done, mut dones) = mpsc::channel(WINDOW);
    let start = Instant::now();
    let reader = tokio::spawn(async move {
        for _ in 0..frames {
            let message = messages.next().await.unwrap().unwrap();
            let file = path.join(std::str::from_utf8(&message.payload).unwrap());
            std::hint::black_box(look_at(&std::fs::read(&file).unwrap()));
            std::fs::remove_file(file).unwrap();
            message.double_ack().await.unwrap();
            done.send(()).await.unwrap();
        }
    });
    for n in 0..frames {
        if n >= WINDOW {
            dones.recv().await.unwrap();
        }
        std::fs::write(folder.path().join(n.to_string()), &pixels).unwrap();
        jetstream.publish("bare", n.to_string().into()).await.unwrap().await.unwrap();
    }
    while !reader.is_finished() {
        let _ = dones.recv().await;
    }
    start.elapsed().as_secs_f64()
}

async fn bus_frames(url: &str, length: usize, frames: usize) -> f64 {
    let bus = NatsBus::connect(options(url)).await.unwrap();
    let (folder, pixels) = (in_memory(), vec![7u8; length]);
    let room = (2 * WINDOW * length) as u64;
    let (writer, reader) = (DirBlobs::open(folder.path(), room).unwrap(), DirBlobs::open(folder.path(), room).unwrap());
    let subject = Subject::task("stage", "class");
    let mut inbox = bus.inbox(&subject).await.unwrap();
    let place = write(&writer, "first", &pixels).await.place;
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
    for n in 0..frames {
        if n >= WINDOW {
            dones.recv().await.unwrap();
        }
        let name = write(&writer, &format!("1-{n}"), &pixels).await;
        let message = Message { subject: subject.clone(), id: n.to_string(), payload: name.key.into() };
        bus.publish(message).await.unwrap();
    }
    while !reading.is_finished() {
        let _ = dones.recv().await;
    }
    start.elapsed().as_secs_f64()
}

async fn write(blobs: &DirBlobs, key: &str, pixels: &[u8]) -> BlobName {
    let mut writer = blobs.reserve(key, pixels.len() as u64).await.unwrap();
    writer.memory().copy_from_slice(pixels);
    writer.finish().unwrap()
}

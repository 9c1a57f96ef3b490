//! How messages and frames travel: traits for the bus and for blobs, the subjects, the in-memory implementations and the
//! conformance suite that every implementation must pass. Knows bytes only: nothing here knows of video.

pub mod conformance;
mod memory;
mod memory_blobs;
mod subject;
mod text;

pub use memory::MemoryBus;
pub use memory_blobs::MemoryBlobs;
pub use subject::Subject;
pub use text::{TEXT, short};

use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// What can go wrong on a bus.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The bus cannot be reached; trying again later may help.
    #[error("the bus cannot be reached: {0}")]
    Unreachable(String),
    /// The bus answers and does not serve us (credentials, its configuration, its version): somebody has to change that.
    #[error("the bus does not serve: {0}")]
    Refused(String),
    /// The queue has no room now; try again later.
    #[error("queue {0} is full")]
    Full(String),
    /// The message is larger than the bus carries.
    #[error("a message of {length} bytes does not fit: {limit} are allowed")]
    TooLarge {
        /// Its payload.
        length: usize,
        /// What the bus carries.
        limit: usize,
    },
    /// Closed for good.
    #[error("the bus is closed")]
    Closed,
}

impl BusError {
    /// Whether trying again later can help by itself. A message that is too large stays so, and who is refused has to change something.
    pub fn passes(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Full(_) | Self::Closed => true,
            Self::Refused(_) | Self::TooLarge { .. } => false,
        }
    }
}

/// A message: bytes under a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it goes.
    pub subject: Subject,
    /// Two messages of one id in a queue are one message when the second comes within two minutes of the first; a bus may
    /// know ids for longer. Empty = never a duplicate. The same id in another queue, or on an event, is another message.
    pub id: String,
    /// The payload.
    pub payload: Bytes,
}

/// Moves messages, each whole or not at all: what is longer than the bus carries is refused with [`BusError::TooLarge`], be it a task, an
/// event or a value. Queues hand each message to one worker and keep it until it is acknowledged; events go to all who listen
/// now.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Puts a message into the work queue of its subject. When this returns, the message is kept.
    async fn publish(&self, message: Message) -> Result<(), BusError>;

    /// Opens the work queue of a subject. Several inboxes of one subject share its messages.
    async fn inbox(&self, subject: &Subject) -> Result<Box<dyn Inbox>, BusError>;

    /// Sends an event to everyone who listens to its subject now.
    async fn emit(&self, message: Message) -> Result<(), BusError>;

    /// Listens to a subject. No event sent after this returns is missed while the bus is up.
    async fn listen(&self, subject: &Subject) -> Result<Box<dyn Events>, BusError>;

    /// Opens a bucket of small values that the fleet shares (announcements, the lock, the list of jobs), made when first
    /// opened. With `ttl`, an entry vanishes some time after it was not written again for so long; whoever opens a bucket
    /// last says its `ttl`.
    async fn bucket(&self, name: &str, ttl: Option<Duration>) -> Result<Arc<dyn Kv>, BusError>;

    /// How many messages a queue keeps.
    async fn depth(&self, subject: &Subject) -> Result<Depth, BusError>;
}

/// The messages that a queue keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Those that wait for a worker and were not handed out yet.
    pub waiting: u64,
    /// Those that were handed out and are not acknowledged. One that was handed back, is retried after a delay or lost its
    /// worker may count here or as waiting until it is handed out again.
    pub leased: u64,
}

/// Small values by key. Any string is a key.
#[async_trait]
pub trait Kv: Send + Sync + 'static {
    /// The value of a key, if it has one.
    async fn get(&self, key: &str) -> Result<Option<Value>, BusError>;

    /// Writes a value if `expected` is met: `None` always is, `Some(0)` when the key has no value, `Some(revision)` when the
    /// value of that revision is still there. Answers the new revision (never 0); `None` = not met, nothing was written.
    async fn put(&self, key: &str, bytes: Bytes, expected: Option<u64>) -> Result<Option<u64>, BusError>;

    /// Removes the value of a key, if it has one, whatever its revision.
    async fn delete(&self, key: &str) -> Result<(), BusError>;

    /// All values, ordered by key.
    async fn entries(&self) -> Result<Vec<(String, Value)>, BusError>;
}

/// A value of a [`Kv`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// What was written.
    pub bytes: Bytes,
    /// Which write this was: greater than that of every earlier write to this key.
    pub revision: u64,
}

/// A work queue, as one worker sees it.
#[async_trait]
pub trait Inbox: Send {
    /// Waits for the next message and takes it. Cancelling the wait takes nothing.
    async fn lease(&mut self) -> Result<Box<dyn Lease>, BusError>;
}

/// A message that one worker has taken. Dropping it unacknowledged hands it back.
#[async_trait]
pub trait Lease: Send + Sync {
    /// The message.
    fn message(&self) -> &Message;

    /// How often it was handed out, this time included: 1, 2, …
    fn attempt(&self) -> u64;

    /// Keeps it from being handed to another worker for one more period. May be called from any thread.
    fn extender(&self) -> Arc<dyn Extend>;

    /// It is done; returns when the bus has noted it. Counts even when the lease ended before, whoever has the message by
    /// then.
    async fn ack(self: Box<Self>) -> Result<(), BusError>;

    /// It is to be handed out again after a delay.
    async fn retry(self: Box<Self>, after: Duration) -> Result<(), BusError>;
}

/// Extends a lease.
pub trait Extend: Send + Sync {
    /// Keeps the lease for one more period.
    fn extend(&self);
}

/// Events of a subject, in order per sender.
#[async_trait]
pub trait Events: Send {
    /// Waits for the next event.
    async fn next(&mut self) -> Result<Message, BusError>;
}

/// What can go wrong with blobs.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It was released already, or never existed.
    #[error("blob {0} is gone")]
    Stale(String),
    /// No room.
    #[error("no room for a blob of {wanted} bytes: {free} of {capacity} are free")]
    NoRoom {
        /// Its length.
        wanted: u64,
        /// Bytes free.
        free: u64,
        /// Bytes in all.
        capacity: u64,
    },
    /// The store failed.
    #[error("blob store: {0}")]
    Io(#[from] std::io::Error),
}

/// Names a blob.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BlobName {
    /// "memory", "dir".
    pub store: String,
    /// Which memory or folder.
    pub place: String,
    /// Its name there; carries pass and admission number, so that a stale name is an error, never wrong pixels.
    pub key: String,
    /// Its length in bytes.
    pub length: u64,
}

/// Bytes by reference. Space is reserved before it is written.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Reserves `length` zeroed bytes under `key`, or refuses before anything is allocated. Two writers may have one key (two
    /// attempts at one task, which write the same): each takes room, and the one that finishes last is read.
    async fn reserve(&self, key: &str, length: u64) -> Result<Box<dyn BlobWriter>, BlobError>;

    /// The bytes, shared and not copied. [`BlobError::Stale`] for any name that was not made here as it is, or was released.
    async fn get(&self, name: &BlobName) -> Result<Bytes, BlobError>;

    /// Releases the bytes: their room is free again, and those who still hold them keep them. Releasing twice is no error.
    async fn release(&self, name: &BlobName) -> Result<(), BlobError>;

    /// Releases every blob whose key starts with `prefix`, whoever made it, and what writers left there that are gone.
    /// Blobs that are being written are not touched. Returns how many it released.
    async fn release_all(&self, prefix: &str) -> Result<u64, BlobError>;

    /// Bytes in use now: those reserved, and those finished and not released.
    fn used(&self) -> u64;
}

/// A blob that is being written. Dropping it unfinished releases the space.
pub trait BlobWriter: Send {
    /// The memory to write to.
    fn memory(&mut self) -> &mut [u8];

    /// Makes the blob readable.
    fn finish(self: Box<Self>) -> Result<BlobName, BlobError>;
}

//! Lists of messages that grow with the footage: a folder's files, an index, the tasks of a step, the user's corrections. No message carries
//! them; they lie in the ledger in chunks of bounded size and are named where they are needed.
//!
//! A document is named by the digest of its root, which names its chunks by theirs: the same list has the same name however often it is
//! written, and a name that can be read is that of a whole list, since chunks are written before their root.
mod deposits;
mod folders;
mod kept;

pub(crate) use kept::prune_documents;

use crate::store::Store;
use crate::{Ledger, LedgerError, layout};
use bytes::Bytes;
use framefleet_proto::v1::{DocumentChunk, DocumentRoot};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, FuturesUnordered};
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use std::collections::HashSet;
use std::marker::PhantomData;

/// Bytes from which on a chunk is written.
const CHUNK: usize = 256 << 10;
/// Chunks that are read ahead, or written together.
const AHEAD: usize = 4;

/// Writes a document message by message; some chunks are in memory at a time.
pub struct DocumentWriter<M> {
    ledger: Ledger,
    chunk: Vec<u8>,
    root: DocumentRoot,
    writing: FuturesUnordered<BoxFuture<'static, Result<(), LedgerError>>>,
    messages: PhantomData<fn(M)>,
}

impl Ledger {
    /// Begins a document of messages of one type.
    pub fn document<M: Message>(&self) -> DocumentWriter<M> {
        DocumentWriter {
            ledger: self.clone(),
            chunk: Vec::new(),
            root: DocumentRoot::default(),
            writing: FuturesUnordered::new(),
            messages: PhantomData,
        }
    }

    /// The messages of a document, in order, chunk by chunk. Chunks are decoded on threads of their own, a few ahead. A document that is not
    /// there or has other bytes is an error ([`LedgerError::Damaged`]).
    pub fn document_chunks<M>(&self, name: &[u8]) -> BoxStream<'static, Result<Vec<M>, LedgerError>>
    where
        M: Message + Default + 'static,
    {
        let (store, name) = (self.store().clone(), name.to_owned());
        let chunks = async move {
            let root = root(&store, &name).await?;
            let read = move |chunk: DocumentChunk| {
                let store = store.clone();
                async move { read_chunk::<M>(&store, chunk).await }
            };
            Ok(stream::iter(root.chunks).map(read).buffered(AHEAD))
        };
        stream::once(chunks).try_flatten().boxed()
    }

    /// [`Ledger::document_chunks`], message by message.
    pub fn read_document<M>(&self, name: &[u8]) -> BoxStream<'static, Result<M, LedgerError>>
    where
        M: Message + Default + 'static,
    {
        self.document_chunks(name).map_ok(|chunk| stream::iter(chunk).map(Ok)).try_flatten().boxed()
    }
}

impl<M: Message> DocumentWriter<M> {
    /// Appends a message.
    pub async fn push(&mut self, message: &M) -> Result<(), LedgerError> {
        self.chunk.reserve(message.encoded_len() + 10);
        // Memory grows as needed: there is always room.
        let _ = message.encode_length_delimited(&mut self.chunk);
        if self.chunk.len() >= CHUNK { self.flush().await } else { Ok(()) }
    }

    /// Makes the document readable. The name that it has from now on.
    pub async fn finish(mut self) -> Result<Bytes, LedgerError> {
        if !self.chunk.is_empty() {
            self.flush().await?;
        }
        while self.writing.try_next().await?.is_some() {}
        let bytes = Bytes::from(self.root.encode_to_vec());
        let name = Bytes::copy_from_slice(blake3::hash(&bytes).as_bytes());
        self.ledger.check_writer("keep a list").await?;
        write_new(self.ledger.store().clone(), layout::document(&name), bytes).await?;
        Ok(name)
    }

    /// Writes the chunk, as soon as not too many others are being written.
    async fn flush(&mut self) -> Result<(), LedgerError> {
        while self.writing.len() >= AHEAD {
            self.writing.try_next().await?;
        }
        self.ledger.check_writer("keep a list").await?;
        let bytes = Bytes::from(std::mem::take(&mut self.chunk));
        let digest = Bytes::copy_from_slice(blake3::hash(&bytes).as_bytes());
        let path = layout::document(&digest);
        self.root.chunks.push(DocumentChunk { digest, length: bytes.len() as u64 });
        self.writing.push(Box::pin(write_new(self.ledger.store().clone(), path, bytes)));
        Ok(())
    }
}

/// Writes an object that is named by its content, unless it is there.
async fn write_new(store: Store, path: String, bytes: Bytes) -> Result<(), LedgerError> {
    match store.length(&path).await? {
        Some(length) if length == bytes.len() as u64 => Ok(()),
        _ => store.write(&path, bytes).await,
    }
}

/// The objects that a document consists of; `None` when it is not there.
async fn objects(store: &Store, name: &[u8]) -> Result<Option<HashSet<String>>, LedgerError> {
    let path = layout::document(name);
    let Some(bytes) = store.read(&path).await? else { return Ok(None) };
    let Ok(root) = DocumentRoot::decode(bytes) else { return Ok(None) };
    Ok(Some(root.chunks.iter().map(|chunk| layout::document(&chunk.digest)).chain([path]).collect()))
}

/// The root of a document.
pub(crate) async fn root(store: &Store, name: &[u8]) -> Result<DocumentRoot, LedgerError> {
    let path = layout::document(name);
    let bytes = read(store, &path, name).await?;
    DocumentRoot::decode(bytes).map_err(|error| store.damaged(&path, error))
}

/// The messages of a chunk.
pub(crate) async fn read_chunk<M: Message + Default + 'static>(
    store: &Store,
    chunk: DocumentChunk,
) -> Result<Vec<M>, LedgerError> {
    let path = layout::document(&chunk.digest);
    let bytes = read(store, &path, &chunk.digest).await?;
    let decode = move || {
        let (mut left, mut messages) = (bytes, Vec::new());
        while !left.is_empty() {
            messages.push(M::decode_length_delimited(&mut left)?);
        }
        Ok::<_, prost::DecodeError>(messages)
    };
    let decoded = tokio::task::spawn_blocking(decode).await.map_err(|error| store.damaged(&path, error))?;
    decoded.map_err(|error| store.damaged(&path, error))
}

/// An object that is named by its content.
async fn read(store: &Store, path: &str, digest: &[u8]) -> Result<Bytes, LedgerError> {
    let bytes = store.read(path).await?.ok_or_else(|| store.damaged(path, "it is missing"))?;
    match blake3::hash(&bytes).as_bytes() == digest {
        true => Ok(bytes),
        false => Err(store.damaged(path, "it has other bytes than were written")),
    }
}

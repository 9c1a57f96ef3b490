//! An object that is written piece by piece.
use crate::LedgerError;
use bytes::Bytes;
use framefleet_proto::v1::OutputFile;
use object_store::{MultipartUpload, WriteMultipart};

/// Bytes that one request carries (stores ask for at least 5 MiB).
const CHUNK: usize = 8 << 20;
/// Requests that are under way together.
const CONCURRENCY: usize = 8;

/// An object that is being written. It appears when it is finished.
pub struct Upload {
    path: String,
    /// The output, for messages.
    output: String,
    writer: WriteMultipart,
    hasher: blake3::Hasher,
    length: u64,
}

impl Upload {
    pub(super) fn new(path: &str, output: &str, parts: Box<dyn MultipartUpload>) -> Self {
        let writer = WriteMultipart::new_with_chunk_size(parts, CHUNK);
        Self { path: path.to_owned(), output: output.to_owned(), writer, hasher: blake3::Hasher::new(), length: 0 }
    }

    /// Appends bytes; waits while too many requests are under way.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), LedgerError> {
        let ready = self.writer.wait_for_capacity(CONCURRENCY).await;
        ready.map_err(|source| LedgerError::store(&self.output, "write", &self.path, source))?;
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        self.writer.write(bytes);
        Ok(())
    }

    /// Makes the object appear.
    pub async fn finish(self) -> Result<OutputFile, LedgerError> {
        let Self { path, output, writer, hasher, length } = self;
        writer.finish().await.map_err(|source| LedgerError::store(&output, "write", &path, source))?;
        Ok(OutputFile { path, digest: Bytes::copy_from_slice(hasher.finalize().as_bytes()), length })
    }
}

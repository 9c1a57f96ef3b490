//! Frames to and from blobs.
use crate::failure::TaskFailure;
use async_trait::async_trait;
use bytes::Bytes;
use framefleet_bus::{BlobError, BlobName, BlobWriter, Blobs, MemoryBlobs};
use framefleet_frames::{Frame, Image, Rendition};
use framefleet_proto::v1::{BlobRef, FramePixels, Pixels};
use framefleet_stage::{Ingested, PixelSink, StageError};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Where frames are stored from a thread that may block.
#[derive(Clone)]
pub(crate) struct BlobTarget {
    blobs: Arc<dyn Blobs>,
    handle: Handle,
    key: String,
}

impl BlobTarget {
    /// A target whose blobs' names begin with `key`. Made in the runtime, used outside of it.
    pub fn new(blobs: &Arc<dyn Blobs>, key: String) -> Self {
        Self { blobs: Arc::clone(blobs), handle: Handle::current(), key }
    }

    /// Reserves memory under the key and a suffix. Blocks.
    pub fn reserve(&self, suffix: &str, bytes: u64) -> Result<Box<dyn BlobWriter>, BlobError> {
        let key = format!("{}{suffix}", self.key);
        self.handle.block_on(self.blobs.reserve(&key, bytes))
    }
}

/// Memory for one batch's frames, reserved in the blob store as the source asks for it.
pub(crate) struct BlobSink {
    target: BlobTarget,
    writers: BTreeMap<i32, Box<dyn BlobWriter>>,
    /// Why there is no memory: more than the source can say in its own error.
    failure: Option<TaskFailure>,
}

impl BlobSink {
    /// A sink with one blob for each rendition. Used from blocking threads only.
    pub fn new(target: BlobTarget) -> Self {
        Self { target, writers: BTreeMap::new(), failure: None }
    }

    /// Why there was no memory for what the source wanted to write, if so.
    pub fn take_failure(&mut self) -> Option<TaskFailure> {
        self.failure.take()
    }

    /// Makes what was written readable.
    pub fn finish(self, frames: &[Ingested]) -> Result<Vec<Pixels>, TaskFailure> {
        let mut all = Vec::new();
        for (rendition, writer) in self.writers {
            let of = frames.iter().filter(|frame| frame.rendition as i32 == rendition).map(|frame| FramePixels {
                frame: frame.frame,
                pts_ns: frame.pts_ns,
                format: frame.format as i32,
                width: frame.width,
                height: frame.height,
                offset: frame.offset as u64,
            });
            let frames = of.collect();
            all.push(Pixels { rendition, made_by: String::new(), blob: Some(reference(writer.finish()?)), frames });
        }
        Ok(all)
    }
}

impl PixelSink for BlobSink {
    fn reserve(&mut self, rendition: Rendition, bytes: usize) -> Result<(), StageError> {
        match self.target.reserve(&format!("-{}", rendition as i32), bytes as u64) {
            Ok(writer) => {
                self.writers.insert(rendition as i32, writer);
                Ok(())
            }
            Err(error) => {
                let refusal = StageError::retry(&error);
                self.failure = Some(error.into());
                Err(refusal)
            }
        }
    }

    fn memory(&mut self, rendition: Rendition) -> &mut [u8] {
        self.writers.get_mut(&(rendition as i32)).map_or(&mut [], |writer| writer.memory())
    }
}

/// The frames of a blob, sharing its bytes.
pub(crate) async fn fetch(blobs: &dyn Blobs, pixels: &Pixels) -> Result<Vec<Frame>, TaskFailure> {
    let Some(blob) = &pixels.blob else { return Ok(Vec::new()) };
    let name =
        BlobName { store: blob.store.clone(), place: blob.place.clone(), key: blob.key.clone(), length: blob.length };
    let bytes = blobs.get(&name).await?;
    let mut frames = Vec::with_capacity(pixels.frames.len());
    for of in &pixels.frames {
        let length = framefleet_frames::frame::byte_length(of.format(), of.width, of.height);
        let start = usize::try_from(of.offset).map_err(|_| TaskFailure::malformed("a frame's offset"))?;
        let end = start
            .checked_add(length)
            .filter(|end| *end <= bytes.len())
            .ok_or_else(|| TaskFailure::malformed("a frame's bytes"))?;
        let image = Image::new(of.format(), of.width, of.height, bytes.slice(start..end))
            .map_err(|error| TaskFailure { reason: error.to_string(), ..TaskFailure::malformed("a frame") })?;
        frames.push(Frame { number: of.frame, pts_ns: of.pts_ns, image });
    }
    Ok(frames)
}

/// Releases frames that were stored.
pub(crate) async fn release(blobs: &dyn Blobs, pixels: Vec<Pixels>) {
    for BlobRef { store, place, key, length } in pixels.into_iter().filter_map(|pixels| pixels.blob) {
        if let Err(error) = blobs.release(&BlobName { store, place, key, length }).await {
            tracing::warn!(%error, "a blob could not be released");
        }
    }
}

/// A blob as messages name it.
pub(crate) fn reference(name: BlobName) -> BlobRef {
    BlobRef { store: name.store, place: name.place, key: name.key, length: name.length }
}

/// The blobs of dry runs: frames that are there can be read, those that tasks make are forgotten with the process.
pub(crate) struct DryRunBlobs {
    inputs: Arc<dyn Blobs>,
    made: MemoryBlobs,
}

impl DryRunBlobs {
    pub fn new(inputs: Arc<dyn Blobs>) -> Self {
        Self { inputs, made: MemoryBlobs::new(u64::MAX) }
    }
}

#[async_trait]
impl Blobs for DryRunBlobs {
    async fn reserve(&self, key: &str, length: u64) -> Result<Box<dyn BlobWriter>, BlobError> {
        self.made.reserve(key, length).await
    }

    async fn get(&self, name: &BlobName) -> Result<Bytes, BlobError> {
        self.inputs.get(name).await
    }

    async fn release(&self, name: &BlobName) -> Result<(), BlobError> {
        self.made.release(name).await
    }

    async fn release_all(&self, prefix: &str) -> Result<u64, BlobError> {
        self.made.release_all(prefix).await
    }

    fn used(&self) -> u64 {
        self.made.used()
    }
}

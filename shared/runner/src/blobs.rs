//! Frames to and from blobs.
use crate::failure::TaskFailure;
use framefleet_bus::{BlobName, BlobWriter, Blobs};
use framefleet_media::{Frame, Image, Rendition};
use framefleet_proto::v1::{BlobRef, FramePixels, Pixels};
use framefleet_stage::{Ingested, PixelSink, StageError};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Memory for one batch's frames, reserved in the blob store as the source asks for it.
pub(crate) struct BlobSink {
    blobs: Arc<dyn Blobs>,
    handle: Handle,
    prefix: String,
    writers: BTreeMap<i32, Box<dyn BlobWriter>>,
    /// Why there is no memory: more than the source can say in its own error.
    failure: Option<TaskFailure>,
}

impl BlobSink {
    /// A sink whose blobs are named `prefix` and the rendition. Used from blocking threads only.
    pub fn new(blobs: Arc<dyn Blobs>, handle: Handle, prefix: String) -> Self {
        Self { blobs, handle, prefix, writers: BTreeMap::new(), failure: None }
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
        let key = format!("{}-{}", self.prefix, rendition as i32);
        match self.handle.block_on(self.blobs.reserve(&key, bytes as u64)) {
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
        let length = framefleet_media::frame::byte_length(of.format(), of.width, of.height);
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

/// Gives up frames that were stored.
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

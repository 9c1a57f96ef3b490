//! Decodes batches, in any order: each answer is a function of the item, the batch and the wanted frames alone.
pub mod audio;
mod batch;
mod images;
mod open;
mod pool;
mod slot;
pub mod video;

pub use pool::Decoders;
pub use slot::{Canvas, Slot};
pub use video::deinterlace::Deinterlace;

use framefleet_frames::{BatchInfo, Item, ReadError};

/// Time of a frame of a batch.
fn pts(item: &Item, batch: &BatchInfo, frame: u64) -> Result<i64, ReadError> {
    let offset = frame.checked_sub(batch.start).and_then(|offset| usize::try_from(offset).ok());
    offset.and_then(|offset| batch.pts_ns.get(offset)).copied().ok_or_else(|| ReadError::Request {
        item: item.name.clone(),
        problem: format!("frame {frame} is not in the batch of {} frames from {}", batch.pts_ns.len(), batch.start),
    })
}

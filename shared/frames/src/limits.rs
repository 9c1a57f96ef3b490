//! What footage may ask for before memory is given to it.
use crate::ReadError;
use std::path::Path;

/// Longest side of a picture, pixels.
pub const MAX_SIDE: u32 = 1 << 15;

/// Bytes of one full frame.
pub const MAX_FRAME_BYTES: u64 = 2 << 30;

/// Refuses sizes that nobody films.
pub fn check_size(path: &Path, width: u64, height: u64, pixel_bytes: u64) -> Result<(), ReadError> {
    let allowed = 1..=u64::from(MAX_SIDE);
    if !allowed.contains(&width) || !allowed.contains(&height) {
        return Err(ReadError::Size { path: path.to_owned(), width, height, limit: MAX_SIDE });
    }
    let bytes = width * height * pixel_bytes;
    if bytes > MAX_FRAME_BYTES {
        return Err(ReadError::FrameBytes { path: path.to_owned(), bytes, limit: MAX_FRAME_BYTES });
    }
    Ok(())
}

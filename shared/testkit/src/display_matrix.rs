//! Display matrices of MP4 and MOV files.
use crate::TestkitError;
use std::path::Path;

/// The display matrix of pictures that are shown as they are coded.
pub(crate) const UPRIGHT: [i32; 4] = [1, 0, 0, 1];

/// Writes a display matrix into the first track header of an MP4 or MOV file (ISO 14496-12, `tkhd`): FFmpeg's own option for it
/// works in some versions only, and for rotations alone.
pub(crate) fn turn(path: &Path, [a, b, c, d]: [i32; 4], width: u32, height: u32) -> Result<(), TestkitError> {
    const MATRIX_AFTER_TYPE: usize = 44;
    let mut bytes = std::fs::read(path).map_err(TestkitError::io(path))?;
    let (width, height) = (width as i32, height as i32);
    // What the matrix takes to the left of or above 0 is moved back.
    let (x, y) = (-(a * width).min(0) - (c * height).min(0), -(b * width).min(0) - (d * height).min(0));
    let matrix = [a << 16, b << 16, 0, c << 16, d << 16, 0, x << 16, y << 16, 1 << 30];
    if let Some(at) = bytes.windows(4).position(|name| name == b"tkhd") {
        for (n, value) in matrix.iter().enumerate() {
            let start = at + MATRIX_AFTER_TYPE + 4 * n;
            bytes[start..start + 4].copy_from_slice(&i32::to_be_bytes(*value));
        }
    }
    std::fs::write(path, bytes).map_err(TestkitError::io(path))
}

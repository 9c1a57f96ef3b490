//! Damaged and lengthened copies of files.
use crate::{TestkitError, reference::capture};
use std::path::{Path, PathBuf};

/// Copies the first `fraction` (0..1) of a file's bytes.
pub fn truncate(source: &Path, target: &Path, fraction: f64) -> Result<PathBuf, TestkitError> {
    let bytes = std::fs::read(source).map_err(TestkitError::io(source))?;
    let kept = (bytes.len() as f64 * fraction.clamp(0.0, 1.0)) as usize;
    std::fs::write(target, &bytes[..kept]).map_err(TestkitError::io(target))?;
    Ok(target.to_owned())
}

/// Copies a file with `length` bytes in its middle overwritten by a fixed pattern.
pub fn corrupt_middle(source: &Path, target: &Path, length: usize) -> Result<PathBuf, TestkitError> {
    let mut bytes = std::fs::read(source).map_err(TestkitError::io(source))?;
    let start = bytes.len().saturating_sub(length) / 2;
    for (at, byte) in bytes.iter_mut().enumerate().skip(start).take(length) {
        *byte = (at * 37 + 11) as u8;
    }
    std::fs::write(target, bytes).map_err(TestkitError::io(target))?;
    Ok(target.to_owned())
}

/// Joins `times` copies of a video without coding it again.
pub fn repeat(source: &Path, target: &Path, times: u32) -> Result<PathBuf, TestkitError> {
    let loops = times.saturating_sub(1).to_string();
    let (from, to) = (source.display().to_string(), target.display().to_string());
    let arguments =
        ["-v", "error", "-nostdin", "-stream_loop", &loops, "-i", &from, "-map", "0", "-c", "copy", "-y", &to];
    capture("ffmpeg", &arguments)?;
    Ok(target.to_owned())
}

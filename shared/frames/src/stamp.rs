//! Whether a file is as it was.
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Size, time and inode of a file as one number; 0 when they cannot be had.
pub fn stamp(path: &Path) -> u64 {
    let Ok(found) = std::fs::metadata(path) else { return 0 };
    let mut hasher = blake3::Hasher::new();
    for number in [found.len(), found.ino(), found.mtime() as u64, found.mtime_nsec() as u64] {
        hasher.update(&number.to_le_bytes());
    }
    let [a, b, c, d, e, f, g, h, ..] = *hasher.finalize().as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

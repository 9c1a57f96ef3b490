//! Small footage for the tests of the program.
use framefleet_testkit::{Clip, Similarity, Texture};
use std::path::{Path, PathBuf};

/// A clip of a texture that moves to the left by 2 pixels a frame.
pub fn moving(path: &Path, frames: u64) -> PathBuf {
    let texture = Texture::noise(5);
    let shift = |frame: u64| Similarity { x: -2.0 * frame as f64, ..Similarity::default() };
    Clip::new(160, 96, frames).gop(24).write(path, |frame| texture.view(160, 96, &shift(frame))).unwrap()
}

/// A folder for one test.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

//! A video file, and which of its video streams is read.
use crate::Item;
use std::path::Path;

/// See the module's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoFile<'a> {
    path: &'a Path,
    stream: Option<u32>,
}

impl<'a> VideoFile<'a> {
    /// The stream of this number among the file's video streams, from 0 (covers are not counted); the default one where `None`.
    pub fn new(path: &'a Path, stream: Option<u32>) -> Self {
        Self { path, stream }
    }

    /// What an item's frames are read from.
    pub fn of(item: &'a Item) -> Self {
        Self::new(Path::new(&item.location), item.video_stream)
    }

    /// The file.
    pub fn path(self) -> &'a Path {
        self.path
    }

    /// The number of its stream; `None` for the default one.
    pub fn stream(self) -> Option<u32> {
        self.stream
    }
}

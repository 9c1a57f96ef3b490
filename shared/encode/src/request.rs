//! What a film is joined of.
use framefleet_formats::{Container, VideoFormat};
use std::path::{Path, PathBuf};

/// What is to be joined.
#[derive(Clone, Debug)]
pub struct Join<'a> {
    /// The pieces in order, all made with `format`; their frames are numbered in ascending time from the item's first frame.
    pub pieces: &'a [PathBuf],
    /// What the pieces were made with.
    pub format: &'a VideoFormat,
    /// The file's format.
    pub container: Container,
    /// The file to take sound, subtitles, chapters, metadata and side data from; `None` for image sequences.
    pub source: Option<&'a Path>,
    /// Whether sound comes along.
    pub audio: bool,
    /// Time of the first frame of the range, nanoseconds from the item's first frame: it becomes the file's beginning, and
    /// packets of the other streams whose middle lies before it are left out. 0 = nothing is cut.
    pub start_ns: i64,
    /// End of the range; `None` = nothing is cut there.
    pub end_ns: Option<i64>,
    /// How long the last frame is shown, nanoseconds; `None` = as long as one frame at the average rate.
    pub last_frame_ns: Option<i64>,
}

//! What a film is joined of.
use framefleet_formats::{Container, VideoFormat};
use framefleet_frames::VideoFile;
use std::path::PathBuf;

/// What becomes of a source's sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JoinSound {
    /// Every track that the container carries comes along as it is.
    #[default]
    Copy,
    /// The same, and tracks that it does not carry are encoded anew: AAC, and without loss (ALAC, in Matroska FLAC) where the source is without.
    Encode,
    /// The file is silent.
    None,
}

/// What is to be joined.
#[derive(Clone, Debug)]
pub struct Join<'a> {
    /// The pieces in order, all made with `format`; their frames are numbered in ascending time from the item's first frame.
    pub pieces: &'a [PathBuf],
    /// What the pieces were made with.
    pub format: &'a VideoFormat,
    /// The file's format.
    pub container: Container,
    /// The file to take sound, subtitles, chapters, metadata and side data from, and the stream that the frames are of; `None` for image sequences.
    pub source: Option<VideoFile<'a>>,
    /// What becomes of the source's sound.
    pub sound: JoinSound,
    /// Time of the first frame of the range, nanoseconds from the item's first frame: it becomes the file's beginning, and
    /// packets of the other streams whose middle lies before it are left out. 0 = nothing is cut.
    pub start_ns: i64,
    /// End of the range; `None` = nothing is cut there.
    pub end_ns: Option<i64>,
    /// How long the last frame is shown, nanoseconds; `None` = as long as one frame at the average rate.
    pub last_frame_ns: Option<i64>,
}

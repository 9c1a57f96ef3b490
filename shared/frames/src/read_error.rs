//! What can go wrong when footage is read.
use crate::passed_over;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Footage that cannot be read. Messages name the file and say what to do where something can be done.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing is there.
    #[error("{0}: no such file or folder, and no pattern that matches one")]
    NotFound(String),
    /// A folder, pattern or list that holds no footage.
    #[error(
        "{place}: no video and no image is in there (JPEG, PNG, TIFF, WebP, BMP, TGA, PNM, or any video that FFmpeg reads){}",
        passed(passed_over)
    )]
    Empty {
        /// As given.
        place: String,
        /// How many files of other kinds are there, by extension.
        passed_over: BTreeMap<String, u64>,
    },
    /// A pattern that is none.
    #[error("{pattern}: not a valid pattern: {problem}")]
    Pattern {
        /// As given.
        pattern: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// The file is empty.
    #[error("{}: the file is empty", .0.display())]
    EmptyFile(PathBuf),
    /// A path that FFmpeg, protobuf or JSON cannot carry.
    #[error("{}: the path is not valid UTF-8; rename the file", .0.display())]
    Name(PathBuf),
    /// No container that FFmpeg knows.
    #[error("{}: not readable as a video: {reason}", path.display())]
    Container {
        /// The file.
        path: PathBuf,
        /// FFmpeg's reason.
        reason: String,
    },
    /// A container without moving pictures.
    #[error("{}: there is no video stream in it", .0.display())]
    NoVideo(PathBuf),
    /// A video stream is asked for that is not there.
    #[error("{}: there is no video stream {wanted} in it; it has: {known}", path.display())]
    VideoStream {
        /// The file.
        path: PathBuf,
        /// The number that was asked for, from 0.
        wanted: u32,
        /// Those there are, with their codecs and sizes.
        known: String,
    },
    /// No decoder, or the decoder refuses.
    #[error("{}: codec {codec} cannot be decoded: {reason}", path.display())]
    Decoder {
        /// The file.
        path: PathBuf,
        /// FFmpeg's name of the codec.
        codec: String,
        /// Why.
        reason: String,
    },
    /// Larger than what is read.
    #[error("{}: {width}×{height} is outside 1…{limit} pixels per side", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Displayed width.
        width: u64,
        /// Displayed height.
        height: u64,
        /// Longest side allowed.
        limit: u32,
    },
    /// A frame would take more memory than is allowed.
    #[error("{}: one frame takes {bytes} bytes, {limit} are allowed", path.display())]
    FrameBytes {
        /// The file.
        path: PathBuf,
        /// Bytes of a full frame.
        bytes: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// A still that cannot be read.
    #[error("{}: not readable as an image: {reason}", path.display())]
    Still {
        /// The file.
        path: PathBuf,
        /// The decoder's reason.
        reason: String,
    },
    /// A number of a sequence for which there is no file.
    #[error("there is no file of this number: the sequence has a gap here")]
    Missing,
    /// No image of a folder can be read.
    #[error("{}{}", list(reasons), and_more(*more))]
    Several {
        /// Why the first ones cannot.
        reasons: Vec<ReadError>,
        /// How many others there are.
        more: usize,
    },
    /// A picture could not be scaled, turned or filtered.
    #[error("{}: pixels cannot be converted: {reason}", path.display())]
    Convert {
        /// The file.
        path: PathBuf,
        /// The library's reason.
        reason: String,
    },
    /// An item or batch that does not hold together.
    #[error("{item}: {problem}")]
    Request {
        /// The item.
        item: String,
        /// What does not fit.
        problem: String,
    },
}

fn passed(files: &BTreeMap<String, u64>) -> String {
    passed_over(files).map(|text| format!("; {text}")).unwrap_or_default()
}

fn list(reasons: &[ReadError]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn and_more(count: usize) -> String {
    if count > 0 { format!("; and {count} more") } else { String::new() }
}

impl ReadError {
    /// A failure of the file system at `path`.
    pub fn io(path: &Path, source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::NotFound {
            return Self::NotFound(path.display().to_string());
        }
        Self::Io { path: path.to_owned(), source }
    }

    /// A container that FFmpeg refuses.
    pub fn container(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Container { path: path.to_owned(), reason: reason.to_string() }
    }

    /// Pixels that a library refuses to convert.
    pub fn convert(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Convert { path: path.to_owned(), reason: reason.to_string() }
    }
}

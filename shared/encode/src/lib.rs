//! Encoding: frames of one run to a piece file, and pieces joined to a film with everything else the source has.
//!
//! A piece is encoded by itself, from a key frame on, with closed groups of pictures, by a fixed number of threads, so that
//! pieces can be made in any order, anywhere, and joined by copying packets: the same bytes come out. Pieces are NUT files
//! ([the format keeps any time base exactly](https://ffmpeg.org/nut.html)); their timestamps count from the item's first
//! frame.

mod coding;
mod convert;
mod encoder;
mod ffmpeg_names;
mod global_tags;
mod join;
mod pieces;
mod request;
mod side_choice;
mod side_streams;
mod sound;
mod sound_queue;
mod still;
mod timecode;
mod verify;

pub use coding::format_of_piece;
pub use encoder::Encoder;
pub use ffmpeg_names::choose_container;
pub use join::{Joined, join};
pub use request::{Join, JoinSound};
pub use still::{StillOptions, write_still};

use framefleet_frames::ReadError;
use std::path::{Path, PathBuf};

/// Extension of piece files.
pub const PIECE_EXTENSION: &str = "nut";

/// Something could not be encoded or joined.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// A library failed on a file.
    #[error("{}: {doing}: {reason}", path.display())]
    Ffmpeg {
        /// The file.
        path: PathBuf,
        /// What was being done, with what.
        doing: String,
        /// What the library says.
        reason: String,
        /// The library's code.
        source: ffmpeg_next::Error,
    },
    /// An image file could not be written.
    #[error("{}: {source}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// What the library says.
        source: image::ImageError,
    },
    /// The image that metadata come from cannot be read any more.
    #[error("metadata: {0}")]
    Source(Box<ReadError>),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// The frames or settings do not fit the encoding.
    #[error("{}: {problem}", path.display())]
    Unfit {
        /// The file that was to be written.
        path: PathBuf,
        /// What does not fit, and what does.
        problem: String,
    },
    /// What was written is not what was asked for.
    #[error("{}: verification after joining: {problem}", path.display())]
    Verification {
        /// The joined file.
        path: PathBuf,
        /// What differs.
        problem: String,
    },
}

impl EncodeError {
    fn ffmpeg(path: &Path, doing: impl Into<String>) -> impl FnOnce(ffmpeg_next::Error) -> Self {
        let (path, doing) = (path.to_owned(), doing.into());
        move |source| Self::Ffmpeg { path, doing, reason: framefleet_demux::log::reason(source), source }
    }

    fn unfit(path: &Path, problem: impl Into<String>) -> Self {
        Self::Unfit { path: path.to_owned(), problem: problem.into() }
    }
}

/// Leaves out of a file what would differ from run to run: random ids, dates, the library's version.
fn make_reproducible(output: &mut ffmpeg_next::format::context::Output) {
    // SAFETY: the context is valid.
    unsafe { (*output.as_mut_ptr()).flags |= ffmpeg_next::ffi::AVFMT_FLAG_BITEXACT };
}

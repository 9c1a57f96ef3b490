//! Writes a clip: one piece, joined to an MP4.
use super::ScaledClip;
use crate::BenchError;
use framefleet_encode::{Encoder, Join, JoinSound, PIECE_EXTENSION, join};
use framefleet_formats::{Codec, Container, VideoFormat};
use framefleet_frames::{Image, Item, PixelFormat};
use std::path::{Path, PathBuf};

/// Constant rate factor: what x264 calls its default, so that a copy is about as hard to decode as films usually are.
const QUALITY: u32 = 23;

/// A clip being written.
pub(super) struct ClipWriter {
    path: PathBuf,
    piece: PathBuf,
    format: VideoFormat,
    encoder: Encoder,
    size: (u32, u32),
}

impl ClipWriter {
    /// Begins a clip at the frame rate of an item.
    pub fn create(path: &Path, item: &Item, size: (u32, u32)) -> Result<Self, BenchError> {
        let plain = Item { bit_depth: 8, frame_rate: item.frame_rate, time_base: item.time_base, ..Item::default() };
        let format = VideoFormat::new(Codec::H264, &plain, (size.0, size.1, PixelFormat::Rgb8), Some(QUALITY));
        let piece = path.with_extension(PIECE_EXTENSION);
        let encoder = Encoder::create(&piece, &format)?;
        Ok(Self { path: path.to_owned(), piece, format, encoder, size })
    }

    /// Width and height of its frames.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// Adds a frame of that size, 8-bit RGB.
    pub fn push(&mut self, image: &Image, pts_ns: i64) -> Result<(), BenchError> {
        Ok(self.encoder.push(image, pts_ns)?)
    }

    /// Ends the clip; the piece is removed.
    pub fn finish(self) -> Result<ScaledClip, BenchError> {
        let Self { path, piece, format, encoder, size } = self;
        let frames = encoder.finish()?;
        let request = Join {
            pieces: std::slice::from_ref(&piece),
            format: &format,
            container: Container::Mp4,
            source: None,
            sound: JoinSound::None,
            start_ns: 0,
            end_ns: None,
            last_frame_ns: None,
        };
        join(&request, &path)?;
        std::fs::remove_file(&piece).map_err(BenchError::file(&piece))?;
        Ok(ScaledClip { path, size, frames })
    }
}

/// Bytes as a picture.
pub(super) fn rgb_image((width, height): (u32, u32), bytes: Vec<u8>) -> Result<Image, BenchError> {
    Image::new(PixelFormat::Rgb8, width, height, bytes).map_err(|error| BenchError::Argument(error.to_string()))
}

//! Geometry and colour that several stages need, thin over OpenCV.
//!
//! Stages work on OpenCV matrices that are views of a frame's own bytes ([`mat`]); photometry happens in linear light
//! ([`colour`]).

pub mod alignment;
pub mod assignment;
pub mod boxes;
pub mod colour;
pub mod geometry;
pub mod image_file;
pub mod letterbox;
pub mod mat;
pub mod tracking;

use framefleet_frames::PixelFormat;

/// An image cannot be handled.
#[derive(Debug, thiserror::Error)]
pub enum VisionError {
    /// OpenCV counts in signed 32 bits.
    #[error("a picture of {width}×{height} pixels is too large for OpenCV: no side may exceed {max}", max = i32::MAX)]
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// An image without pixels.
    #[error("a picture of {width}×{height} pixels is empty")]
    Empty {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The operation is not defined for this format.
    #[error("{operation} does not take {format:?} pictures, only {accepted}")]
    Format {
        /// What was asked for.
        operation: &'static str,
        /// The format it was given.
        format: PixelFormat,
        /// What it takes.
        accepted: &'static str,
    },
    /// A matrix or run lengths that are not what they should be.
    #[error("{0}")]
    Invalid(String),
    /// A file that is no image, or cannot be written as one.
    #[error("image file: {0}")]
    File(#[from] image::ImageError),
    /// OpenCV refused.
    #[error("OpenCV: {0}")]
    OpenCv(#[from] opencv::Error),
}

/// Lets OpenCV work on the calling thread alone. A process setting: parallelism is across tasks, and a program that runs
/// stages calls this once before the first.
pub fn use_one_thread() -> Result<(), VisionError> {
    Ok(opencv::core::set_num_threads(1)?)
}

//! The models: foreground of one image, matting of a video, and SAM 2.

pub(crate) mod foreground;
pub(crate) mod matting;
pub mod prompted;
pub(crate) mod stretch;

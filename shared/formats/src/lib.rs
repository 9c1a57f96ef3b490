//! What frames are written as, and what that takes. Nothing is encoded here: plans know formats and their memory without FFmpeg.
mod coded;
mod dither;
mod encoding;
mod memory;
mod still;
mod video;

pub use coded::CodedFormat;
pub use dither::Dither;
pub use encoding::{Codec, Container, Encoding};
pub use still::StillFormat;
pub use video::VideoFormat;

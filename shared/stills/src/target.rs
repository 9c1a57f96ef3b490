//! What pictures become.
use framefleet_frames::frame::{full_format, proxy_size};
use framefleet_frames::{Item, PixelFormat, Rendition};

/// What a frame is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Format of the pixels.
    pub format: PixelFormat,
    /// Displayed width.
    pub width: u32,
    /// Displayed height.
    pub height: u32,
}

impl Target {
    /// A rendition of a video's or sequence's frames.
    pub fn of(item: &Item, rendition: Rendition) -> Self {
        match rendition {
            Rendition::Proxy => {
                let (width, height) = proxy_size(item.width, item.height);
                Self { format: PixelFormat::Rgb8, width, height }
            }
            _ => Self { format: full_format(item), width: item.width, height: item.height },
        }
    }
}

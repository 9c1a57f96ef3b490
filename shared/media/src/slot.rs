//! Pictures that are to be decoded: what they will be, and where they are written.
use crate::frame::{byte_length, full_format, proxy_size};
use crate::{Item, PixelFormat, Rendition};

/// What a frame is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) format: PixelFormat,
    /// Displayed width.
    pub(crate) width: u32,
    /// Displayed height.
    pub(crate) height: u32,
}

impl Target {
    /// A rendition of a video's or sequence's frames.
    pub(crate) fn of(item: &Item, rendition: Rendition) -> Self {
        match rendition {
            Rendition::Proxy => {
                let (width, height) = proxy_size(item.width, item.height);
                Self { format: PixelFormat::Rgb8, width, height }
            }
            _ => Self { format: full_format(item), width: item.width, height: item.height },
        }
    }
}

/// A picture that is to be decoded, and what it will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Number of the frame in the whole item.
    pub frame: u64,
    /// Presentation time in nanoseconds from the item's first frame.
    pub pts_ns: i64,
    /// Which rendition.
    pub rendition: Rendition,
    /// Format of the pixels.
    pub format: PixelFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl Slot {
    /// Bytes of the picture: packed rows without padding.
    pub fn bytes(&self) -> usize {
        byte_length(self.format, self.width, self.height)
    }
}

/// Where decoded pictures are written.
pub trait Canvas {
    /// Memory for the picture of a slot (an index into the slots given): exactly its [`bytes`](Slot::bytes).
    fn memory(&mut self, slot: usize) -> &mut [u8];
}

//! Pictures that are to be decoded: what they will be, and where they are written.
use framefleet_frames::frame::byte_length;
use framefleet_frames::{PixelFormat, Rendition};

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

//! Pixels in memory: one layout for every stage.
use bytes::Bytes;
use framefleet_proto::v1::{FrameRange, Item, PixelFormat};

/// Long side of a proxy, pixels.
pub const PROXY_SIDE: u32 = 640;
/// A batch holds as many frames as fit into this many bytes of full source frames …
pub const BATCH_BYTES: u64 = 256 << 20;
/// … but no more than this many.
pub const BATCH_FRAMES: u64 = 32;

/// Pixels that do not fit their description.
#[derive(Debug, thiserror::Error)]
#[error("{width}×{height} {format:?} takes {expected} bytes, the buffer has {found}")]
pub struct ImageError {
    format: PixelFormat,
    width: u32,
    height: u32,
    expected: usize,
    found: usize,
}

/// A picture: packed rows of `width` pixels without padding, channels interleaved in RGB(A) order. 16-bit channels are
/// little-endian and use their full range, whatever the depth of the source. Cloning shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    format: PixelFormat,
    width: u32,
    height: u32,
    data: Bytes,
}

impl Image {
    /// Wraps `data`, which must be exactly as long as the format and size say.
    pub fn new(format: PixelFormat, width: u32, height: u32, data: impl Into<Bytes>) -> Result<Self, ImageError> {
        let data = data.into();
        let expected = byte_length(format, width, height);
        if data.len() != expected {
            return Err(ImageError { format, width, height, expected, found: data.len() });
        }
        Ok(Self { format, width, height, data })
    }

    /// Format of the pixels.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The pixels, `height · width · bytes per pixel`.
    pub fn data(&self) -> &Bytes {
        &self.data
    }
}

/// One frame of an item: a picture, its number in the whole item and its presentation time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Number in the whole item, from 0.
    pub number: u64,
    /// Presentation time in nanoseconds from the item's first frame.
    pub pts_ns: i64,
    /// The pixels.
    pub image: Image,
}

/// Channels of a format: 1, 3 or 4.
pub fn channels(format: PixelFormat) -> usize {
    match format {
        PixelFormat::Unspecified => 0,
        PixelFormat::Grey8 | PixelFormat::Grey16 => 1,
        PixelFormat::Rgb8 | PixelFormat::Rgb16 => 3,
        PixelFormat::Rgba8 | PixelFormat::Rgba16 => 4,
    }
}

/// Bytes of one channel of a format: 1 or 2.
pub fn channel_bytes(format: PixelFormat) -> usize {
    match format {
        PixelFormat::Grey16 | PixelFormat::Rgb16 | PixelFormat::Rgba16 => 2,
        _ => 1,
    }
}

/// Bytes of a picture.
pub fn byte_length(format: PixelFormat, width: u32, height: u32) -> usize {
    width as usize * height as usize * channels(format) * channel_bytes(format)
}

/// Format of an item's full frames: its own depth and channels.
pub fn full_format(item: &Item) -> PixelFormat {
    match (item.grey, item.alpha, item.bit_depth > 8) {
        (true, false, false) => PixelFormat::Grey8,
        (true, false, true) => PixelFormat::Grey16,
        (_, false, false) => PixelFormat::Rgb8,
        (_, false, true) => PixelFormat::Rgb16,
        (_, true, false) => PixelFormat::Rgba8,
        (_, true, true) => PixelFormat::Rgba16,
    }
}

/// Size of an item's proxies: its own when that is small enough, else scaled to [`PROXY_SIDE`] on the long side.
pub fn proxy_size(width: u32, height: u32) -> (u32, u32) {
    let long = width.max(height);
    if long <= PROXY_SIDE {
        return (width, height);
    }
    let scaled =
        |side: u32| ((u64::from(side) * u64::from(PROXY_SIDE) + u64::from(long) / 2) / u64::from(long)).max(1) as u32;
    (scaled(width), scaled(height))
}

/// Frames of a batch on an item's grid: as many of its full frames as fit into [`BATCH_BYTES`], unless the item says that it has been seen
/// before, on another grid.
pub fn batch_frames(item: &Item) -> u64 {
    if item.batch_frames > 0 {
        return u64::from(item.batch_frames);
    }
    let bytes = byte_length(full_format(item), item.width, item.height).max(1) as u64;
    (BATCH_BYTES / bytes).clamp(1, BATCH_FRAMES)
}

/// How many of an item's largest full frames take as many bytes as a whole batch does at most. Fewer than [`batch_frames`] where a folder of
/// stills has grown by larger ones, of which its batches hold fewer.
pub fn largest_frames(item: &Item) -> u64 {
    let bytes = byte_length(full_format(item), item.width, item.height).max(1) as u64;
    let frames = batch_frames(item);
    if item.batch_frames == 0 { frames } else { BATCH_BYTES.div_ceil(bytes).clamp(1, frames) }
}

/// Whether `frame` lies in `range`.
pub fn contains(range: &FrameRange, frame: u64) -> bool {
    (range.start..range.end).contains(&frame)
}

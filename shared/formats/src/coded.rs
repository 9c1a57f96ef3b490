//! Samples that frames are coded as, and the bytes that these take.
use crate::Codec;
use framefleet_frames::{PixelFormat, frame};

/// Rows of samples begin at multiples of this many bytes.
const ALIGNMENT: u64 = 64;

/// The samples of a coded frame, by FFmpeg's names of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it: colour model, chroma subsampling, bits")]
pub enum CodedFormat {
    Grey8,
    Grey16,
    Bgra,
    /// Blue, green, red and a byte that is not used.
    Bgrz,
    Gbrp16,
    Gbrap16,
    Yuv420p,
    Yuv420p10,
    Yuv420p12,
    Yuv422p,
    Yuv422p10,
    Yuv444p,
    Yuv444p10,
    Yuv444p12,
    Yuva444p10,
}

/// Planes of a frame: bytes of a pixel in each, and how many halvings the second and the third have across and down.
struct Layout {
    planes: u64,
    pixel: u64,
    halved: (u32, u32),
}

impl CodedFormat {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Grey8,
        Self::Grey16,
        Self::Bgra,
        Self::Bgrz,
        Self::Gbrp16,
        Self::Gbrap16,
        Self::Yuv420p,
        Self::Yuv420p10,
        Self::Yuv420p12,
        Self::Yuv422p,
        Self::Yuv422p10,
        Self::Yuv444p,
        Self::Yuv444p10,
        Self::Yuv444p12,
        Self::Yuva444p10,
    ];

    /// The samples that frames of `input` with so many bits that mean something are encoded in.
    pub(crate) fn of(codec: Codec, input: PixelFormat, (width, height): (u32, u32), bit_depth: u32) -> Self {
        let deep = frame::channel_bytes(input) == 2;
        let alpha = frame::channels(input) == 4;
        let odd = width % 2 == 1 || height % 2 == 1;
        match codec {
            Codec::H264 | Codec::H265 if !deep => {
                if odd {
                    Self::Yuv444p
                } else {
                    Self::Yuv420p
                }
            }
            Codec::H265 if bit_depth > 10 => {
                if odd {
                    Self::Yuv444p12
                } else {
                    Self::Yuv420p12
                }
            }
            Codec::H264 | Codec::H265 => {
                if odd {
                    Self::Yuv444p10
                } else {
                    Self::Yuv420p10
                }
            }
            Codec::Prores if alpha => Self::Yuva444p10,
            Codec::Prores => Self::Yuv422p10,
            Codec::Dnxhr => {
                if deep {
                    Self::Yuv422p10
                } else {
                    Self::Yuv422p
                }
            }
            Codec::Ffv1 => Self::lossless(input),
        }
    }

    /// The samples of FFV1 that hold every value of `input`.
    fn lossless(input: PixelFormat) -> Self {
        match input {
            PixelFormat::Grey8 => Self::Grey8,
            PixelFormat::Grey16 => Self::Grey16,
            PixelFormat::Rgba8 => Self::Bgra,
            PixelFormat::Rgb16 => Self::Gbrp16,
            PixelFormat::Rgba16 => Self::Gbrap16,
            PixelFormat::Rgb8 | PixelFormat::Unspecified => Self::Bgrz,
        }
    }

    fn layout(self) -> Layout {
        let (planes, pixel, halved) = match self {
            Self::Grey8 => (1, 1, (0, 0)),
            Self::Grey16 => (1, 2, (0, 0)),
            Self::Bgra | Self::Bgrz => (1, 4, (0, 0)),
            Self::Gbrp16 | Self::Yuv444p10 | Self::Yuv444p12 => (3, 2, (0, 0)),
            Self::Gbrap16 | Self::Yuva444p10 => (4, 2, (0, 0)),
            Self::Yuv420p => (3, 1, (1, 1)),
            Self::Yuv420p10 | Self::Yuv420p12 => (3, 2, (1, 1)),
            Self::Yuv422p => (3, 1, (1, 0)),
            Self::Yuv422p10 => (3, 2, (1, 0)),
            Self::Yuv444p => (3, 1, (0, 0)),
        };
        Layout { planes, pixel, halved }
    }

    /// Bytes of a frame of this size, with rows as FFmpeg aligns them. 0 for sizes that FFmpeg refuses, none and those whose frames may have 2 GiB:
    /// encoding them fails.
    pub fn bytes(self, width: u32, height: u32) -> u64 {
        let (width, height) = (u64::from(width), u64::from(height));
        // libavutil's `av_image_check_size`: eight bytes for a pixel, and a margin.
        let may_have = (8 * width + 1024).saturating_mul(height + 128);
        if width == 0 || height == 0 || may_have >= i32::MAX as u64 {
            return 0;
        }
        let Layout { planes, pixel, halved: (across, down) } = self.layout();
        let plane = |across: u32, down: u32| {
            (width.div_ceil(1 << across) * pixel).next_multiple_of(ALIGNMENT) * height.div_ceil(1 << down)
        };
        let chroma = 2.min(planes - 1);
        (planes - chroma) * plane(0, 0) + chroma * plane(across, down)
    }
}

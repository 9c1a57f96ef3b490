//! How a film's frames are encoded.
use crate::{Codec, CodedFormat, Dither};
use framefleet_frames::times::fine_unit;
use framefleet_frames::{Colour, Item, PixelFormat, Rational};

/// Everything that decides how frames are encoded: pieces that are to be joined are made by equal ones.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoFormat {
    /// The codec.
    pub codec: Codec,
    /// Width of the frames, pixels (square).
    pub width: u32,
    /// Height of the frames, pixels.
    pub height: u32,
    /// Format of the frames as they come.
    pub input: PixelFormat,
    /// Bits per channel that mean something in the frames; codecs with a choice go by it when the frames have 16.
    pub bit_depth: u32,
    /// What becomes of bits that the codec has no room for.
    pub dither: Dither,
    /// Unit of timestamps: the source's, so that its times are kept exactly.
    pub time_base: Rational,
    /// Average frame rate; tells rate control and players, times come with the frames.
    pub frame_rate: Rational,
    /// The frames' colour tags.
    pub colour: Colour,
    /// Whether the source's HDR metadata speak of the frames: not where a step changed their colour.
    pub hdr_metadata: bool,
    /// Constant rate factor of H.264 and H.265 (0 best … 51); `None` = 16 and 18. Others have their fixed profile.
    pub quality: Option<u32>,
    /// Encoder threads; part of the execution class, since x264's answer depends on it. 0 is taken as 1; H.265 uses
    /// one always.
    pub threads: u32,
}

impl VideoFormat {
    /// The format for frames of an item that have this size and pixel format, in the source's colour and depth. Time base: the item's, or one frame where it
    /// has none (image sequences) or a coarser one (fields made frames).
    pub fn new(
        codec: Codec,
        item: &Item,
        (width, height, input): (u32, u32, PixelFormat),
        quality: Option<u32>,
    ) -> Self {
        let frame_rate = positive(item.frame_rate).unwrap_or(Rational { num: 25, den: 1 });
        let one_frame = Rational { num: frame_rate.den, den: frame_rate.num };
        let is_fine = |unit: &Rational| {
            i128::from(unit.num) * i128::from(one_frame.den) <= i128::from(unit.den) * i128::from(one_frame.num)
        };
        let time_base = positive(item.time_base).filter(is_fine);
        Self {
            codec,
            width,
            height,
            input,
            bit_depth: item.bit_depth,
            dither: Dither::default(),
            time_base: time_base.unwrap_or(one_frame),
            frame_rate,
            colour: item.colour.clone().unwrap_or_default(),
            hdr_metadata: true,
            quality,
            threads: 1,
        }
    }

    /// The same for frames that are so close together at the least, nanoseconds: each has a time of its own.
    pub fn for_times(self, closest_ns: Option<i64>) -> Self {
        Self { time_base: fine_unit(self.time_base, closest_ns), ..self }
    }

    /// The same for frames whose colour and depth steps changed.
    pub fn made(self, colour: Colour, bit_depth: u32) -> Self {
        let hdr_metadata = colour == self.colour;
        Self { colour, bit_depth, hdr_metadata, ..self }
    }

    /// The samples that frames are coded as.
    pub fn coded(&self) -> CodedFormat {
        CodedFormat::of(self.codec, self.input, (self.width, self.height), self.bit_depth)
    }
}

fn positive(value: Option<Rational>) -> Option<Rational> {
    value.filter(|value| value.num > 0 && value.den > 0)
}

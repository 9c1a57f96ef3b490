//! A film's format as FFmpeg's encoders take it.
use super::{
    EncodeError,
    convert::{input_format, pixel},
};
use ffmpeg_next::{self as ffmpeg, codec, ffi};
use framefleet_colour::{Tags, matrix};
use framefleet_formats::{Codec, CodedFormat, VideoFormat};
use framefleet_frames::{Item, Rational, frame};
use std::path::Path;

/// Constant rate factors that show no difference to the eye at normal viewing distance.
const X264_RATE_FACTOR: u32 = 16;
const X265_RATE_FACTOR: u32 = 18;
/// Without adaptive B-frames and coding tree, x265 looks no further ahead than a mini-GOP and a frame: 5, the least it takes,
/// gives the same bytes as the 20 of the preset, in less than half the memory.
const X265_PARAMETERS: &str = "open-gop=0:cutree=0:b-adapt=0:weightp=0:frame-threads=1:pools=none:wpp=0:\
                               lookahead-slices=0:rc-lookahead=5:info=0:log-level=error";
/// Smallest frames that DNxHR takes.
const DNXHR_SMALLEST: (u32, u32) = (256, 120);
/// Bits of all channels, and one more for each, that FFmpeg puts into a slice of FFV1 at most …
const FFV1_SLICE_BITS: u64 = 8 << 24;
/// … and rows of slices, of as many each.
const FFV1_MOST_SIDE: u32 = 31;

/// A film's format, for FFmpeg.
pub(crate) trait Coding {
    /// FFmpeg's time base.
    fn ticks(&self) -> ffmpeg::Rational;
    /// FFmpeg's frame rate.
    fn rate(&self) -> ffmpeg::Rational;
    /// The pixel format that frames are coded in.
    fn pixel(&self) -> ffmpeg::format::Pixel;
    /// The colour tags of coded frames.
    fn tags(&self) -> Tags;
    /// Refuses what the codec does not take.
    fn check(&self, path: &Path) -> Result<(), EncodeError>;
    /// Settings of the encoder beyond the common ones. What makes other bytes of the same frames from run to run is off:
    /// x264's macroblock tree and x265's coding tree, adaptive B-frames, weighted prediction and worker threads depend, at
    /// some sizes (96×64, seen with `MALLOC_PERTURB_`), on memory that was never written.
    fn options(&self) -> Vec<(&'static str, String)>;
}

impl Coding for VideoFormat {
    fn ticks(&self) -> ffmpeg::Rational {
        fraction(self.time_base)
    }

    fn rate(&self) -> ffmpeg::Rational {
        fraction(self.frame_rate)
    }

    fn pixel(&self) -> ffmpeg::format::Pixel {
        pixel(self.coded())
    }

    fn tags(&self) -> Tags {
        let full = match self.codec {
            // Lossless grey keeps full-range values as they are.
            Codec::Ffv1 => true,
            // Neither says which range it has; all the world takes it for limited.
            Codec::Prores | Codec::Dnxhr => false,
            Codec::H264 | Codec::H265 => {
                self.colour.range == "pc" && matrix::number(&self.colour.matrix) != matrix::RGB
            }
        };
        Tags::new(&self.colour, matrix_of(self), full)
    }

    fn check(&self, path: &Path) -> Result<(), EncodeError> {
        let (width, height) = DNXHR_SMALLEST;
        if self.codec == Codec::Dnxhr && (self.width < width || self.height < height) {
            let problem =
                format!("DNxHR takes frames of {width}×{height} and more, these have {}×{}", self.width, self.height);
            return Err(EncodeError::unfit(path, problem));
        }
        Ok(())
    }

    fn options(&self) -> Vec<(&'static str, String)> {
        match self.codec {
            Codec::H264 => vec![
                ("preset", "medium".to_owned()),
                ("crf", self.quality.unwrap_or(X264_RATE_FACTOR).to_string()),
                ("x264-params", "open-gop=0:sliced-threads=0:lookahead-threads=1:mbtree=0".to_owned()),
            ],
            Codec::H265 => vec![
                ("preset", "medium".to_owned()),
                ("crf", self.quality.unwrap_or(X265_RATE_FACTOR).to_string()),
                ("x265-params", X265_PARAMETERS.to_owned()),
            ],
            Codec::Prores if self.coded() == CodedFormat::Yuva444p10 => {
                vec![("profile", "4444".to_owned()), ("alpha_bits", "16".to_owned()), ("vendor", "apl0".to_owned())]
            }
            Codec::Prores => vec![("profile", "hq".to_owned()), ("vendor", "apl0".to_owned())],
            Codec::Dnxhr if self.coded() == CodedFormat::Yuv422p => vec![("profile", "dnxhr_hq".to_owned())],
            Codec::Dnxhr => vec![("profile", "dnxhr_hqx".to_owned())],
            Codec::Ffv1 => {
                vec![("level", "3".to_owned()), ("slicecrc", "1".to_owned()), ("slices", ffv1_slices(self).to_string())]
            }
        }
    }
}

/// The matrix of the samples: the source's, if that is one for them.
fn matrix_of(format: &VideoFormat) -> std::ffi::c_int {
    let source = matrix::number(&format.colour.matrix);
    match format.codec {
        Codec::Ffv1 if frame::channels(format.input) >= 3 => matrix::RGB,
        // Its frames can say no other.
        Codec::Dnxhr if !matrix::is_bt2020(source) => matrix::BT709,
        _ if source == matrix::RGB => matrix::for_scaler(source, format.width, format.height),
        _ => source,
    }
}

/// Slices of an FFV1 frame: 4, or as many rows of as many as it takes for none to be larger than FFmpeg's encoder has them.
fn ffv1_slices(format: &VideoFormat) -> u32 {
    let bits = frame::channels(format.input) * (8 * frame::channel_bytes(format.input) + 1);
    let fits = |side: &u32| {
        let pixels = u64::from(format.width.div_ceil(*side)) * u64::from(format.height.div_ceil(*side));
        pixels.saturating_mul(bits as u64) <= FFV1_SLICE_BITS
    };
    let side = (2..FFV1_MOST_SIDE).find(fits).unwrap_or(FFV1_MOST_SIDE);
    side * side
}

/// The format that a piece of an item was made with, as [`VideoFormat::new`] has it (but for quality and threads, which joining does not ask for).
pub fn format_of_piece(path: &Path, codec: Codec, item: &Item) -> Result<VideoFormat, EncodeError> {
    framefleet_demux::log::start();
    let input = ffmpeg::format::input(path).map_err(EncodeError::ffmpeg(path, "opening the piece"))?;
    let stream = input.stream(0).ok_or_else(|| EncodeError::unfit(path, "the piece has no stream"))?;
    let context = codec::Context::from_parameters(stream.parameters());
    let video = context.and_then(|context| context.decoder().video());
    let video = video.map_err(EncodeError::ffmpeg(path, "reading the piece's parameters"))?;
    Ok(VideoFormat::new(codec, item, (video.width(), video.height(), input_format(video.format())), None))
}

/// Nanoseconds in units of a time base, rounded to the nearest.
pub(super) fn ticks(nanoseconds: i64, unit: Rational) -> i64 {
    let second = ffmpeg::Rational(1, 1_000_000_000);
    let unit = fraction(unit);
    // SAFETY: pure arithmetic.
    unsafe { ffi::av_rescale_q(nanoseconds, second.into(), unit.into()) }
}

/// A fraction of FFmpeg's, reduced to its size.
fn fraction(value: Rational) -> ffmpeg::Rational {
    let (mut num, mut den) = (0, 1);
    // SAFETY: both targets are valid.
    unsafe { ffi::av_reduce(&mut num, &mut den, value.num, value.den, i64::from(i32::MAX)) };
    ffmpeg::Rational(num, den)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What plans reserve by, beside what libavutil says of the same frames.
    #[test]
    fn coded_frames_have_the_bytes_that_ffmpeg_gives_them() {
        let sizes = [
            (1, 1),
            (63, 65),
            (1920, 1080),
            (1921, 1081),
            (7680, 4320),
            (16_000, 16_000),
            (16_384, 16_384),
            (40_000, 3),
            (0, 9),
        ];
        for coded in CodedFormat::ALL {
            for (width, height) in sizes {
                // SAFETY: pure arithmetic.
                let bytes = unsafe { ffi::av_image_get_buffer_size(pixel(coded).into(), width, height, 64) };
                let expected = u64::try_from(bytes).unwrap_or(0);
                assert_eq!(coded.bytes(width as u32, height as u32), expected, "{coded:?} {width}×{height}");
            }
        }
    }
}

//! Frames of one run to a piece.
use super::{
    Codec, Dither, EncodeError,
    convert::{Converter, coded_format, input_format},
    tags::Tags,
};
use crate::{Colour, Image, Item, PixelFormat, Rational, colour::matrix, frame, times::fine_unit};
use ffmpeg_next::{self as ffmpeg, Dictionary, Packet, codec, ffi, format::context::Output};
use std::path::{Path, PathBuf};

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
/// Seconds from one key frame to the next in codecs that have other frames.
const KEY_FRAME_SECONDS: i64 = 2;

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

    /// The format that a piece of an item was made with, as [`VideoFormat::new`] has it (but for quality and threads, which joining does not ask for).
    pub fn of_piece(path: &Path, codec: Codec, item: &Item) -> Result<Self, EncodeError> {
        crate::log::start();
        let input = ffmpeg::format::input(path).map_err(EncodeError::ffmpeg(path, "opening the piece"))?;
        let stream = input.stream(0).ok_or_else(|| EncodeError::unfit(path, "the piece has no stream"))?;
        let context = codec::Context::from_parameters(stream.parameters());
        let video = context.and_then(|context| context.decoder().video());
        let video = video.map_err(EncodeError::ffmpeg(path, "reading the piece's parameters"))?;
        Ok(Self::new(codec, item, (video.width(), video.height(), input_format(video.format())), None))
    }

    /// FFmpeg's time base.
    pub(super) fn ticks(&self) -> ffmpeg::Rational {
        fraction(self.time_base)
    }

    /// FFmpeg's frame rate.
    pub(super) fn rate(&self) -> ffmpeg::Rational {
        fraction(self.frame_rate)
    }

    /// The pixel format that frames are coded in.
    pub(super) fn pixel(&self) -> ffmpeg::format::Pixel {
        coded_format(self.codec, self.input, self.width, self.height, self.bit_depth)
    }

    pub(super) fn tags(&self) -> Tags {
        let full = match self.codec {
            // Lossless grey keeps full-range values as they are.
            Codec::Ffv1 => true,
            // Neither says which range it has; all the world takes it for limited.
            Codec::Prores | Codec::Dnxhr => false,
            Codec::H264 | Codec::H265 => {
                self.colour.range == "pc" && matrix::number(&self.colour.matrix) != matrix::RGB
            }
        };
        Tags::new(&self.colour, self.matrix(), full)
    }

    /// The matrix of the samples: the source's, if that is one for them.
    fn matrix(&self) -> std::ffi::c_int {
        let source = matrix::number(&self.colour.matrix);
        match self.codec {
            Codec::Ffv1 if frame::channels(self.input) >= 3 => matrix::RGB,
            // Its frames can say no other.
            Codec::Dnxhr if !matrix::is_bt2020(source) => matrix::BT709,
            _ if source == matrix::RGB => matrix::for_scaler(source, self.width, self.height),
            _ => source,
        }
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

    /// Slices of an FFV1 frame: 4, or as many rows of as many as it takes for none to be larger than FFmpeg's encoder has them.
    fn ffv1_slices(&self) -> u32 {
        let bits = frame::channels(self.input) * (8 * frame::channel_bytes(self.input) + 1);
        let fits = |side: &u32| {
            let pixels = u64::from(self.width.div_ceil(*side)) * u64::from(self.height.div_ceil(*side));
            pixels.saturating_mul(bits as u64) <= FFV1_SLICE_BITS
        };
        let side = (2..FFV1_MOST_SIDE).find(fits).unwrap_or(FFV1_MOST_SIDE);
        side * side
    }

    /// Settings of the encoder beyond the common ones. What makes other bytes of the same frames from run to run is off:
    /// x264's macroblock tree and x265's coding tree, adaptive B-frames, weighted prediction and worker threads depend, at
    /// some sizes (96×64, seen with `MALLOC_PERTURB_`), on memory that was never written.
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
            Codec::Prores if self.pixel() == ffmpeg::format::Pixel::YUVA444P10LE => {
                vec![("profile", "4444".to_owned()), ("alpha_bits", "16".to_owned()), ("vendor", "apl0".to_owned())]
            }
            Codec::Prores => vec![("profile", "hq".to_owned()), ("vendor", "apl0".to_owned())],
            Codec::Dnxhr if self.pixel() == ffmpeg::format::Pixel::YUV422P => vec![("profile", "dnxhr_hq".to_owned())],
            Codec::Dnxhr => vec![("profile", "dnxhr_hqx".to_owned())],
            Codec::Ffv1 => {
                vec![
                    ("level", "3".to_owned()),
                    ("slicecrc", "1".to_owned()),
                    ("slices", self.ffv1_slices().to_string()),
                ]
            }
        }
    }
}

/// Writes one piece. Frames come in order; memory holds the encoder's own look-ahead, nothing else.
pub struct Encoder {
    path: PathBuf,
    format: VideoFormat,
    encoder: codec::encoder::video::Encoder,
    converter: Converter,
    output: Output,
    last: Option<i64>,
    frames: u64,
}

impl Encoder {
    /// Starts a piece at `path` (a NUT file, whatever its name).
    pub fn create(path: &Path, format: &VideoFormat) -> Result<Self, EncodeError> {
        format.check(path)?;
        crate::log::start();
        let fail = |doing| EncodeError::ffmpeg(path, doing);
        let encoder = open(format).map_err(fail("opening the encoder"))?;
        let (input, size) = ((format.input, format.bit_depth), (format.width, format.height));
        let converter = Converter::new(input, size, format.pixel(), &format.tags(), format.dither)
            .map_err(fail("preparing the conversion"))?;
        let mut output = ffmpeg::format::output_as(path, "nut").map_err(fail("creating the piece"))?;
        super::make_reproducible(&mut output);
        // Decoding times before 0 are no reason to move the presentation times of a piece.
        // SAFETY: the context is valid.
        unsafe { (*output.as_mut_ptr()).avoid_negative_ts = 0 };
        let mut stream = output.add_stream_with(&encoder).map_err(fail("adding the stream"))?;
        stream.set_time_base(format.ticks());
        output.write_header().map_err(fail("writing the header"))?;
        Ok(Self { path: path.to_owned(), format: format.clone(), encoder, converter, output, last: None, frames: 0 })
    }

    /// Adds a frame that is shown at `pts_ns`, nanoseconds from the item's first frame; later than the one before.
    pub fn push(&mut self, image: &Image, pts_ns: i64) -> Result<(), EncodeError> {
        self.check(image)?;
        let pts = ticks(pts_ns, self.format.time_base);
        if self.last.is_some_and(|last| pts <= last) {
            let unit = &self.format.time_base;
            let problem = format!(
                "frame {} of the piece at {pts_ns} ns is not later than the one before (unit {}/{} s)",
                self.frames, unit.num, unit.den
            );
            return Err(EncodeError::unfit(&self.path, problem));
        }
        self.last = Some(pts);
        let mut frame = self.converter.convert(image).map_err(EncodeError::ffmpeg(&self.path, "converting a frame"))?;
        frame.set_pts(Some(pts));
        // SAFETY: the frame is valid and ours alone.
        unsafe { self.format.tags().write_to_frame(&mut *frame.as_mut_ptr()) };
        self.encoder.send_frame(&frame).map_err(EncodeError::ffmpeg(&self.path, "encoding a frame"))?;
        self.frames += 1;
        self.write_packets()
    }

    /// Ends the piece; returns its frames.
    pub fn finish(mut self) -> Result<u64, EncodeError> {
        self.encoder.send_eof().map_err(EncodeError::ffmpeg(&self.path, "ending the encoder"))?;
        self.write_packets()?;
        self.output.write_trailer().map_err(EncodeError::ffmpeg(&self.path, "writing the end of the piece"))?;
        Ok(self.frames)
    }

    fn check(&self, image: &Image) -> Result<(), EncodeError> {
        let wanted = (self.format.width, self.format.height, self.format.input);
        let found = (image.width(), image.height(), image.format());
        if wanted == found {
            return Ok(());
        }
        let (name, other) = (describe(wanted), describe(found));
        Err(EncodeError::unfit(&self.path, format!("frame {} is {other}, the piece has {name}", self.frames)))
    }

    fn write_packets(&mut self) -> Result<(), EncodeError> {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            let unit = self.output.stream(0).map_or(self.format.ticks(), |stream| stream.time_base());
            packet.rescale_ts(self.format.ticks(), unit);
            packet.set_stream(0);
            packet.write_interleaved(&mut self.output).map_err(EncodeError::ffmpeg(&self.path, "writing a packet"))?;
        }
        Ok(())
    }
}

fn open(format: &VideoFormat) -> Result<codec::encoder::video::Encoder, ffmpeg::Error> {
    let codec = ffmpeg::encoder::find_by_name(format.codec.encoder()).ok_or(ffmpeg::Error::EncoderNotFound)?;
    let mut context = codec::Context::new_with_codec(codec);
    context.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::CLOSED_GOP | codec::Flags::BITEXACT);
    context.set_threading(codec::threading::Config { count: format.threads.max(1) as usize, ..Default::default() });
    let mut video = context.encoder().video()?;
    video.set_width(format.width);
    video.set_height(format.height);
    video.set_format(format.pixel());
    video.set_time_base(format.ticks());
    video.set_frame_rate(Some(format.rate()));
    video.set_aspect_ratio(ffmpeg::Rational(1, 1));
    video.set_gop(group_of_pictures(format));
    // SAFETY: the context is valid and not open yet.
    unsafe { format.tags().write_to_context(&mut *video.as_mut_ptr()) };
    let mut options = Dictionary::new();
    for (key, value) in format.options() {
        options.set(key, &value);
    }
    video.open_as_with(codec, options)
}

fn group_of_pictures(format: &VideoFormat) -> u32 {
    if format.codec.reorder_delay() == 0 {
        return 1;
    }
    (format.frame_rate.num * KEY_FRAME_SECONDS / format.frame_rate.den.max(1)).clamp(1, 600) as u32
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

fn positive(value: Option<Rational>) -> Option<Rational> {
    value.filter(|value| value.num > 0 && value.den > 0)
}

fn describe((width, height, format): (u32, u32, PixelFormat)) -> String {
    format!("{width}×{height} {format:?}")
}

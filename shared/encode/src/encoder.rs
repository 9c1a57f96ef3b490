//! Frames of one run to a piece.
use super::EncodeError;
use super::coding::{Coding, ticks};
use super::convert::Converter;
use super::ffmpeg_names::FfmpegCodec;
use ffmpeg_next::{self as ffmpeg, Dictionary, Packet, codec, format::context::Output};
use framefleet_formats::VideoFormat;
use framefleet_frames::{Image, PixelFormat};
use std::path::{Path, PathBuf};

/// Seconds from one key frame to the next in codecs that have other frames.
const KEY_FRAME_SECONDS: i64 = 2;

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
        framefleet_demux::log::start();
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

fn describe((width, height, format): (u32, u32, PixelFormat)) -> String {
    format!("{width}×{height} {format:?}")
}

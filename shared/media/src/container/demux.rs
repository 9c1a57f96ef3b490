//! Opens containers by libavformat and hands out the packets of their picture stream.
use super::crop::{self, Crop};
use crate::read_error::ReadError;
use ffmpeg_next::{self as ffmpeg, Dictionary, Packet, codec, ffi, format, media};
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Demuxers that read other files or the network, or that make "videos" of text and single pictures.
const DENIED: [&str; 26] = [
    "concat",
    "hls",
    "dash",
    "imf",
    "sdp",
    "rtsp",
    "rtp",
    "sap",
    "image2",
    "image2pipe",
    "tty",
    "ffmetadata",
    "lavfi",
    "srt",
    "ass",
    "webvtt",
    "microdvd",
    "subviewer",
    "subviewer1",
    "jacosub",
    "sami",
    "realtext",
    "tedcaptions",
    "vplayer",
    "bin",
    "adf",
];

/// Unreadable packets in a row after which the rest of a file is given up.
const MAX_BAD_READS: u32 = 1000;

/// Pixels a decoder may be asked for; checked by libavcodec before it allocates.
const MAX_PIXELS: u64 = 1 << 30;

/// A container opened for the packets of its picture stream.
pub(crate) struct Demuxer {
    input: format::context::Input,
    stream: usize,
    path: PathBuf,
    bad_reads: u32,
}

/// Alpha that lies beside the pictures of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alpha {
    /// There is none.
    None,
    /// It comes with the pictures of the decoder of this name.
    Decoded(&'static str),
    /// It is not read: this FFmpeg lacks the decoder of this name.
    Lost(&'static str),
}

/// What reading a packet gave.
pub(crate) enum Read {
    /// The next packet of the stream, in decoding order.
    Packet(Packet),
    /// The end of the file.
    End,
    /// The rest cannot be read, and why.
    Broken(String),
}

impl Demuxer {
    /// Opens the picture stream of `path`.
    pub(crate) fn video(path: &Path) -> Result<Self, ReadError> {
        let input = open(path)?;
        let stream = video_stream(&input).ok_or_else(|| ReadError::NoVideo(path.to_owned()))?;
        Ok(Self::only(input, stream, &[], path))
    }

    /// The same for somebody who also reads the packets of sound and subtitles: see [`Demuxer::read_beside`].
    pub(crate) fn video_and_beside(path: &Path) -> Result<Self, ReadError> {
        let input = open(path)?;
        let stream = video_stream(&input).ok_or_else(|| ReadError::NoVideo(path.to_owned()))?;
        Ok(Self::only(input, stream, &[media::Type::Audio, media::Type::Subtitle], path))
    }

    /// Opens the first audio stream of `path`; `None` when it has none.
    pub(crate) fn audio(path: &Path) -> Result<Option<Self>, ReadError> {
        let input = open(path)?;
        let stream = audio_stream(&input);
        Ok(stream.map(|stream| Self::only(input, stream, &[], path)))
    }

    /// Keeps one stream, and those of some types; libavformat drops the packets of the others early.
    fn only(mut input: format::context::Input, stream: usize, beside: &[media::Type], path: &Path) -> Self {
        for mut other in input.streams_mut() {
            if other.index() != stream && !beside.contains(&other.parameters().medium()) {
                // SAFETY: the stream belongs to `input`, which is borrowed mutably; `discard` is a plain field for callers.
                unsafe { (*other.as_mut_ptr()).discard = ffi::AVDiscard::AVDISCARD_ALL };
            }
        }
        Self { input, stream, path: path.to_owned(), bad_reads: 0 }
    }

    /// The container.
    pub(crate) fn input(&self) -> &format::context::Input {
        &self.input
    }

    /// The stream; it was found when the container was opened.
    pub(crate) fn stream(&self) -> Result<format::stream::Stream<'_>, ReadError> {
        self.input.stream(self.stream).ok_or_else(|| ReadError::NoVideo(self.path.clone()))
    }

    /// Seconds of one tick of the stream's timestamps, as a fraction.
    pub(crate) fn time_base(&self) -> Result<ffmpeg::Rational, ReadError> {
        let base = self.stream()?.time_base();
        if base.numerator() <= 0 || base.denominator() <= 0 {
            return Err(ReadError::container(&self.path, "the time base is not a positive fraction"));
        }
        Ok(base)
    }

    /// A decoder for the stream, on one thread: parallelism is across batches, and no answer may depend on threads.
    pub(crate) fn decoder(&self) -> Result<codec::decoder::Decoder, ReadError> {
        let parameters = self.stream()?.parameters();
        let refused = |error: ffmpeg::Error| self.refused(error);
        let mut context = codec::Context::from_parameters(parameters).map_err(refused)?;
        context.set_threading(codec::threading::Config {
            kind: codec::threading::Type::None,
            count: 1,
            ..Default::default()
        });
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(self.time_base()?);
        // SAFETY: the context is not opened yet; `max_pixels` is a plain field for callers.
        unsafe { (*decoder.as_mut_ptr()).max_pixels = MAX_PIXELS as i64 };
        Ok(decoder)
    }

    /// The decoder of the picture stream, opened: of VP8 and VP9 with alpha one that decodes it, if this FFmpeg has one.
    pub(crate) fn video_decoder(&self) -> Result<codec::decoder::Video, ReadError> {
        let decoder = self.decoder()?;
        let opened = match self.alpha()? {
            Alpha::Decoded(name) => match codec::decoder::find_by_name(name) {
                Some(codec) => decoder.open_as(codec).and_then(codec::decoder::Opened::video),
                None => decoder.video(),
            },
            _ => decoder.video(),
        };
        opened.map_err(|error| self.refused(error))
    }

    /// What becomes of alpha that lies beside the pictures of the stream (Matroska's `AlphaMode`), of which its codec's parameters do not speak.
    pub(crate) fn alpha(&self) -> Result<Alpha, ReadError> {
        let stream = self.stream()?;
        let decoder = match stream.parameters().id() {
            codec::Id::VP8 => "libvpx",
            codec::Id::VP9 => "libvpx-vp9",
            _ => return Ok(Alpha::None),
        };
        let has_alpha = stream.metadata().get("alpha_mode").is_some_and(|mode| mode == "1");
        Ok(match codec::decoder::find_by_name(decoder) {
            _ if !has_alpha => Alpha::None,
            Some(_) => Alpha::Decoded(decoder),
            None => Alpha::Lost(decoder),
        })
    }

    /// The part of the coded pictures that the container says is to be shown.
    pub(crate) fn crop(&self) -> Result<Crop, ReadError> {
        let stream = self.stream()?;
        let is_before = |other: &format::stream::Stream<'_>| {
            other.index() < stream.index() && other.parameters().medium() == media::Type::Video
        };
        let place = self.input.streams().filter(is_before).count();
        Ok(crop::of(&self.path, self.input.format().name(), place))
    }

    /// The error of a decoder that does not open.
    pub(crate) fn refused(&self, error: ffmpeg::Error) -> ReadError {
        let codec = self.stream().map(|stream| codec_name(stream.parameters().id())).unwrap_or_default();
        ReadError::Decoder { path: self.path.clone(), codec, reason: error.to_string() }
    }

    /// The next packet of the stream.
    pub(crate) fn read(&mut self) -> Read {
        self.read_beside(&mut |_| {})
    }

    /// The next packet of the stream; packets of other streams that come before it are told to `beside`.
    pub(crate) fn read_beside(&mut self, beside: &mut dyn FnMut(&Packet)) -> Read {
        let mut packet = Packet::empty();
        loop {
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() == self.stream => {
                    self.bad_reads = 0;
                    return Read::Packet(packet);
                }
                Ok(()) => beside(&packet),
                Err(ffmpeg::Error::Eof) => return Read::End,
                Err(ffmpeg::Error::InvalidData) if self.bad_reads < MAX_BAD_READS => self.bad_reads += 1,
                Err(error) => return Read::Broken(error.to_string()),
            }
        }
    }

    /// Moves to a place at or before `ticks` (in the stream's time base) where decoding may begin. False when the
    /// container cannot.
    pub(crate) fn seek(&mut self, ticks: i64) -> bool {
        self.bad_reads = 0;
        // SAFETY: the context is open and borrowed mutably; the stream index is one of its own.
        let code =
            unsafe { ffi::avformat_seek_file(self.input.as_mut_ptr(), self.stream as i32, i64::MIN, ticks, ticks, 0) };
        code >= 0
    }
}

/// FFmpeg's short name of a codec.
pub(crate) fn codec_name(id: codec::Id) -> String {
    id.name().to_owned()
}

/// Opens a container after its probe, local files only, with its streams' headers read.
fn open(path: &Path) -> Result<format::context::Input, ReadError> {
    crate::log::quiet();
    let metadata = std::fs::metadata(path).map_err(|source| ReadError::io(path, source))?;
    if metadata.len() == 0 {
        return Err(ReadError::EmptyFile(path.to_owned()));
    }
    let name = path.to_str().filter(|name| !name.contains('\0')).ok_or_else(|| ReadError::Name(path.to_owned()))?;
    let mut options = Dictionary::new();
    options.set("protocol_whitelist", "file");
    options.set("format_whitelist", allowed_demuxers());
    // The prefix keeps a file called "http:…" a file.
    format::input_with_dictionary(&format!("file:{name}"), options).map_err(|error| ReadError::container(path, error))
}

/// The stream that holds moving pictures: FFmpeg's choice, unless that is a cover.
fn video_stream(input: &format::context::Input) -> Option<usize> {
    let is_cover =
        |stream: &format::stream::Stream<'_>| stream.disposition().contains(format::stream::Disposition::ATTACHED_PIC);
    let best = input.streams().best(media::Type::Video)?;
    if !is_cover(&best) {
        return Some(best.index());
    }
    input
        .streams()
        .find(|stream| stream.parameters().medium() == media::Type::Video && !is_cover(stream))
        .map(|stream| stream.index())
}

/// FFmpeg's choice of an audio stream.
pub(crate) fn audio_stream(input: &format::context::Input) -> Option<usize> {
    input.streams().best(media::Type::Audio).map(|stream| stream.index())
}

/// Names of the demuxers that media may be opened with, joined by commas.
fn allowed_demuxers() -> &'static str {
    static NAMES: OnceLock<String> = OnceLock::new();
    NAMES.get_or_init(|| demuxer_names().into_iter().filter(|name| is_allowed(name)).collect::<Vec<_>>().join(","))
}

/// Whether a demuxer (its name may be a list of synonyms) reads media out of the one file it is given.
fn is_allowed(name: &str) -> bool {
    name.split(',').all(|part| !DENIED.contains(&part) && !part.ends_with("_pipe"))
}

/// Names of all demuxers that this FFmpeg has.
fn demuxer_names() -> Vec<String> {
    let mut names = Vec::new();
    let mut state = std::ptr::null_mut();
    loop {
        // SAFETY: the iteration state starts as null and is only touched by libavformat; what it gives is static.
        let demuxer = unsafe { ffi::av_demuxer_iterate(&mut state) };
        if demuxer.is_null() {
            return names;
        }
        // SAFETY: a demuxer's name is a static, NUL-terminated string.
        names.push(unsafe { CStr::from_ptr((*demuxer).name) }.to_string_lossy().into_owned());
    }
}

//! Opens containers by libavformat and hands out the packets of their picture stream.
use super::crop::{self, Crop};
use super::open::open;
use super::steps::Steps;
use super::streams::{codec_name, film_stream, sound_stream};
use super::timeline::scale;
use ffmpeg_next::{self as ffmpeg, Packet, codec, ffi, format, media};
use framefleet_frames::{ReadError, VideoFile};
use std::path::{Path, PathBuf};

/// Unreadable packets in a row after which the rest of a file is given up.
const MAX_BAD_READS: u32 = 1000;

/// Pixels a decoder may be asked for; checked by libavcodec before it allocates.
const MAX_PIXELS: u64 = 1 << 30;

/// Packets after damage within which pictures may turn out to be missing: parsers and made-up decoding times lag behind. Damage alone says
/// little: packets are flagged as incomplete at every seam of a transport stream.
const SUSPECT: u32 = 20;

/// Gaps that are longer are pauses at a seam, not lost pictures.
const LONGEST_GAP_NS: i64 = 10_000_000_000;

/// Pictures by which times of showing may run ahead without one being missing.
const AHEAD: i64 = 6;

/// Codecs whose decoders pad what is missing of a picture and say nothing.
const PADS_SILENTLY: [codec::Id; 3] = [codec::Id::MJPEG, codec::Id::MJPEGB, codec::Id::AMV];

/// A container opened for the packets of its picture stream.
pub struct Demuxer {
    input: format::context::Input,
    stream: usize,
    path: PathBuf,
    bad_reads: u32,
    /// Where clocks may be put one behind the other, read from the start.
    steps: Option<Steps>,
    extent: Extent,
    /// The damage for which pictures are missing before the last packet.
    reported: Option<String>,
    /// Damage that was met, and packets to come that may show that pictures are missing for it.
    suspicion: Option<(String, u32)>,
    /// Where the next packet of the pictures is expected, by decoding time; end of the last one that is shown.
    next_ns: Option<i64>,
    end_ns: Option<i64>,
}

/// How much of a file was read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extent {
    /// Packets of the picture stream.
    pub packets: u64,
    /// End of the last packet of any stream that is read, on the container's clock, nanoseconds.
    pub all_ns: i64,
}

/// Alpha that lies beside the pictures of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpha {
    /// There is none.
    None,
    /// It comes with the pictures of the decoder of this name.
    Decoded(&'static str),
    /// It is not read: this FFmpeg lacks the decoder of this name.
    Lost(&'static str),
}

/// What reading a packet gave.
pub enum Read {
    /// The next packet of the stream, in decoding order.
    Packet(Packet),
    /// The end of the file.
    End,
    /// The rest cannot be read, and why.
    Broken(String),
}

impl Demuxer {
    /// Opens the picture stream of `file`.
    pub fn video(file: VideoFile<'_>) -> Result<Self, ReadError> {
        let input = open(file.path())?;
        let stream = film_stream(file, &input)?;
        Ok(Self::only(input, stream, &[], file.path()))
    }

    /// The same for somebody who also reads the packets of sound and subtitles: see [`Demuxer::read_beside`].
    pub fn video_and_beside(file: VideoFile<'_>) -> Result<Self, ReadError> {
        let input = open(file.path())?;
        let stream = film_stream(file, &input)?;
        Ok(Self::only(input, stream, &[media::Type::Audio, media::Type::Subtitle], file.path()))
    }

    /// Opens a sound track of `path`, by its number or FFmpeg's choice; `None` when it is not there. Packets of `pictures` are read beside it.
    pub fn audio(path: &Path, track: Option<u32>, pictures: Option<usize>) -> Result<Option<Self>, ReadError> {
        let input = open(path)?;
        let Some(stream) = sound_stream(&input, track) else { return Ok(None) };
        let beside: &[media::Type] = if pictures.is_some() { &[media::Type::Video] } else { &[] };
        // Clocks are those of the pictures.
        Ok(Some(Self { steps: None, ..Self::only(input, stream, beside, path) }))
    }

    /// Keeps one stream, and those of some types; libavformat drops the packets of the others early.
    fn only(mut input: format::context::Input, stream: usize, beside: &[media::Type], path: &Path) -> Self {
        for mut other in input.streams_mut() {
            if other.index() != stream && !beside.contains(&other.parameters().medium()) {
                // SAFETY: the stream belongs to `input`, which is borrowed mutably; `discard` is a plain field for callers.
                unsafe { (*other.as_mut_ptr()).discard = ffi::AVDiscard::AVDISCARD_ALL };
            }
        }
        let steps = may_step(&input).then(Steps::default);
        let (path, extent) = (path.to_owned(), Extent::default());
        Self {
            input,
            stream,
            path,
            bad_reads: 0,
            steps,
            extent,
            reported: None,
            suspicion: None,
            next_ns: None,
            end_ns: None,
        }
    }

    /// Whether what is read came, and comes, from parts with clocks of their own; nobody knows after a seek.
    pub fn stepped(&self) -> bool {
        self.steps.as_ref().is_some_and(Steps::any)
    }

    /// Whether parts with clocks of their own may be put one behind the other in such a container.
    pub fn may_step(&self) -> bool {
        may_step(&self.input)
    }

    /// Whether the data of a packet are not all there; flags of transport streams do not tell, they are set at every seam.
    pub fn lacks_data(&self, packet: &Packet) -> bool {
        packet.is_corrupt() && !is_discontinuous(&self.input)
    }

    /// How much was read.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// The damage for which pictures are missing before the last packet.
    pub fn reported(&self) -> Option<&str> {
        self.reported.as_deref()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Nanoseconds of a frame by the header's frame rate; 1/25 s when it has none.
    pub fn frame_step(&self) -> i64 {
        let rate = self.stream().map_or(ffmpeg::Rational(0, 1), |stream| stream.rate());
        let usable = rate.numerator() > 0 && rate.denominator() > 0;
        if usable { scale(1, rate.invert(), 1_000_000_000).max(1) } else { 40_000_000 }
    }

    /// The container.
    pub fn input(&self) -> &format::context::Input {
        &self.input
    }

    /// The stream; it was found when the container was opened.
    pub fn stream(&self) -> Result<format::stream::Stream<'_>, ReadError> {
        self.input.stream(self.stream).ok_or_else(|| ReadError::NoVideo(self.path.clone()))
    }

    /// Seconds of one tick of the stream's timestamps, as a fraction.
    pub fn time_base(&self) -> Result<ffmpeg::Rational, ReadError> {
        let base = self.stream()?.time_base();
        if base.numerator() <= 0 || base.denominator() <= 0 {
            return Err(ReadError::container(&self.path, "the time base is not a positive fraction"));
        }
        Ok(base)
    }

    /// A decoder for the stream, on one thread: parallelism is across batches, and no answer may depend on threads.
    pub fn decoder(&self) -> Result<codec::decoder::Decoder, ReadError> {
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
        // SAFETY: the context is not opened yet; these are plain fields for callers. Decoders that pad a picture without a word are to refuse it
        // instead; of others, which flag what they made up, much would be refused that can be used.
        unsafe {
            let context = &mut *decoder.as_mut_ptr();
            context.max_pixels = MAX_PIXELS as i64;
            if PADS_SILENTLY.contains(&decoder.id()) {
                context.err_recognition |= ffi::AV_EF_EXPLODE;
            }
        }
        Ok(decoder)
    }

    /// The decoder of the picture stream, opened: of VP8 and VP9 with alpha one that decodes it, if this FFmpeg has one.
    pub fn video_decoder(&self) -> Result<codec::decoder::Video, ReadError> {
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
    pub fn alpha(&self) -> Result<Alpha, ReadError> {
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
    pub fn crop(&self) -> Result<Crop, ReadError> {
        let stream = self.stream()?;
        let is_before = |other: &format::stream::Stream<'_>| {
            other.index() < stream.index() && other.parameters().medium() == media::Type::Video
        };
        let place = self.input.streams().filter(is_before).count();
        Ok(crop::of(&self.path, self.input.format().name(), place))
    }

    /// The error of a decoder that does not open.
    pub fn refused(&self, error: ffmpeg::Error) -> ReadError {
        let codec = self.stream().map(|stream| codec_name(stream.parameters().id())).unwrap_or_default();
        ReadError::Decoder { path: self.path.clone(), codec, reason: crate::log::reason(error) }
    }

    /// The next packet of the stream.
    pub fn read(&mut self) -> Read {
        self.read_beside(&mut |_| {})
    }

    /// The next packet of the stream; packets of other streams that come before it are reported to `beside`.
    pub fn read_beside(&mut self, beside: &mut dyn FnMut(&Packet)) -> Read {
        let mut packet = Packet::empty();
        self.reported = None;
        loop {
            crate::log::forget();
            let read = packet.read(&mut self.input);
            match read {
                Ok(()) if packet.stream() == self.stream => {
                    self.bad_reads = 0;
                    self.note_damage();
                    self.measure(&packet);
                    if let (Some(steps), Some(stream)) = (&mut self.steps, self.input.stream(self.stream)) {
                        steps.correct(&mut packet, stream.time_base());
                    }
                    self.judge(&packet);
                    return Read::Packet(packet);
                }
                Ok(()) => {
                    self.note_damage();
                    self.measure(&packet);
                    beside(&packet);
                }
                Err(ffmpeg::Error::Eof) => return Read::End,
                Err(ffmpeg::Error::InvalidData) if self.bad_reads < MAX_BAD_READS => {
                    self.bad_reads += 1;
                    self.suspicion = Some((crate::log::reason(ffmpeg::Error::InvalidData), SUSPECT));
                }
                Err(error) => return Read::Broken(crate::log::reason(error)),
            }
        }
    }

    /// Keeps what the demuxer complained of; parsers and decoders complain of much that is no damage.
    fn note_damage(&mut self) {
        if let Some(message) = crate::log::take().filter(|message| !message.of_codec) {
            self.suspicion = Some((message.text, SUSPECT));
        }
    }

    /// Finds out whether pictures are missing before a packet, for damage that was met in or before it.
    fn judge(&mut self, packet: &Packet) {
        if packet.is_corrupt() {
            self.suspicion = Some(("packets are damaged or missing".to_owned(), SUSPECT));
        }
        if self.follows_a_gap(packet) {
            self.reported = self.suspicion.as_ref().map(|(reason, _)| reason.clone());
        }
        let wait = |(reason, left): (String, u32)| (left > 0).then(|| (reason, left - 1));
        self.suspicion = self.suspicion.take().and_then(wait);
    }

    /// Whether a packet of the pictures comes later than those before let expect. Decoding times that containers do not say are made up of those
    /// of showing, and lag behind; times of showing run ahead by as many pictures as are decoded out of order.
    fn follows_a_gap(&mut self, packet: &Packet) -> bool {
        let base = self.stream().map_or(ffmpeg::Rational(0, 1), |stream| stream.time_base());
        if base.denominator() <= 0 {
            return false;
        }
        let ns = |ticks: i64| scale(ticks, base, 1_000_000_000);
        let step = if packet.duration() > 0 { ns(packet.duration()) } else { self.frame_step() };
        let (dts, pts) = (packet.dts().map(ns), packet.pts().map(ns));
        let late = |at: Option<i64>, expected: Option<i64>, by: i64| {
            let by = by + 1..=LONGEST_GAP_NS;
            at.zip(expected).is_some_and(|(at, expected)| by.contains(&at.saturating_sub(expected)))
        };
        let late = late(dts, self.next_ns, step / 2) || late(pts, self.end_ns, step.saturating_mul(AHEAD));
        self.next_ns = dts.map(|dts| dts.saturating_add(step));
        self.end_ns = self.end_ns.max(pts.map(|pts| pts.saturating_add(step)));
        late
    }

    /// Notes how far a packet reaches.
    fn measure(&mut self, packet: &Packet) {
        let Some(base) = self.input.stream(packet.stream()).map(|stream| stream.time_base()) else { return };
        let end = packet.pts().or(packet.dts()).map(|time| time.saturating_add(packet.duration().max(0)));
        let end_ns = end.filter(|_| base.denominator() > 0).map_or(0, |end| scale(end, base, 1_000_000_000));
        self.extent.all_ns = self.extent.all_ns.max(end_ns);
        if packet.stream() == self.stream {
            self.extent.packets += 1;
        }
    }

    /// Moves to a place at or before `ticks` (in the stream's time base) where decoding may begin. False when the
    /// container cannot.
    pub fn seek(&mut self, ticks: i64) -> bool {
        self.bad_reads = 0;
        (self.steps, self.next_ns, self.end_ns) = (None, None, None);
        // SAFETY: the context is open and borrowed mutably; the stream index is one of its own.
        let code =
            unsafe { ffi::avformat_seek_file(self.input.as_mut_ptr(), self.stream as i32, i64::MIN, ticks, ticks, 0) };
        code >= 0
    }
}

/// Whether a container's times may start anew within it: where libavformat says so, and in FLV, which cameras append to.
pub fn may_step(input: &format::context::Input) -> bool {
    let name = input.format().name().to_owned();
    is_discontinuous(input) || name.split(',').any(|name| matches!(name, "flv" | "live_flv" | "kux"))
}

/// Whether libavformat says that times may start anew in such a container.
fn is_discontinuous(input: &format::context::Input) -> bool {
    // SAFETY: an open context has its format, and its flags are a plain field.
    unsafe { (*(*input.as_ptr()).iformat).flags & ffi::AVFMT_TS_DISCONT != 0 }
}

//! Everything of a source but its pictures.
use super::coding::Coding;
use super::side_choice::{decide, describe, is_encoded};
use super::sound::SoundEncoder;
use super::{EncodeError, Join, JoinSound, timecode};
use ffmpeg_next::{
    self as ffmpeg, Dictionary, Packet, Rescale, ffi, format::context::Input, format::context::Output, media::Type,
};
use framefleet_decode::video::timeline;
use framefleet_demux::{ReadAhead, VIDEO_SIDE_DATA, film_stream, may_step};
use framefleet_formats::Container;
use framefleet_frames::VideoFile;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

const NANOSECOND: ffmpeg::Rational = ffmpeg::Rational(1, 1_000_000_000);
const MICROSECOND: ffmpeg::Rational = ffmpeg::Rational(1, 1_000_000);

/// The source's streams beside the video, and how they go into the output.
pub(super) struct SideStreams {
    path: PathBuf,
    input: Input,
    container: Container,
    /// Index of the source's stream that the frames were decoded from.
    video: Option<usize>,
    ahead: ReadAhead,
    /// The pictures begin later than the file, since the first ones were not recorded whole: nothing else comes before them.
    begins_late: bool,
    /// Per stream of the source: its number in the output.
    mapped: Vec<Option<usize>>,
    /// Time of the file's beginning, which becomes 0, and of the first video frame, on the source's clock.
    file_start_ns: i64,
    video_start_ns: i64,
    /// The range that is kept, nanoseconds from the first video frame.
    start_ns: i64,
    end_ns: Option<i64>,
    /// Whether the source's HDR metadata speak of the frames.
    hdr_metadata: bool,
    /// What is to become of sound.
    sound: JoinSound,
    /// Of the first frame that is kept.
    timecode: Option<String>,
    left_out: Vec<String>,
    /// Sound tracks that are encoded anew, by their streams in the source, and what came of them that was not given on.
    encoders: BTreeMap<usize, SoundEncoder>,
    encoded: VecDeque<SidePacket>,
}

/// A packet for the output.
pub(super) struct SidePacket {
    pub(super) packet: Packet,
    /// Unit of its times.
    pub(super) unit: ffmpeg::Rational,
    /// Index of its stream in the source.
    source: usize,
}

impl SideStreams {
    /// Opens a source and decides which of its streams go along.
    pub(super) fn open(file: VideoFile<'_>, request: &Join<'_>) -> Result<Self, EncodeError> {
        let path = file.path();
        let mut input = ffmpeg::format::input(path).map_err(EncodeError::ffmpeg(path, "opening the source"))?;
        let video = film_stream(file, &input).ok();
        let (mut mapped, mut left_out, mut next) = (Vec::new(), Vec::new(), 1);
        let of_source = timecode::of(&input, video);
        let timecode = of_source.as_ref().and_then(|code| {
            let same_rate = video
                .and_then(|index| input.stream(index))
                .is_some_and(|stream| is_near(stream.avg_frame_rate(), request.format.rate()));
            timecode::later(code, request.format.rate(), request.start_ns).filter(|_| same_rate)
        });
        if let (Some(code), None) = (&of_source, &timecode) {
            left_out.push(format!(
                "time code {code}: the film has another frame rate, or one that time codes do not count"
            ));
        }
        for stream in input.streams() {
            let decision = decide(&stream, video, request);
            let carried = timecode.is_some() && timecode::is_track(&stream);
            left_out.extend(decision.as_ref().err().cloned().flatten().filter(|_| !carried));
            mapped.push(decision.is_ok().then_some(next));
            next += usize::from(decision.is_ok());
        }
        let to_encode: Vec<usize> = (0..mapped.len())
            .filter(|index| mapped[*index].is_some())
            .filter(|index| input.stream(*index).is_some_and(|stream| is_encoded(&stream, request)))
            .collect();
        let ahead = ReadAhead::new(may_step(&input));
        let read_along = video.filter(|_| ahead.may_step());
        discard(&mut input, &mapped, read_along);
        let timeline = timeline(file).ok();
        if timeline.is_some_and(|timeline| timeline.captions) {
            left_out.push("closed captions within the pictures: they are not written anew".to_owned());
        }
        let late = timeline.filter(|timeline| timeline.begins_late);
        let of_header = || {
            let stream = video.and_then(|index| input.stream(index));
            stream.map_or(0, |stream| start_ns(stream.start_time(), stream.time_base()))
        };
        let video_start_ns = late.map_or_else(of_header, |timeline| start_ns(timeline.origin, timeline.time_base));
        // SAFETY: the context is valid.
        let file_start_ns = start_ns(unsafe { (*input.as_ptr()).start_time }, MICROSECOND);
        let file_start_ns = if late.is_some() { video_start_ns } else { file_start_ns };
        let mut side = Self {
            path: path.to_owned(),
            input,
            container: request.container,
            video,
            ahead,
            begins_late: late.is_some(),
            mapped,
            file_start_ns,
            video_start_ns,
            start_ns: request.start_ns,
            end_ns: request.end_ns,
            hdr_metadata: request.format.hdr_metadata,
            sound: request.sound,
            timecode,
            left_out,
            encoders: BTreeMap::new(),
            encoded: VecDeque::new(),
        };
        to_encode.into_iter().for_each(|index| side.open_encoder(index));
        Ok(side)
    }

    /// Prepares a sound track to be encoded anew; where that cannot be, it is left out.
    fn open_encoder(&mut self, index: usize) {
        let Some(stream) = self.input.stream(index) else { return };
        let from = if self.start_ns > 0 || self.begins_late { self.video_start_ns() } else { i64::MIN };
        let to = self.end_ns.map_or(i64::MAX, |end| self.video_start_ns() + end - self.start_ns);
        let name = describe(&stream);
        match SoundEncoder::open(&self.path, &stream, self.container, from..to) {
            Ok(encoder) => {
                let (extension, codec) = (self.container.extension(), encoder.name());
                self.left_out.push(format!(
                    "{name} as it was: {extension} files do not carry it, so it is encoded anew ({codec})"
                ));
                self.encoders.insert(index, encoder);
            }
            Err(error) => {
                self.left_out.push(format!("{name}: it cannot be encoded anew: {error}"));
                let own = self.mapped[index].take();
                let later = |target: &&mut Option<usize>| target.is_some_and(|target| Some(target) > own);
                self.mapped.iter_mut().filter(later).flatten().for_each(|target| *target -= 1);
            }
        }
    }

    /// Time of the first video frame in the output, were nothing cut.
    pub(super) fn video_start_ns(&self) -> i64 {
        self.video_start_ns - self.file_start_ns
    }

    /// Adds streams, chapters and metadata to an output that has the video stream already.
    pub(super) fn add_to(&mut self, output: &mut Output) -> Result<(), ffmpeg::Error> {
        let mut tags = Dictionary::new();
        // A time code would be that of the source's first frame.
        self.input
            .metadata()
            .iter()
            .filter(|(key, _)| !key.eq_ignore_ascii_case(timecode::TAG))
            .for_each(|(key, value)| tags.set(key, value));
        output.set_metadata(tags);
        if let (Some(code), Some(mut video)) = (&self.timecode, output.stream_mut(0)) {
            let mut tags = Dictionary::new();
            tags.set(timecode::TAG, code);
            video.set_metadata(tags);
        }
        self.add_chapters(output)?;
        for stream in self.input.streams().filter(|stream| self.mapped[stream.index()].is_some()) {
            let mut target = output.add_stream(None::<ffmpeg::Codec>)?;
            match self.encoders.get(&stream.index()) {
                Some(encoder) => {
                    target.set_parameters(encoder.parameters());
                    target.set_time_base(encoder.unit());
                }
                None => {
                    target.set_parameters(stream.parameters());
                    target.set_time_base(stream.time_base());
                }
            }
            target.set_metadata(stream.metadata().to_owned());
            // SAFETY: both streams are valid. The tag belongs to the source's container; the muxer finds its own.
            unsafe {
                let target = target.as_mut_ptr();
                (*(*target).codecpar).codec_tag = 0;
                (*target).disposition = (*stream.as_ptr()).disposition;
            }
        }
        self.add_video_side_data(output)
    }

    /// The next packet that goes along, its times on the output's clock.
    pub(super) fn next_packet(&mut self) -> Result<Option<SidePacket>, EncodeError> {
        loop {
            if let Some(encoded) = self.encoded.pop_front() {
                return Ok(Some(encoded));
            }
            let Self { ahead, input, path, video, mapped, .. } = self;
            let next = ahead.next_packet(|note| next_mapped(input, path, *video, mapped, note))?;
            let Some(mut packet) = next else {
                let Some((index, mut encoder)) = self.encoders.pop_first() else { return Ok(None) };
                let mut made = VecDeque::new();
                encoder.finish(&mut made)?;
                self.take_encoded(index, encoder.unit(), made);
                continue;
            };
            let (unit, source) = (unit_of(&self.input, &packet), packet.stream());
            let in_range = self.shift_into_range(&mut packet);
            if let Some(encoder) = self.encoders.get_mut(&source) {
                let mut made = VecDeque::new();
                encoder.push(&packet, &mut made)?;
                let unit = encoder.unit();
                self.take_encoded(source, unit, made);
            } else if in_range {
                return Ok(Some(SidePacket { packet, unit, source }));
            }
        }
    }

    fn take_encoded(&mut self, source: usize, unit: ffmpeg::Rational, made: VecDeque<Packet>) {
        self.encoded.extend(made.into_iter().map(|packet| SidePacket { packet, unit, source }));
    }

    /// What a packet belongs to, for messages.
    pub(super) fn name_of(&self, SidePacket { packet, unit, source }: &SidePacket) -> String {
        let codec = self.input.stream(*source).map_or("unknown", |stream| stream.parameters().id().name());
        let seconds = packet.pts().or(packet.dts()).map_or(0.0, |time| time as f64 * f64::from(*unit));
        format!("stream {source} of the source ({codec}), {seconds:.3} s")
    }

    /// Whether the source has sound that was to come along, and none does.
    pub(super) fn lacks_sound(&self) -> bool {
        let sound = |stream: &ffmpeg::Stream<'_>| stream.parameters().medium() == Type::Audio;
        let mut all = self.input.streams().filter(sound).map(|stream| self.mapped[stream.index()].is_some());
        let any = self.input.streams().any(|stream| sound(&stream));
        self.sound != JoinSound::None && any && !all.any(|goes_along| goes_along)
    }

    /// The unit of the times of a packet of the source.
    fn unit_of(&self, packet: &Packet) -> ffmpeg::Rational {
        unit_of(&self.input, packet)
    }

    /// The stream of the output that a packet goes to.
    pub(super) fn output_index(&self, packet: &SidePacket) -> usize {
        self.mapped.get(packet.source).copied().flatten().unwrap_or(0)
    }

    /// Whether the first frame that is kept has a time code.
    pub(super) fn has_timecode(&self) -> bool {
        self.timecode.is_some()
    }

    /// Name and value of what the source says of itself.
    pub(super) fn tags(&self) -> Vec<(String, String)> {
        self.input.metadata().iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// What does not go along, and why.
    pub(super) fn into_left_out(self) -> Vec<String> {
        self.left_out
    }

    /// What the output's clock is behind the source's.
    fn origin_ns(&self) -> i64 {
        self.file_start_ns + self.start_ns
    }

    /// Moves a packet to the output's clock; `false` when it lies outside the range.
    fn shift_into_range(&self, packet: &mut Packet) -> bool {
        let unit = self.unit_of(packet);
        let Some(time) = packet.pts().or(packet.dts()) else { return self.start_ns == 0 };
        let middle_ns = (time + packet.duration() / 2).rescale(unit, NANOSECOND) - self.video_start_ns;
        let cut_before = (self.start_ns > 0 || self.begins_late) && middle_ns < self.start_ns;
        let cut_after = self.end_ns.is_some_and(|end| middle_ns >= end);
        let shift = self.origin_ns().rescale(NANOSECOND, unit);
        packet.set_pts(packet.pts().map(|pts| pts - shift));
        packet.set_dts(packet.dts().map(|dts| dts - shift));
        !cut_before && !cut_after
    }

    /// Chapters that touch the range, cut to it.
    fn add_chapters(&self, output: &mut Output) -> Result<(), ffmpeg::Error> {
        let begin = self.video_start_ns() - self.file_start_ns.min(0);
        let last = self.end_ns.map_or(i64::MAX, |end| end - self.start_ns + begin);
        for chapter in self.input.chapters() {
            let time = |value: i64| value.rescale(chapter.time_base(), NANOSECOND) - self.origin_ns();
            let (start, end) = (time(chapter.start()).max(0), time(chapter.end()).min(last));
            if start < end {
                let title = chapter.metadata().get("title").unwrap_or_default().to_owned();
                output.add_chapter(chapter.id(), NANOSECOND, start, end, title)?;
            }
        }
        Ok(())
    }

    fn add_video_side_data(&mut self, output: &mut Output) -> Result<(), ffmpeg::Error> {
        let Some(source) = self.video.and_then(|index| self.input.stream(index)) else { return Ok(()) };
        for kind in VIDEO_SIDE_DATA {
            let mut size = 0;
            // SAFETY: both streams are valid; the copy has the size that was asked for.
            unsafe {
                let data = ffi::av_stream_get_side_data(source.as_ptr(), kind, &mut size);
                if data.is_null() {
                    continue;
                }
                if !self.hdr_metadata && VIDEO_SIDE_DATA[2..].contains(&kind) {
                    self.left_out.push(format!("{kind:?} of the video stream: a step changed the frames' colour"));
                    continue;
                }
                let target = *(*output.as_mut_ptr()).streams;
                let copy = ffi::av_stream_new_side_data(target, kind, size);
                if copy.is_null() {
                    return Err(ffmpeg::Error::Other { errno: ffmpeg::error::ENOMEM });
                }
                std::ptr::copy_nonoverlapping(data, copy, size);
            }
            if self.container == Container::Mov && VIDEO_SIDE_DATA[..2].contains(&kind) {
                self.left_out.push(format!("{kind:?} of the video stream: QuickTime files by FFmpeg have none"));
            }
        }
        Ok(())
    }
}

/// Reads to the next packet that goes along, and gives it with the unit of its times; those of the pictures are noted.
fn next_mapped(
    input: &mut Input,
    path: &Path,
    video: Option<usize>,
    mapped: &[Option<usize>],
    note: &mut dyn FnMut(&Packet, ffmpeg::Rational),
) -> Result<Option<(Packet, ffmpeg::Rational)>, EncodeError> {
    loop {
        let mut packet = Packet::empty();
        match packet.read(input) {
            Err(ffmpeg::Error::Eof) => return Ok(None),
            Err(error) => return Err(EncodeError::ffmpeg(path, "reading the source")(error)),
            Ok(()) if Some(packet.stream()) == video => note(&packet, unit_of(input, &packet)),
            Ok(()) if mapped.get(packet.stream()).is_some_and(Option::is_some) => {
                let unit = unit_of(input, &packet);
                return Ok(Some((packet, unit)));
            }
            Ok(()) => {}
        }
    }
}

/// The unit of a packet's times.
fn unit_of(input: &Input, packet: &Packet) -> ffmpeg::Rational {
    input.stream(packet.stream()).map_or(MICROSECOND, |stream| stream.time_base())
}

/// Tells the demuxer which streams nobody reads: all that do not go along, but for `read_along`.
fn discard(input: &mut Input, mapped: &[Option<usize>], read_along: Option<usize>) {
    let unread = |(index, target): &(usize, &Option<usize>)| target.is_none() && Some(*index) != read_along;
    for (index, _) in mapped.iter().enumerate().filter(unread) {
        // SAFETY: the index is one of the input's streams.
        unsafe { (**(*input.as_mut_ptr()).streams.add(index)).discard = ffi::AVDiscard::AVDISCARD_ALL };
    }
}

/// Whether two frame rates are the same but for how they were measured.
fn is_near(a: ffmpeg::Rational, b: ffmpeg::Rational) -> bool {
    (f64::from(a) / f64::from(b) - 1.0).abs() < 1e-3
}

/// A start time in nanoseconds; 0 when unknown.
fn start_ns(time: i64, unit: ffmpeg::Rational) -> i64 {
    if time == ffi::AV_NOPTS_VALUE { 0 } else { time.rescale(unit, NANOSECOND) }
}

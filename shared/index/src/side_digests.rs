//! Digests of what a file holds beside its pictures, while it is read for them.
use super::chain::digest_parameters;
use blake3::Hasher;
use bytes::Bytes;
use ffmpeg_next::{self as ffmpeg, DictionaryRef, Packet, ffi, format, media};
use framefleet_demux::timeline::{Timeline, scale};
use framefleet_demux::{Demuxer, VIDEO_SIDE_DATA};
use framefleet_frames::ReadError;
use std::collections::BTreeMap;

/// Ticks of a container's own start time.
const MICROSECOND: ffmpeg::Rational = ffmpeg::Rational(1, 1_000_000);

/// What is read beside the pictures.
pub(super) struct SideDigests {
    /// Container time of the first picture: where the pictures lie in a file changes no sound.
    zero_ns: i64,
    /// Streams of sound and of subtitles by their index, so that it makes no difference how packets lie between each other.
    streams: BTreeMap<usize, Stream>,
    rest: Hasher,
}

struct Stream {
    is_audio: bool,
    base: ffmpeg::Rational,
    hasher: Hasher,
}

impl SideDigests {
    /// Everything that headers say; packets are to follow.
    pub(super) fn new(demuxer: &Demuxer, timeline: &Timeline) -> Result<Self, ReadError> {
        let zero_ns = scale(timeline.origin, timeline.time_base, 1_000_000_000);
        let mut new = Self { zero_ns, streams: BTreeMap::new(), rest: Hasher::new() };
        let input = demuxer.input();
        hash_metadata(&mut new.rest, input.metadata());
        for chapter in input.chapters() {
            let base = chapter.time_base();
            for number in
                [chapter.id(), chapter.start(), chapter.end(), base.numerator().into(), base.denominator().into()]
            {
                new.rest.update(&number.to_le_bytes());
            }
            hash_metadata(&mut new.rest, chapter.metadata());
        }
        let pictures = demuxer.stream()?;
        // SAFETY: a plain field of a context that is alive.
        let file_start = unsafe { (*input.as_ptr()).start_time };
        for time in [known_ns(pictures.start_time(), pictures.time_base()), known_ns(file_start, MICROSECOND)] {
            new.rest.update(&time.to_le_bytes());
        }
        hash_side_data(&mut new.rest, &pictures);
        input.streams().filter(|stream| stream.index() != pictures.index()).for_each(|stream| new.add(&stream));
        Ok(new)
    }

    /// Adds a stream that films take along.
    fn add(&mut self, stream: &format::stream::Stream<'_>) {
        let medium = stream.parameters().medium();
        if !matches!(medium, media::Type::Audio | media::Type::Subtitle | media::Type::Attachment) {
            return;
        }
        self.rest.update(&(stream.index() as u64).to_le_bytes());
        hash_metadata(&mut self.rest, stream.metadata());
        let is_audio = medium == media::Type::Audio;
        let mut hasher = Hasher::new();
        hasher.update(digest_parameters(&stream.parameters()).as_bytes());
        // Which stream of several is listened to depends on it.
        hasher.update(&stream.disposition().bits().to_le_bytes());
        // SAFETY: plain fields of parameters that are alive.
        let (rate, channels) = unsafe {
            let raw: &ffi::AVCodecParameters = &*stream.parameters().as_ptr();
            (raw.sample_rate, raw.ch_layout.nb_channels)
        };
        hasher.update(&rate.to_le_bytes());
        hasher.update(&channels.to_le_bytes());
        self.streams.insert(stream.index(), Stream { is_audio, base: stream.time_base(), hasher });
    }

    /// Adds a packet of such a stream.
    pub(super) fn push(&mut self, packet: &Packet) {
        let Some(Stream { base, hasher, .. }) = self.streams.get_mut(&packet.stream()) else { return };
        let time = |ticks: i64| known_ns(ticks, *base).saturating_sub(self.zero_ns);
        for number in [packet.pts().map_or(i64::MIN, time), packet.dts().map_or(i64::MIN, time), packet.duration()] {
            hasher.update(&number.to_le_bytes());
        }
        // What a decoder is to skip stands in side data.
        let data = packet.data().unwrap_or_default();
        let side: Vec<_> = packet.side_data().collect();
        for bytes in std::iter::once(data).chain(side.iter().map(|side| side.data())) {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
    }

    /// Notes how long the last picture is shown, where that is not as long as the others.
    pub(super) fn last_frame(&mut self, ns: i64) {
        self.rest.update(b"last frame");
        self.rest.update(&ns.to_le_bytes());
    }

    /// The digests of the sound (empty when the file has none) and of the rest.
    pub(super) fn finish(mut self) -> (Bytes, Bytes) {
        let mut sound = Hasher::new();
        let mut has_sound = false;
        for (index, stream) in &self.streams {
            let of = if stream.is_audio { &mut sound } else { &mut self.rest };
            has_sound |= stream.is_audio;
            of.update(&(*index as u64).to_le_bytes());
            of.update(stream.hasher.finalize().as_bytes());
        }
        let bytes = |hasher: &Hasher| Bytes::copy_from_slice(hasher.finalize().as_bytes());
        (if has_sound { bytes(&sound) } else { Bytes::new() }, bytes(&self.rest))
    }
}

/// Nanoseconds of a time; 0 when it is unknown or its unit is none.
fn known_ns(ticks: i64, base: ffmpeg::Rational) -> i64 {
    let usable = base.numerator() > 0 && base.denominator() > 0 && ticks != ffi::AV_NOPTS_VALUE;
    if usable { scale(ticks, base, 1_000_000_000) } else { 0 }
}

/// Metadata in its order.
fn hash_metadata(hasher: &mut Hasher, metadata: DictionaryRef<'_>) {
    for (key, value) in metadata.iter() {
        for text in [key, value] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
    }
}

/// Side data of the picture stream that films keep.
fn hash_side_data(hasher: &mut Hasher, stream: &format::stream::Stream<'_>) {
    for kind in VIDEO_SIDE_DATA {
        let mut size = 0;
        // SAFETY: the stream is alive, and so is what it lends: `size` bytes.
        unsafe {
            let data = ffi::av_stream_get_side_data(stream.as_ptr(), kind, &mut size);
            if !data.is_null() {
                hasher.update(&(size as u64).to_le_bytes());
                hasher.update(std::slice::from_raw_parts(data, size));
            }
        }
    }
}

//! Sound that a container does not carry, encoded anew: decoded, brought onto the film's clock sample by sample, encoded.
use super::EncodeError;
use super::sound_queue::SoundQueue;
use ffmpeg_next::util::format::sample::{Sample, Type};
use ffmpeg_next::{self as ffmpeg, ChannelLayout, Packet, Rational, Rescale, codec, ffi, frame, software::resampling};
use framefleet_formats::Container;
use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Bits per second of a channel where the encoder loses something.
const CHANNEL_BITS: usize = 96_000;
/// Rate where the encoder does not take the source's, Hz.
const USUAL_RATE: u32 = 48_000;
/// How far a block may be off where the samples before it ended before it is moved, nanoseconds: timestamps of many containers are rounded to
/// milliseconds.
const SLACK_NS: i64 = 20_000_000;
/// Samples of an encoder's frame where it takes any number.
const ANY_FRAME: usize = 1024;
const NANOSECOND: Rational = Rational(1, 1_000_000_000);

/// A sound track that is encoded anew.
pub(super) struct SoundEncoder {
    path: PathBuf,
    decoder: codec::decoder::Audio,
    encoder: codec::encoder::audio::Encoder,
    /// Unit of the packets that come.
    unit: Rational,
    resampler: Option<Resampler>,
    queue: SoundQueue,
    /// Samples of the film's clock that are kept.
    keep: Range<i64>,
    /// Number of the sample that the resampler gives next; `None` before the first.
    position: Option<i64>,
    /// Number of the first sample in the queue.
    sent: i64,
}

struct Resampler {
    context: resampling::Context,
    format: Sample,
    layout: ChannelLayout,
    rate: u32,
}

/// What sound is encoded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SoundCodec {
    Aac,
    Alac,
    Flac,
}

impl SoundCodec {
    /// What suits a source in a container that does not carry its own codec: nothing is lost where nothing was.
    fn choose(id: codec::Id, container: Container) -> Self {
        match (is_lossless(id), container) {
            (true, Container::Mkv) => Self::Flac,
            (true, _) => Self::Alac,
            (false, _) => Self::Aac,
        }
    }

    /// FFmpeg's name of it.
    fn name(self) -> &'static str {
        match self {
            Self::Aac => "aac",
            Self::Alac => "alac",
            Self::Flac => "flac",
        }
    }

    /// The samples that the encoder takes, for a source of so many bits.
    fn format(self, bits: u32) -> Sample {
        match (self, bits > 16) {
            (Self::Aac, _) => Sample::F32(Type::Planar),
            (Self::Alac, false) => Sample::I16(Type::Planar),
            (Self::Alac, true) => Sample::I32(Type::Planar),
            (Self::Flac, false) => Sample::I16(Type::Packed),
            (Self::Flac, true) => Sample::I32(Type::Packed),
        }
    }
}

impl SoundEncoder {
    /// Opens decoder and encoder for a stream of the source `path`. `keep_ns`: the part of the film's clock that has sound.
    pub(super) fn open(
        path: &Path,
        stream: &ffmpeg::Stream<'_>,
        container: Container,
        keep_ns: Range<i64>,
    ) -> Result<Self, EncodeError> {
        let fail = |doing| EncodeError::ffmpeg(path, doing);
        let parameters = stream.parameters();
        let target = SoundCodec::choose(parameters.id(), container);
        let context = codec::Context::from_parameters(parameters).map_err(fail("reading the sound's parameters"))?;
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(stream.time_base());
        let decoder = decoder.audio().map_err(fail("opening the sound's decoder"))?;
        let encoder = open_encoder(target, &decoder).map_err(fail("opening the sound's encoder"))?;
        let rate = encoder.rate();
        let queue = SoundQueue::new(encoder.format(), encoder.channel_layout(), rate)
            .ok_or_else(|| EncodeError::unfit(path, "there is no memory for sound"))?;
        let sample = |ns: i64| if matches!(ns, i64::MIN | i64::MAX) { ns } else { samples(ns, rate) };
        Ok(Self {
            path: path.to_owned(),
            decoder,
            encoder,
            unit: stream.time_base(),
            resampler: None,
            queue,
            keep: sample(keep_ns.start)..sample(keep_ns.end),
            position: None,
            sent: 0,
        })
    }

    /// What it is encoded as, for people.
    pub(super) fn name(&self) -> &'static str {
        self.encoder.codec().map_or("another codec", |codec| codec.id().name())
    }

    /// Parameters of the stream that comes out.
    pub(super) fn parameters(&self) -> codec::Parameters {
        codec::Parameters::from(&*self.encoder)
    }

    /// Unit of the times of packets that come out: a sample.
    pub(super) fn unit(&self) -> Rational {
        Rational(1, i32::try_from(self.encoder.rate()).unwrap_or(1))
    }

    /// Takes a packet whose times are on the film's clock; packets that are ready go to `out`.
    pub(super) fn push(&mut self, packet: &Packet, out: &mut VecDeque<Packet>) -> Result<(), EncodeError> {
        // Damaged packets leave silence.
        let _ = self.decoder.send_packet(packet);
        self.take_blocks(out)
    }

    /// Nothing follows.
    pub(super) fn finish(&mut self, out: &mut VecDeque<Packet>) -> Result<(), EncodeError> {
        // It only fails when the end was sent before.
        let _ = self.decoder.send_eof();
        self.take_blocks(out)?;
        self.flush_resampler()?;
        self.encode(out, true)?;
        let fail = EncodeError::ffmpeg(&self.path, "ending the sound's encoder");
        self.encoder.send_eof().map_err(fail)?;
        self.take_packets(out);
        Ok(())
    }

    fn take_blocks(&mut self, out: &mut VecDeque<Packet>) -> Result<(), EncodeError> {
        let mut block = frame::Audio::empty();
        while self.decoder.receive_frame(&mut block).is_ok() {
            if block.channel_layout().is_empty() {
                block.set_channel_layout(ChannelLayout::default(i32::from(block.channels())));
            }
            let at = block.timestamp().or(block.pts()).map(|ticks| {
                let ns = ticks.rescale(self.unit, NANOSECOND);
                samples(ns, self.encoder.rate())
            });
            self.follow(&block, at, out)?;
            self.resample(&block)?;
            self.encode(out, false)?;
        }
        Ok(())
    }

    /// Makes the resampler fit a block that begins at sample `at` of the film: a new one where the format changes, silence or a cut where time
    /// jumps.
    fn follow(&mut self, block: &frame::Audio, at: Option<i64>, out: &mut VecDeque<Packet>) -> Result<(), EncodeError> {
        let rate = self.encoder.rate();
        let shape = (block.format(), block.channel_layout(), block.rate());
        let fits = self.resampler.as_ref().is_some_and(|known| (known.format, known.layout, known.rate) == shape);
        let expected = self.position.map(|position| position.saturating_add(self.held()));
        let jumped =
            at.filter(|at| expected.is_none_or(|expected| expected.abs_diff(*at) > samples(SLACK_NS, rate) as u64));
        if !fits || jumped.is_some() {
            self.flush_resampler()?;
            let (format, layout, source_rate) = shape;
            let target = (self.encoder.format(), self.encoder.channel_layout(), rate);
            let context = resampling::Context::get(format, layout, source_rate, target.0, target.1, target.2);
            let context = context.map_err(EncodeError::ffmpeg(&self.path, "preparing the sound's conversion"))?;
            self.resampler = Some(Resampler { context, format, layout, rate: source_rate });
        }
        if let Some(at) = jumped {
            self.jump(at, out)?;
        }
        Ok(())
    }

    /// Goes on at sample `at` of the film: silence until there, as far as that is kept.
    fn jump(&mut self, at: i64, out: &mut VecDeque<Packet>) -> Result<(), EncodeError> {
        let begun = self.position.is_some_and(|position| position > self.keep.start);
        self.position = Some(at);
        if !begun {
            self.sent = at.max(self.keep.start);
            return Ok(());
        }
        // A second at a time, so that a pause of hours takes no memory.
        while self.end() < at.min(self.keep.end) {
            let step = (at.min(self.keep.end) - self.end()).min(i64::from(self.encoder.rate()));
            self.queue.push_silence(step as usize);
            self.encode(out, false)?;
        }
        Ok(())
    }

    /// Number of the sample behind the last in the queue.
    fn end(&self) -> i64 {
        self.sent.saturating_add(self.queue.len() as i64)
    }

    /// Samples that the resampler holds back.
    fn held(&self) -> i64 {
        self.resampler.as_ref().and_then(|resampler| resampler.context.delay()).map_or(0, |delay| delay.output)
    }

    fn resample(&mut self, block: &frame::Audio) -> Result<(), EncodeError> {
        let held = usize::try_from(self.held()).unwrap_or(0);
        let Some(resampler) = self.resampler.as_mut() else { return Ok(()) };
        let room = held + block.samples() * self.encoder.rate() as usize / resampler.rate.max(1) as usize + 64;
        let mut made = frame::Audio::new(self.encoder.format(), room, self.encoder.channel_layout());
        let converted = resampler.context.run(block, &mut made);
        converted.map_err(EncodeError::ffmpeg(&self.path, "converting sound"))?;
        self.keep(&made);
        Ok(())
    }

    /// Takes what the resampler still holds.
    fn flush_resampler(&mut self) -> Result<(), EncodeError> {
        let room = usize::try_from(self.held()).unwrap_or(0) + 64;
        let Some(mut resampler) = self.resampler.take() else { return Ok(()) };
        let mut made = frame::Audio::new(self.encoder.format(), room, self.encoder.channel_layout());
        resampler.context.flush(&mut made).map_err(EncodeError::ffmpeg(&self.path, "converting sound"))?;
        self.keep(&made);
        Ok(())
    }

    /// Puts samples into the queue that belong to the film and do not overlap those before.
    fn keep(&mut self, made: &frame::Audio) {
        let begin = self.position.unwrap_or_else(|| self.keep.start.max(0));
        let end = begin.saturating_add(made.samples() as i64);
        if self.position.is_none() {
            self.sent = begin;
        }
        self.position = Some(end);
        let from = begin.max(self.keep.start).max(self.end());
        let to = end.min(self.keep.end);
        if from < to {
            self.queue.push(made, (from - begin) as usize..(to - begin) as usize);
        }
    }

    /// Encodes whole frames of the queue; `all`: what is left as well.
    fn encode(&mut self, out: &mut VecDeque<Packet>, all: bool) -> Result<(), EncodeError> {
        let size = match self.encoder.frame_size() as usize {
            0 => ANY_FRAME,
            size => size,
        };
        while self.queue.len() >= size || (all && self.queue.len() > 0) {
            let mut taken = self.queue.pop(size);
            taken.set_pts(Some(self.sent));
            self.sent += taken.samples() as i64;
            let fail = EncodeError::ffmpeg(&self.path, "encoding sound");
            self.encoder.send_frame(&taken).map_err(fail)?;
            self.take_packets(out);
        }
        Ok(())
    }

    fn take_packets(&mut self, out: &mut VecDeque<Packet>) {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            out.push_back(std::mem::replace(&mut packet, Packet::empty()));
        }
    }
}

/// An encoder for what a decoder gives: in the source's rate and channels where it takes them, else in usual ones.
fn open_encoder(
    target: SoundCodec,
    decoder: &codec::decoder::Audio,
) -> Result<codec::encoder::audio::Encoder, ffmpeg::Error> {
    let codec = ffmpeg::encoder::find_by_name(target.name()).ok_or(ffmpeg::Error::EncoderNotFound)?;
    let own = decoder.rate();
    let rates: Vec<i32> = codec.audio()?.rates().into_iter().flatten().collect();
    let rate = if rates.is_empty() || rates.iter().any(|rate| *rate as u32 == own) { own } else { USUAL_RATE };
    let channels = i32::from(decoder.channels()).max(1);
    let layouts = [decoder.channel_layout(), ChannelLayout::default(channels), ChannelLayout::STEREO];
    let mut refused = ffmpeg::Error::EncoderNotFound;
    for layout in layouts.into_iter().filter(|layout| !layout.is_empty()) {
        let mut context = codec::Context::new_with_codec(codec);
        context.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::BITEXACT);
        let mut audio = context.encoder().audio()?;
        audio.set_rate(i32::try_from(rate).unwrap_or(USUAL_RATE as i32));
        audio.set_format(target.format(sample_bits(decoder)));
        audio.set_channel_layout(layout);
        audio.set_time_base(Rational(1, i32::try_from(rate).unwrap_or(1)));
        if target == SoundCodec::Aac {
            audio.set_bit_rate(CHANNEL_BITS * layout.channels().max(1) as usize);
        }
        match audio.open_as(codec) {
            Ok(encoder) => return Ok(encoder),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// Bits of a decoder's samples that mean something.
fn sample_bits(decoder: &codec::decoder::Audio) -> u32 {
    // SAFETY: plain fields of a context that is alive.
    let (raw, bytes) = unsafe { ((*decoder.as_ptr()).bits_per_raw_sample, decoder.format().bytes()) };
    u32::try_from(raw).ok().filter(|bits| *bits > 0).unwrap_or(bytes as u32 * 8)
}

/// Whether sound of a codec is what went into it.
fn is_lossless(id: codec::Id) -> bool {
    // SAFETY: the descriptor is static, or null.
    let descriptor = unsafe { ffi::avcodec_descriptor_get(id.into()).as_ref() };
    let has = |property: i32| descriptor.is_some_and(|of| of.props & property != 0);
    has(ffi::AV_CODEC_PROP_LOSSLESS) && !has(ffi::AV_CODEC_PROP_LOSSY)
}

/// Number of samples in a time, to the nearest.
fn samples(ns: i64, rate: u32) -> i64 {
    ((i128::from(ns) * i128::from(rate) * 2 + 1_000_000_000).div_euclid(2_000_000_000)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_where_nothing_was() {
        use codec::Id;
        let choose = |id, container| SoundCodec::choose(id, container).name();
        assert_eq!(choose(Id::WMAV2, Container::Mov), "aac");
        assert_eq!(choose(Id::ADPCM_MS, Container::Mp4), "aac");
        assert_eq!(choose(Id::FLAC, Container::Mp4), "alac");
        assert_eq!(choose(Id::PCM_S16LE, Container::Mp4), "alac");
        assert_eq!(choose(Id::PCM_BLURAY, Container::Mkv), "flac");
        assert_eq!(SoundCodec::Alac.format(24), Sample::I32(Type::Planar));
    }
}

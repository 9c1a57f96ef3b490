//! Sound of a video as mono samples on the time of its pictures.
mod channels;

use crate::video::timeline;
use channels::Channels;
use ffmpeg_next::util::format::sample::{Sample, Type};
use ffmpeg_next::{ChannelLayout, codec, frame, software::resampling};
use framefleet_demux::AudioPackets;
use framefleet_demux::timeline::scale;
use framefleet_frames::{Item, ItemKind, ReadError, VideoFile};
use std::ops::Range;

/// Rates that make sense, Hz.
const RATES: std::ops::RangeInclusive<u32> = 1000..=384_000;

/// Bytes of samples that are given at once.
const MAX_BYTES: u64 = 1 << 30;

/// Sound decoded before a range, so that codecs that overlap their blocks and the resampler have settled.
const LEAD_NS: i64 = 200_000_000;

/// How far a block may be off where the samples before it ended before it is moved, nanoseconds: timestamps of many
/// containers are rounded to milliseconds.
const SLACK_NS: i64 = 20_000_000;

/// Mono samples (−1..1, all channels mixed; the loudest alone where they cancel) of one of an item's sound tracks (by its number from 0; FFmpeg's
/// choice where `None`) between two times, nanoseconds from its first frame, resampled to `rate` Hz: exactly `round((end − start) · rate)` of them,
/// silence where there is no sound. `None` when the item has no such track.
pub fn audio(item: &Item, track: Option<u32>, range_ns: Range<i64>, rate: u32) -> Result<Option<Vec<f32>>, ReadError> {
    if item.kind() != ItemKind::Video {
        return Ok(None);
    }
    let problem = |problem: String| ReadError::Request { item: item.name.clone(), problem };
    if !RATES.contains(&rate) {
        return Err(problem(format!("audio at {rate} Hz; {} to {} are possible", RATES.start(), RATES.end())));
    }
    let length = samples(range_ns.end.saturating_sub(range_ns.start), rate);
    let length = usize::try_from(length).map_err(|_| problem("the audio range ends before it begins".to_owned()))?;
    if length as u64 * 4 > MAX_BYTES {
        return Err(problem(format!("{length} audio samples at once; ask for shorter ranges")));
    }
    let Some(packets) = AudioPackets::open(item, track)? else { return Ok(None) };
    let timeline = timeline(VideoFile::of(item))?;
    let zero_ns = scale(timeline.origin, timeline.time_base, 1_000_000_000);
    let mut mixer = Mixer::new(rate, samples(range_ns.start, rate), length);
    read_range(packets, range_ns.clone(), zero_ns, &mut mixer)?;
    if let (Some(channel), Some(packets)) = (mixer.channels.instead_of_the_mean(), AudioPackets::open(item, track)?) {
        mixer = Mixer { only: Some(channel), ..Mixer::new(rate, samples(range_ns.start, rate), length) };
        read_range(packets, range_ns, zero_ns, &mut mixer)?;
    }
    Ok(Some(mixer.output))
}

/// Number of samples in a time, to the nearest.
fn samples(ns: i64, rate: u32) -> i64 {
    ((i128::from(ns) * i128::from(rate) * 2 + 1_000_000_000).div_euclid(2_000_000_000)) as i64
}

/// Decodes the sound of a range into `mixer`. `zero_ns`: container time of the first picture.
fn read_range(
    mut packets: AudioPackets,
    range_ns: Range<i64>,
    zero_ns: i64,
    mixer: &mut Mixer,
) -> Result<(), ReadError> {
    let demuxer = packets.demuxer();
    let base = demuxer.time_base()?;
    let mut decoder = demuxer.decoder()?.audio().map_err(|error| demuxer.refused(error))?;
    let begin = range_ns.start.saturating_add(zero_ns).saturating_sub(LEAD_NS);
    let ticks = i128::from(begin) * i128::from(base.denominator()) / (1_000_000_000 * i128::from(base.numerator()));
    if range_ns.start > LEAD_NS {
        packets.seek(ticks as i64);
    }
    let time = |ticks: i64| scale(ticks, base, 1_000_000_000).saturating_sub(zero_ns);
    loop {
        let packet = packets.next_packet();
        let ended = packet.is_none();
        // Damaged packets leave silence.
        let _ = match &packet {
            Some(packet) => decoder.send_packet(packet),
            None => decoder.send_eof(),
        };
        if !take_blocks(&mut decoder, &time, range_ns.end, mixer) || ended {
            mixer.flush();
            return Ok(());
        }
    }
}

/// Mixes the blocks that are ready; false when the range is past.
fn take_blocks(decoder: &mut codec::decoder::Audio, time: &dyn Fn(i64) -> i64, end_ns: i64, mixer: &mut Mixer) -> bool {
    let mut block = frame::Audio::empty();
    while decoder.receive_frame(&mut block).is_ok() {
        let ns = block.timestamp().or(block.pts()).map(time);
        if ns.is_some_and(|ns| ns >= end_ns) {
            return false;
        }
        mixer.add(&mut block, ns);
    }
    true
}

/// Samples that a resampler can make of a block and of what it holds back.
fn samples_after(block: usize, resampler: &Resampler, rate: u32) -> usize {
    let held = resampler.context.delay().map_or(0, |delay| usize::try_from(delay.output).unwrap_or(0));
    held + block * rate as usize / resampler.rate.max(1) as usize + 64
}

/// Resamples blocks and puts them where they belong.
struct Mixer {
    rate: u32,
    /// Sample number of the first of `output`, counted from the first picture.
    start: i64,
    output: Vec<f32>,
    resampler: Option<Resampler>,
    /// Sample number of what the resampler gives next.
    position: Option<i64>,
    channels: Channels,
    /// The one channel that is heard.
    only: Option<usize>,
}

struct Resampler {
    context: resampling::Context,
    format: Sample,
    layout: ChannelLayout,
    rate: u32,
}

impl Mixer {
    /// Of `length` samples from number `start` on.
    fn new(rate: u32, start: i64, length: usize) -> Self {
        let (output, channels) = (vec![0.0; length], Channels::default());
        Self { rate, start, output, resampler: None, position: None, channels, only: None }
    }

    /// Adds a block that begins at `ns`.
    fn add(&mut self, block: &mut frame::Audio, ns: Option<i64>) {
        if block.channel_layout().is_empty() {
            block.set_channel_layout(ChannelLayout::default(i32::from(block.channels())));
        }
        match self.only {
            None => {
                self.channels.measure(block);
                self.add_block(block, ns);
            }
            Some(channel) => {
                if let Some(alone) = self.channels.pick(block, channel) {
                    self.add_block(&alone, ns);
                }
            }
        }
    }

    fn add_block(&mut self, block: &frame::Audio, ns: Option<i64>) {
        self.follow(block, ns);
        let Some(resampler) = self.resampler.as_mut() else { return };
        let room = samples_after(block.samples(), resampler, self.rate);
        let mut mono = frame::Audio::new(Sample::F32(Type::Packed), room, ChannelLayout::MONO);
        if resampler.context.run(block, &mut mono).is_ok() {
            self.put(&mono);
        }
    }

    /// Makes the resampler fit the block: a new one where the format changes or time jumps.
    fn follow(&mut self, block: &frame::Audio, ns: Option<i64>) {
        let shape = (block.format(), block.channel_layout(), block.rate());
        let fits = self.resampler.as_ref().is_some_and(|known| (known.format, known.layout, known.rate) == shape);
        let jumped = ns.is_some_and(|ns| {
            let expected = self.position.map(|position| position.saturating_add(self.delay()));
            expected
                .is_none_or(|expected| expected.abs_diff(samples(ns, self.rate)) > samples(SLACK_NS, self.rate) as u64)
        });
        if fits && !jumped {
            return;
        }
        self.flush();
        let (format, layout, rate) = shape;
        let mono = ChannelLayout::MONO;
        let context = resampling::Context::get(format, layout, rate, Sample::F32(Type::Packed), mono, self.rate);
        self.resampler = context.ok().map(|context| Resampler { context, format, layout, rate });
        self.position = ns.map(|ns| samples(ns, self.rate)).or(self.position).or(Some(0));
    }

    /// Samples that the resampler holds back.
    fn delay(&self) -> i64 {
        self.resampler.as_ref().and_then(|resampler| resampler.context.delay()).map_or(0, |delay| delay.output)
    }

    /// Takes what the resampler still holds.
    fn flush(&mut self) {
        if let Some(mut resampler) = self.resampler.take() {
            let room = usize::try_from(resampler.context.delay().map_or(0, |delay| delay.output) + 64).unwrap_or(64);
            let mut mono = frame::Audio::new(Sample::F32(Type::Packed), room, ChannelLayout::MONO);
            if resampler.context.flush(&mut mono).is_ok() {
                self.put(&mono);
            }
        }
    }

    /// Copies samples to their place.
    fn put(&mut self, mono: &frame::Audio) {
        if mono.samples() == 0 {
            return;
        }
        let position = self.position.unwrap_or(0);
        self.position = Some(position.saturating_add(mono.samples() as i64));
        for (number, &sample) in mono.plane::<f32>(0).iter().enumerate() {
            let place = usize::try_from(position.saturating_add(number as i64).saturating_sub(self.start)).ok();
            if let Some(to) = place.and_then(|place| self.output.get_mut(place)) {
                *to = sample.clamp(-1.0, 1.0);
            }
        }
    }
}

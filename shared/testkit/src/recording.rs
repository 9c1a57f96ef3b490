//! Recordings of many kinds with known truth: container × codec × what may be odd about their times, drawn by number.
use crate::splice::{append, cut_beginning, remux};
use crate::{Audio, Clip, TestkitError, numbered, truncate};
use std::path::{Path, PathBuf};

/// Frames are as small as a number can be read from.
const SIZE: (u32, u32) = (64, 48);
/// Samples a second of sound.
const RATE: u32 = 48_000;

/// What is odd about a recording's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// Nothing.
    None,
    /// The clock begins late.
    Late,
    /// Frames last differently long.
    Variable,
    /// Sound begins half a second after the pictures.
    LateSound,
    /// Sound goes on after the pictures, or ends before them.
    LongSound,
    /// See [`Oddity::LongSound`].
    ShortSound,
    /// Two parts with clocks of their own, one behind the other.
    Appended,
    /// The same, the second clock beginning before the first ends.
    Overlapping,
    /// Some frames have the time of the one before.
    Repeated,
    /// The beginning is missing, up to somewhere within a group of pictures.
    CutBeginning,
    /// The end is missing.
    CutEnd,
}

/// Containers by extension, the codecs that are tried in them (encoder, pixel format, whether it has B-frames), and what may be odd in them.
type Kind = (&'static str, &'static [(&'static str, &'static str, bool)], &'static [Oddity]);

const H264: (&str, &str, bool) = ("libx264", "yuv420p", true);
const H265: (&str, &str, bool) = ("libx265", "yuv420p", true);
const MPEG2: (&str, &str, bool) = ("mpeg2video", "yuv420p", true);
const MPEG4: (&str, &str, bool) = ("mpeg4", "yuv420p", true);
const MJPEG: (&str, &str, bool) = ("mjpeg", "yuvj420p", false);
const FFV1: (&str, &str, bool) = ("ffv1", "yuv420p", false);
const VP8: (&str, &str, bool) = ("libvpx", "yuv420p", false);
const VP9: (&str, &str, bool) = ("libvpx-vp9", "yuv420p", false);
const PRORES: (&str, &str, bool) = ("prores_ks", "yuv422p10le", false);

const KINDS: &[Kind] = &[
    (
        "ts",
        &[H264, H265, MPEG2, MPEG4],
        &[
            Oddity::None,
            Oddity::Late,
            Oddity::LateSound,
            Oddity::LongSound,
            Oddity::ShortSound,
            Oddity::Appended,
            Oddity::Overlapping,
            Oddity::CutBeginning,
        ],
    ),
    (
        "flv",
        &[H264, ("flv", "yuv420p", false)],
        &[
            Oddity::None,
            Oddity::Variable,
            Oddity::LongSound,
            Oddity::ShortSound,
            Oddity::Appended,
            Oddity::Overlapping,
            Oddity::Repeated,
            Oddity::CutEnd,
        ],
    ),
    ("mpg", &[MPEG2, ("mpeg1video", "yuv420p", true)], &[Oddity::None, Oddity::LongSound, Oddity::Appended]),
    (
        "mkv",
        &[H264, H265, FFV1, MPEG4, MJPEG, MPEG2, VP8],
        &[
            Oddity::None,
            Oddity::Late,
            Oddity::Variable,
            Oddity::LateSound,
            Oddity::LongSound,
            Oddity::ShortSound,
            Oddity::Repeated,
            Oddity::CutEnd,
        ],
    ),
    ("webm", &[VP8, VP9], &[Oddity::None, Oddity::Late, Oddity::Variable, Oddity::LongSound, Oddity::CutEnd]),
    (
        "mp4",
        &[H264, H265, MPEG4],
        &[
            Oddity::None,
            Oddity::Late,
            Oddity::Variable,
            Oddity::LateSound,
            Oddity::LongSound,
            Oddity::ShortSound,
            Oddity::CutEnd,
        ],
    ),
    (
        "mov",
        &[H264, PRORES, MJPEG],
        &[Oddity::None, Oddity::Variable, Oddity::LateSound, Oddity::LongSound, Oddity::CutEnd],
    ),
    ("avi", &[H264, MPEG4, MJPEG, FFV1], &[Oddity::None, Oddity::LongSound, Oddity::ShortSound, Oddity::CutEnd]),
    ("nut", &[H264, MPEG4, FFV1], &[Oddity::None, Oddity::Late, Oddity::LongSound]),
    ("wmv", &[("wmv2", "yuv420p", false)], &[Oddity::None, Oddity::LongSound]),
];

/// A recording that can be made.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Extension of its container.
    pub container: &'static str,
    /// Encoder, pixel format, whether the codec has B-frames.
    codec: (&'static str, &'static str, bool),
    /// What is odd about it.
    pub oddity: Oddity,
    frames: u64,
    rate: (u32, u32),
    gop: u32,
    b_frames: u32,
}

/// What is known of a recording.
#[derive(Clone, Debug)]
pub struct Truth {
    /// The file.
    pub path: PathBuf,
    /// Numbers stamped on all frames that were painted, in order. Of a file whose beginning or end is missing not all are there.
    pub numbers: Vec<u64>,
    /// Their times in nanoseconds from the first.
    pub pts_ns: Vec<i64>,
    /// Time at which a beep begins, nanoseconds from the first frame; `None` where it is not known.
    pub beep_ns: Option<i64>,
}

/// Numbers that look random and are the same everywhere: a linear congruential generator (Knuth, MMIX).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides.max(1)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}

impl Recording {
    /// The recording of a number. Low numbers go through all containers, codecs and oddities, the rest is drawn.
    pub fn of_number(number: u64) -> Self {
        let all = || {
            KINDS.iter().flat_map(|(container, codecs, oddities)| {
                let of_codec = move |codec| oddities.iter().map(move |oddity| (*container, codec, *oddity));
                codecs.iter().copied().flat_map(of_codec)
            })
        };
        let mut dice = Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        dice.roll(2);
        let count = all().count() as u64;
        let (container, codec, oddity) = all().nth((number % count) as usize).unwrap_or(("mkv", H264, Oddity::None));
        let b_frames = match (codec, container, oddity) {
            // AVI has no times by which frames that are decoded out of order could be in step with sound.
            ((_, _, false), ..)
            | (_, "avi", _)
            | (_, _, Oddity::Repeated)
            | (_, "flv", Oddity::Appended | Oddity::Overlapping) => 0,
            _ => dice.pick(&[0, 1, 2, 3]).min(if codec.0.starts_with("libx") { 3 } else { 2 }),
        };
        // The encoder of MPEG-2 knows no other than constant rates.
        let oddity = if codec == MPEG2 && oddity == Oddity::Variable { Oddity::None } else { oddity };
        let (mut rate, mut frames) =
            (dice.pick(&[(25, 1), (30, 1), (50, 1), (30_000, 1001), (24, 1)]), dice.pick(&[40, 57, 75]));
        if matches!(oddity, Oddity::Variable | Oddity::CutEnd) {
            // What is cut off has to be longer than what headers may be off.
            (rate, frames) = ((25, 1), 75);
        }
        Self { container, codec, oddity, frames, rate, gop: dice.pick(&[6, 12, 25]), b_frames }
    }

    /// How many recordings there are that differ in container, codec or oddity.
    pub fn kinds() -> u64 {
        KINDS.iter().map(|(_, codecs, oddities)| (codecs.len() * oddities.len()) as u64).sum()
    }

    /// Makes it in a folder.
    pub fn write(&self, folder: &Path) -> Result<Truth, TestkitError> {
        let path = folder.join(format!("recording.{}", self.container));
        let parts: u64 = if matches!(self.oddity, Oddity::Appended | Oddity::Overlapping) { 2 } else { 1 };
        let numbers = (0..parts * self.frames).collect();
        let clip = self.clip(self.frames * parts);
        let mut pts_ns = clip.pts_ns();
        // In the last part, a third behind its beginning.
        let beep_frame = ((parts - 1) * self.frames + self.frames / 3) as usize;
        let beep_ns = pts_ns[beep_frame];
        let seconds = *clip.pts_ns().last().unwrap_or(&0) as f64 / 1e9;
        if parts == 1 {
            let made = self.part(&clip, &path, 0, Some(beep_ns), self.sound_seconds(seconds))?;
            let made = self.spoil(made, folder)?;
            let late = if self.oddity == Oddity::LateSound { 500_000_000 } else { 0 };
            let short = self.oddity == Oddity::ShortSound && beep_ns as f64 / 1e9 > seconds / 2.0;
            return Ok(Truth { path: made, numbers, pts_ns, beep_ns: (!short).then_some(beep_ns + late) });
        }
        let part_ns = pts_ns[self.frames as usize];
        let overlap = if self.oddity == Oddity::Overlapping { part_ns as f64 / 3e9 } else { 0.0 };
        let seconds = part_ns as f64 / 1e9;
        let first = self.clip(self.frames);
        let second = self.clip(self.frames).arguments(["-output_ts_offset", &format!("{}", 2.0 * overlap)]);
        let parts = [
            self.part(&first, &folder.join(format!("a.{}", self.container)), 0, None, seconds)?,
            self.part(
                &second,
                &folder.join(format!("b.{}", self.container)),
                self.frames,
                Some(beep_ns - part_ns),
                seconds,
            )?,
        ];
        pts_ns.truncate(2 * self.frames as usize);
        Ok(Truth { path: append(&parts, &path)?, numbers, pts_ns, beep_ns: Some(beep_ns) })
    }

    fn clip(&self, frames: u64) -> Clip {
        let (encoder, format, _) = self.codec;
        let clip = Clip::new(SIZE.0, SIZE.1, frames).codec(encoder, format).gop(self.gop).b_frames(self.b_frames);
        let clip = clip.rate(self.rate.0, self.rate.1);
        let clip = match encoder {
            "libx264" | "libx265" => clip.quality(18),
            "ffv1" | "prores_ks" => clip,
            "libvpx" | "libvpx-vp9" => clip.arguments(["-b:v", "1M", "-cpu-used", "8", "-deadline", "realtime"]),
            _ => clip.quality(2),
        };
        match self.oddity {
            Oddity::Late => clip.arguments(["-output_ts_offset", "100"]),
            Oddity::Variable => {
                let milliseconds: Vec<u32> = (0..frames as u32).map(|frame| 20 + frame * 37 % 60).collect();
                clip.durations_ms(&milliseconds)
            }
            Oddity::CutEnd if matches!(self.container, "mp4" | "mov") => clip.arguments(["-movflags", "+faststart"]),
            _ => clip,
        }
    }

    fn sound_seconds(&self, seconds: f64) -> f64 {
        match self.oddity {
            Oddity::LongSound => seconds + 3.0,
            Oddity::ShortSound => seconds / 2.0,
            _ => seconds,
        }
    }

    /// A file of frames from number `first` on, with a beep.
    fn part(
        &self,
        clip: &Clip,
        path: &Path,
        first: u64,
        beep_ns: Option<i64>,
        seconds: f64,
    ) -> Result<PathBuf, TestkitError> {
        let beep = beep_ns.map(|ns| ns as f64 / 1e9);
        let sample = |number: usize| {
            let time = number as f64 / f64::from(RATE);
            let heard = beep.is_some_and(|beep| (beep..beep + 0.15).contains(&time));
            if heard { (0.7 * (time * 5000.0).sin()) as f32 } else { 0.0 }
        };
        let samples = (0..(seconds * f64::from(RATE)) as usize).map(sample).collect();
        let encoder = match self.container {
            // Frames of AVI files have numbers instead of times: sound that begins before 0 would move them.
            "avi" => "pcm_s16le",
            // Opus does not take the ticks of frames that last differently long.
            "webm" => "libvorbis",
            _ => "",
        };
        let clip = clip.clone().audio_codec(Audio::Samples(RATE, samples), encoder);
        clip.write(path, |frame| numbered(SIZE.0, SIZE.1, first + frame))
    }

    /// Does to a file what cannot be asked of an encoder.
    fn spoil(&self, path: PathBuf, folder: &Path) -> Result<PathBuf, TestkitError> {
        let target = folder.join(format!("odd.{}", self.container));
        match self.oddity {
            Oddity::LateSound => remux(&path, &target, &["-bsf:a", "setts=pts=PTS+0.5/TB:dts=DTS+0.5/TB"]),
            Oddity::Repeated => {
                let again = "not(mod(N+3\\,7))";
                let times = format!("setts=pts=if({again}\\,PREV_OUTPTS\\,PTS):dts=if({again}\\,PREV_OUTDTS\\,DTS)");
                remux(&path, &target, &["-bsf:v", &times])
            }
            Oddity::CutBeginning => cut_beginning(&path, &target, 0.15),
            Oddity::CutEnd => truncate(&path, &target, 0.6),
            _ => Ok(path),
        }
    }
}

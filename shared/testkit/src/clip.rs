//! Videos made from painted frames.
use crate::display_matrix::{UPRIGHT, turn};
use crate::{Picture, TestkitError, reference::Feed};
use std::io::Write;
use std::path::{Path, PathBuf};

/// When frames are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timing {
    /// So many frames per second, as a fraction.
    Rate(u32, u32),
    /// Every frame has a duration of its own: ticks of `1 / ticks_per_second`. Frames beyond the list last as long as the
    /// list's last one. Durations must be at least 1. (How long the last frame of a file lasts, most containers do not say.)
    Durations {
        /// Ticks per second: 1000 suits every container.
        ticks_per_second: u32,
        /// Ticks per frame.
        ticks: Vec<u32>,
    },
}

/// Sound of a clip.
#[derive(Clone, Debug, PartialEq)]
pub enum Audio {
    /// A sine of this frequency for so many seconds, 48 kHz.
    Tone(f64, f64),
    /// Mono samples −1..1 at a rate; the first one is heard with the first frame.
    Samples(u32, Vec<f32>),
}

/// Makes a video file out of frames that a closure paints. The file's name chooses the container.
///
/// ```no_run
/// # use framefleet_testkit::{Clip, numbered, Audio};
/// # fn main() -> Result<(), framefleet_testkit::TestkitError> {
/// let clip = Clip::new(128, 96, 50).rate(30_000, 1001).gop(12).audio(Audio::Tone(440.0, 2.0));
/// clip.write("film.mp4".as_ref(), |frame| numbered(128, 96, frame))?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Clip {
    width: u32,
    height: u32,
    frames: u64,
    timing: Timing,
    codec: String,
    pixel_format: String,
    gop: u32,
    b_frames: u32,
    quality: Option<u32>,
    audio: Option<(Audio, String)>,
    /// a, b, c and d of the display matrix: 1, 0 or -1.
    matrix: [i32; 4],
    sample_aspect: (u32, u32),
    colour: Option<[String; 4]>,
    interlaced: Option<bool>,
    arguments: Vec<String>,
}

impl Clip {
    /// A clip of so many frames: 25 per second, H.264 (`yuv420p`, quality 12) with a key frame every 12 frames and two
    /// B-frames, without sound.
    pub fn new(width: u32, height: u32, frames: u64) -> Self {
        Self {
            width,
            height,
            frames,
            timing: Timing::Rate(25, 1),
            codec: "libx264".to_owned(),
            pixel_format: "yuv420p".to_owned(),
            gop: 12,
            b_frames: 2,
            quality: Some(12),
            audio: None,
            matrix: UPRIGHT,
            sample_aspect: (1, 1),
            colour: None,
            interlaced: None,
            arguments: Vec::new(),
        }
    }

    /// Frames per second as a fraction.
    pub fn rate(mut self, numerator: u32, denominator: u32) -> Self {
        self.timing = Timing::Rate(numerator, denominator);
        self
    }

    /// A duration for every frame, in milliseconds: a variable frame rate.
    pub fn durations_ms(mut self, milliseconds: &[u32]) -> Self {
        self.timing = Timing::Durations { ticks_per_second: 1000, ticks: milliseconds.to_vec() };
        self
    }

    /// When frames are shown.
    pub fn timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// Encoder by FFmpeg's name, and pixel format: ("ffv1", "rgb48le"), ("prores_ks", "yuv422p10le"), … No quality is asked
    /// for unless [`Clip::quality`] follows.
    pub fn codec(mut self, encoder: &str, pixel_format: &str) -> Self {
        self.codec = encoder.to_owned();
        self.pixel_format = pixel_format.to_owned();
        self.quality = None;
        self
    }

    /// x264's and x265's constant quality (0 is best), other encoders' quantiser.
    pub fn quality(mut self, quality: u32) -> Self {
        self.quality = Some(quality);
        self
    }

    /// Frames from one key frame to the next.
    pub fn gop(mut self, frames: u32) -> Self {
        self.gop = frames;
        self
    }

    /// Most B-frames in a row.
    pub fn b_frames(mut self, frames: u32) -> Self {
        self.b_frames = frames;
        self
    }

    /// Adds sound (AAC, or the container's usual).
    pub fn audio(self, audio: Audio) -> Self {
        self.audio_codec(audio, "")
    }

    /// Adds sound by the encoder of this name, `""` = the container's usual.
    pub fn audio_codec(mut self, audio: Audio, encoder: &str) -> Self {
        self.audio = Some((audio, encoder.to_owned()));
        self
    }

    /// Tags the file to be shown turned clockwise by so many degrees; frames are coded as painted. MP4 and MOV.
    pub fn rotation(self, degrees: u32) -> Self {
        self.display_matrix(match degrees % 360 {
            90 => [0, 1, -1, 0],
            180 => [-1, 0, 0, -1],
            270 => [0, -1, 1, 0],
            _ => UPRIGHT,
        })
    }

    /// Tags the file to be shown with coded place (x, y) at (a·x + c·y, b·x + d·y), for a matrix of 1, 0 and -1, moved to where the picture
    /// begins at (0, 0). MP4 and MOV.
    pub fn display_matrix(mut self, [a, b, c, d]: [i32; 4]) -> Self {
        self.matrix = [a, b, c, d];
        self
    }

    /// Width : height of a coded pixel.
    pub fn sample_aspect(mut self, width: u32, height: u32) -> Self {
        self.sample_aspect = (width, height);
        self
    }

    /// Colour tags by FFmpeg's names: primaries, transfer, matrix, range (`"bt709", "bt709", "bt709", "tv"`). RGB is
    /// converted by that matrix and range; transfer and primaries are tags alone.
    pub fn colour(mut self, primaries: &str, transfer: &str, matrix: &str, range: &str) -> Self {
        self.colour = Some([primaries, transfer, matrix, range].map(str::to_owned));
        self
    }

    /// Interlaced: the closure paints fields (field 2n and 2n + 1 make frame n) at full height, every other row is taken.
    pub fn interlaced(mut self, top_field_first: bool) -> Self {
        self.interlaced = Some(top_field_first);
        self
    }

    /// More arguments for the output, as `ffmpeg` takes them.
    pub fn arguments<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.arguments.extend(arguments.into_iter().map(str::to_owned));
        self
    }

    /// Presentation time of every frame, nanoseconds from the first.
    pub fn pts_ns(&self) -> Vec<i64> {
        let nanoseconds = |ticks: u64, num: u32, den: u32| {
            ((u128::from(ticks) * u128::from(den) * 1_000_000_000 + u128::from(num) / 2) / u128::from(num)) as i64
        };
        match &self.timing {
            Timing::Rate(num, den) => (0..self.frames).map(|n| nanoseconds(n, *num, *den)).collect(),
            Timing::Durations { ticks_per_second, ticks } => {
                starts(ticks).take(self.frames as usize).map(|start| nanoseconds(start, *ticks_per_second, 1)).collect()
            }
        }
    }

    /// Writes the clip from 8-bit pictures of its size; returns `path`. `paint` is called once per frame (or field), in
    /// order.
    pub fn write(&self, path: &Path, mut paint: impl FnMut(u64) -> Picture) -> Result<PathBuf, TestkitError> {
        self.encode(path, "rgb24", 1, &mut |frame| paint(frame).rgb)
    }

    /// Writes the clip from 16-bit RGB over the full range, `height · width · 3` samples per frame; returns `path`.
    pub fn write16(&self, path: &Path, mut paint: impl FnMut(u64) -> Vec<u16>) -> Result<PathBuf, TestkitError> {
        self.encode(path, "rgb48le", 2, &mut |frame| paint(frame).into_iter().flat_map(u16::to_le_bytes).collect())
    }

    fn encode(
        &self,
        path: &Path,
        input_format: &str,
        sample_bytes: usize,
        paint: &mut dyn FnMut(u64) -> Vec<u8>,
    ) -> Result<PathBuf, TestkitError> {
        let sound = self.sound_file()?;
        let arguments = self.command(path, input_format, sound.as_ref().map(tempfile::NamedTempFile::path));
        let mut feed = Feed::start("ffmpeg", &arguments)?;
        let row = self.width as usize * 3 * sample_bytes;
        for frame in 0..self.frames {
            let pixels = match self.interlaced {
                None => paint(frame),
                Some(top_first) => weave(&paint(2 * frame), &paint(2 * frame + 1), row, top_first),
            };
            let expected = row * self.height as usize;
            if pixels.len() != expected {
                let (expected, found) = (expected / sample_bytes, pixels.len() / sample_bytes);
                return Err(TestkitError::Size { frame, expected, found });
            }
            if !feed.write(&pixels) {
                break;
            }
        }
        feed.finish()?;
        if self.matrix != UPRIGHT {
            turn(path, self.matrix, self.width, self.height)?;
        }
        Ok(path.to_owned())
    }

    /// Samples as a file that FFmpeg can read beside the pipe.
    fn sound_file(&self) -> Result<Option<tempfile::NamedTempFile>, TestkitError> {
        let Some((Audio::Samples(_, samples), _)) = &self.audio else { return Ok(None) };
        let io = |source| TestkitError::Io { path: std::env::temp_dir(), source };
        let mut file = tempfile::NamedTempFile::new().map_err(io)?;
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        file.write_all(&bytes).map_err(io)?;
        Ok(Some(file))
    }

    fn command(&self, path: &Path, input_format: &str, sound: Option<&Path>) -> Vec<String> {
        let mut list = Arguments::default();
        let (num, den) = match self.timing {
            Timing::Rate(num, den) => (num, den),
            Timing::Durations { .. } => (25, 1),
        };
        list.add(["-f", "rawvideo", "-pixel_format", input_format]);
        list.add(["-video_size", &format!("{}x{}", self.width, self.height), "-framerate", &format!("{num}/{den}")]);
        list.add(["-i", "pipe:0"]);
        self.sound(&mut list, sound);
        list.add(["-vf", &self.filters()]);
        list.add(["-c:v", &self.codec, "-pix_fmt", &self.pixel_format, "-threads", "1"]);
        list.add(["-g", &self.gop.to_string(), "-bf", &self.b_frames.to_string(), "-sc_threshold", "0"]);
        self.quality_arguments(&mut list);
        if let Timing::Durations { ticks_per_second, .. } = &self.timing {
            list.add(["-fps_mode", "passthrough", "-enc_time_base", &format!("1:{ticks_per_second}")]);
            list.add(["-video_track_timescale", &ticks_per_second.to_string()]);
        }
        if let Some([primaries, transfer, matrix, range]) = &self.colour {
            list.add([
                "-color_primaries",
                primaries,
                "-color_trc",
                transfer,
                "-colorspace",
                matrix,
                "-color_range",
                range,
            ]);
        }
        if let Some(top_first) = self.interlaced {
            let (top, order) = if top_first { ("1", "tt") } else { ("0", "bb") };
            list.add(["-flags", "+ildct+ilme", "-top", top, "-field_order", order]);
        }
        list.0.extend(self.arguments.iter().cloned());
        list.add(["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-y"]);
        list.0.push(path.display().to_string());
        list.0
    }

    fn sound(&self, list: &mut Arguments, file: Option<&Path>) {
        let Some((audio, encoder)) = &self.audio else { return };
        match (audio, file) {
            (Audio::Samples(rate, _), Some(file)) => {
                list.add(["-f", "f32le", "-ar", &rate.to_string(), "-ac", "1", "-i", &file.display().to_string()]);
            }
            (Audio::Tone(frequency, seconds), _) => {
                let source = format!("sine=frequency={frequency}:sample_rate=48000:duration={seconds}");
                list.add(["-f", "lavfi", "-i", &source]);
            }
            (Audio::Samples(..), None) => return,
        }
        if !encoder.is_empty() {
            list.add(["-c:a", encoder]);
        }
    }

    fn quality_arguments(&self, list: &mut Arguments) {
        let x26 = matches!(self.codec.as_str(), "libx264" | "libx265");
        if x26 {
            list.add(["-preset", "veryfast"]);
        }
        if self.codec == "libx265" {
            list.add(["-x265-params", &format!("log-level=error:pools=1:frame-threads=1:keyint={}", self.gop)]);
        }
        if let Some(quality) = self.quality {
            list.add([if x26 { "-crf" } else { "-q:v" }, &quality.to_string()]);
        }
    }

    fn filters(&self) -> String {
        let mut filters = Vec::new();
        if let Timing::Durations { ticks_per_second, ticks } = &self.timing {
            filters.push(format!("settb=1/{ticks_per_second},setpts='{}'", start_expression(ticks)));
        }
        if let Some(top_first) = self.interlaced {
            filters.push(format!("setfield={}", if top_first { "tff" } else { "bff" }));
        }
        let interlaced = u8::from(self.interlaced.is_some());
        let (matrix, range) = match &self.colour {
            Some([_, _, matrix, range]) => (scaler_matrix(matrix), range.as_str()),
            None => ("bt601", "auto"),
        };
        filters.push(format!(
            "scale=out_color_matrix={matrix}:out_range={range}:interl={interlaced}:flags=bicubic+accurate_rnd+full_chroma_int"
        ));
        filters.push(format!("setsar={}/{}", self.sample_aspect.0, self.sample_aspect.1));
        filters.join(",")
    }
}

/// The scaler's name of a matrix, where it differs from the tag's.
fn scaler_matrix(tag: &str) -> &str {
    match tag {
        "bt2020nc" => "bt2020",
        "bt470bg" | "smpte170m" => "bt601",
        other => other,
    }
}

#[derive(Default)]
struct Arguments(Vec<String>);

impl Arguments {
    fn add<const N: usize>(&mut self, arguments: [&str; N]) {
        self.0.extend(arguments.map(str::to_owned));
    }
}

/// Start of every frame, in ticks, without end.
fn starts(ticks: &[u32]) -> impl Iterator<Item = u64> + '_ {
    let last = ticks.last().copied().unwrap_or(1);
    let mut at = 0;
    ticks.iter().copied().chain(std::iter::repeat(last)).map(move |duration| {
        at += u64::from(duration);
        at - u64::from(duration)
    })
}

/// Start of frame N as an expression of FFmpeg: one term per change of duration.
fn start_expression(ticks: &[u32]) -> String {
    let first = ticks.first().copied().unwrap_or(1);
    let changes = ticks
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] != pair[1])
        .map(|(at, pair)| format!("+max(0,N-{})*({})", at + 1, i64::from(pair[1]) - i64::from(pair[0])));
    std::iter::once(format!("N*{first}")).chain(changes).collect()
}

/// One frame out of two fields.
fn weave(first: &[u8], second: &[u8], row: usize, top_first: bool) -> Vec<u8> {
    let (top, bottom) = if top_first { (first, second) } else { (second, first) };
    let rows = top.chunks(row).zip(bottom.chunks(row)).enumerate();
    rows.flat_map(|(y, (top, bottom))| if y % 2 == 0 { top } else { bottom }).copied().collect()
}

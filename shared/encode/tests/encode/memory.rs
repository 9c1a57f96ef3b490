//! What an encoder really takes, measured by the kernel in a process of its own (figures with `--nocapture`).

use bytes::Bytes;
use framefleet_encode::Encoder;
use framefleet_formats::{Codec, VideoFormat};
use framefleet_frames::{Image, Item, ItemKind, PixelFormat, Rational};
use std::process::Command;

/// The variable that makes the child of this test one: codec, width, height, bits and frames.
const WORK: &str = "ENCODER_MEMORY";

/// A piece to encode.
#[derive(Clone, Copy, Debug)]
struct Work {
    codec: Codec,
    width: u32,
    height: u32,
    bits: u32,
    frames: u64,
}

const CODECS: [(&str, Codec); 5] = [
    ("h264", Codec::H264),
    ("h265", Codec::H265),
    ("prores", Codec::Prores),
    ("dnxhr", Codec::Dnxhr),
    ("ffv1", Codec::Ffv1),
];

impl Work {
    fn words(self) -> String {
        let name = CODECS.iter().find(|(_, codec)| *codec == self.codec).map(|(name, _)| *name).unwrap();
        format!("{name} {} {} {} {}", self.width, self.height, self.bits, self.frames)
    }

    fn parse(words: &str) -> Self {
        let words: Vec<&str> = words.split(' ').collect();
        let number = |at: usize| words[at].parse::<u32>().unwrap();
        let codec = CODECS.iter().find(|(name, _)| *name == words[0]).map(|(_, codec)| *codec).unwrap();
        Self { codec, width: number(1), height: number(2), bits: number(3), frames: u64::from(number(4)) }
    }

    fn format(self) -> VideoFormat {
        let item = Item {
            kind: ItemKind::Video as i32,
            bit_depth: self.bits,
            time_base: Some(Rational { num: 1, den: 25 }),
            frame_rate: Some(Rational { num: 25, den: 1 }),
            ..Item::default()
        };
        let input = if self.bits > 8 { PixelFormat::Rgb16 } else { PixelFormat::Rgb8 };
        VideoFormat::new(self.codec, &item, (self.width, self.height, input), None)
    }

    /// Bytes that the encoder takes at most, in a process of its own.
    fn peak(self) -> u64 {
        let program = std::env::current_exe().unwrap();
        let output = Command::new(program)
            .args(["--exact", "memory::encodes_for_its_parent", "--nocapture"])
            .env(WORK, self.words())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{self:?}: {text}");
        let peak = text.lines().find_map(|line| line.split_once("peak ")).unwrap().1;
        peak.trim().parse().unwrap()
    }
}

/// Bytes that the kernel says of this process under a key of `/proc/self/status`.
fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// The child: encodes noise, which no codec makes small.
#[test]
fn encodes_for_its_parent() {
    let Ok(words) = std::env::var(WORK) else { return };
    let work = Work::parse(&words);
    let format = work.format();
    let bytes = work.width as usize * work.height as usize * if work.bits > 8 { 6 } else { 3 };
    const SHIFT: usize = 6 * 4099;
    let mut noise = Vec::with_capacity(bytes + 8 * SHIFT);
    // Of little strength, so that encoders are not long about it.
    let mask = 0x0707_0707_0707_0707;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    while noise.len() < bytes + 7 * SHIFT {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend_from_slice(&(state & mask).to_le_bytes());
    }
    let noise = Bytes::from(noise);
    let folder = tempfile::tempdir().unwrap();
    let before = status("VmRSS");
    let mut encoder = Encoder::create(&folder.path().join("piece.nut"), &format).unwrap();
    for n in 0..work.frames {
        let start = SHIFT * (n as usize % 8);
        let data = noise.slice(start..start + bytes);
        let image = Image::new(format.input, work.width, work.height, data).unwrap();
        encoder.push(&image, n as i64 * 40_000_000).unwrap();
    }
    encoder.finish().unwrap();
    println!("peak {}", status("VmHWM").saturating_sub(before));
}

/// The model says no less than the kernel, and not so much more that memory lies idle.
#[test]
fn an_encoder_takes_what_the_model_says() {
    let work = |codec, width, height, bits, frames| Work { codec, width, height, bits, frames };
    let works = [
        work(Codec::H264, 1280, 720, 8, 1),
        work(Codec::H264, 1280, 720, 8, 12),
        work(Codec::H264, 1920, 1080, 10, 8),
        work(Codec::H265, 960, 540, 8, 3),
        work(Codec::H265, 960, 540, 8, 20),
        work(Codec::H265, 960, 540, 12, 20),
        work(Codec::Prores, 1920, 1080, 10, 3),
        work(Codec::Dnxhr, 1920, 1080, 8, 3),
        work(Codec::Dnxhr, 1920, 1080, 10, 3),
        work(Codec::Ffv1, 1280, 720, 8, 3),
        work(Codec::Ffv1, 1280, 720, 16, 3),
    ];
    let mut wrong = Vec::new();
    for work in works {
        let (peak, model) = (work.peak(), work.format().encoder_bytes(work.frames));
        println!("{work:?}: {} MiB at the peak, the model says {}", peak >> 20, model >> 20);
        if peak > model || model > 2 * peak {
            wrong.push((work, peak, model));
        }
    }
    assert!(wrong.is_empty(), "bytes at the peak, and by the model: {wrong:?}");
}

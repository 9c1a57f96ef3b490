//! Damaged files of every kind: whatever is flipped, cut, repeated or put in, every frame has an outcome and nothing panics. How many files are
//! tried, `FRAMEFLEET_MUTATIONS` says (`make soak-media`); the seed of a failure is in its message.
use crate::film::Film;
use framefleet_decode::{Decoders, Deinterlace};
use framefleet_frames::{IndexRequest, Item, Rendition};
use framefleet_index::index;
use framefleet_probe::{ImageFolders, probe};
use framefleet_testkit::{Audio, Clip, numbered, write_image};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Files that are tried in a run of all tests.
const USUAL: u64 = 150;
/// Damaged headers may promise much; frames of a file that are read.
const MAX_FRAMES: u64 = 64;

/// Numbers that follow from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((value ^ (value >> 31)) % end.max(1) as u64) as usize
    }
}

/// Small files of all kinds.
fn corpus(folder: &Path) -> Vec<PathBuf> {
    let paint = |frame| numbered(64, 48, frame);
    let sound = |clip: Clip| clip.audio(Audio::Tone(440.0, 0.4));
    let plain = || Clip::new(64, 48, 10).gop(5);
    let intra = || plain().b_frames(0);
    let clips = [
        ("a.mp4", sound(plain())),
        ("a.mkv", sound(plain())),
        ("a.ts", sound(plain())),
        ("a.flv", sound(plain())),
        ("a.avi", intra().codec("mjpeg", "yuvj420p")),
        ("a.mov", intra().codec("prores_ks", "yuv422p10le")),
        ("v.webm", intra().codec("libvpx-vp9", "yuva420p").arguments(["-auto-alt-ref", "0"])),
        ("p.mpg", intra().codec("mpeg2video", "yuv420p")),
        ("a.h264", plain()),
        ("a.gif", intra().codec("gif", "rgb8")),
        ("w.webp", intra().codec("libwebp_anim", "bgra")),
    ];
    let mut files: Vec<PathBuf> =
        clips.iter().map(|(name, clip)| clip.write(&folder.join(name), paint).unwrap()).collect();
    files.extend(
        ["s.png", "s.jpg", "s.tiff", "s.bmp", "s.webp", "s.tga", "s.ppm"]
            .map(|name| write_image(&folder.join(name), &paint(7)).unwrap()),
    );
    files
}

/// Damages bytes in one to four ways.
fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..1 + dice.below(4) {
        // Headers are where most decisions are made.
        let reach = if dice.below(2) == 0 { bytes.len() } else { bytes.len().min(512) };
        let at = dice.below(reach);
        let run = 1 + dice.below(32);
        let end = (at + run).min(bytes.len());
        match dice.below(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
            1 => bytes.truncate(at.max(1)),
            2 => bytes[at..end].fill([0, 0xff, 0x80, 0x7f][dice.below(4)]),
            3 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            4 => drop(bytes.drain(at..end)),
            _ => bytes[at..end].iter_mut().for_each(|byte| *byte = dice.below(256) as u8),
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
}

/// Reads a file as a job would.
fn read(path: &Path) {
    let Ok(probed) = probe(path.to_str().unwrap(), ImageFolders::Auto) else { return };
    for item in probed.items {
        read_item(item);
    }
}

fn read_item(item: Item) {
    let (mut batches, mut frames) = (Vec::new(), 0);
    let indexed = index(&item, IndexRequest::fresh(8), Deinterlace::Auto, &mut |more| {
        frames += more.iter().map(|batch| batch.pts_ns.len() as u64).sum::<u64>();
        batches.extend(more);
        frames < MAX_FRAMES
    });
    let Ok((item, damage)) = indexed else { return };
    let film = Film { item, batches, damage };
    let decoders = Decoders::new(Deinterlace::Auto, 2);
    for batch in &film.batches {
        if film.item.width as u64 * film.item.height as u64 > 1 << 22 {
            // Memory for absurd sizes is the planner's business.
            return;
        }
        let (shown, failures) = film.batch(&decoders, batch, Rendition::Proxy);
        assert_eq!(shown.len() + failures.len(), batch.pts_ns.len(), "every frame has an outcome");
        assert!(batch.pts_ns.windows(2).all(|pair| pair[0] <= pair[1]), "times go forward: {:?}", batch.pts_ns);
    }
}

#[test]
fn whatever_is_damaged_every_frame_has_an_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::env::var("FRAMEFLEET_MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(USUAL);
    let corpus = corpus(folder.path());
    let damaged = folder.path().join("damaged");
    std::fs::create_dir(&damaged).unwrap();
    for seed in 0..count {
        let mut dice = Dice(seed);
        let source = &corpus[dice.below(corpus.len())];
        let path = damaged.join(source.file_name().unwrap());
        let mut bytes = std::fs::read(source).unwrap();
        damage(&mut bytes, &mut dice);
        std::fs::write(&path, bytes).unwrap();
        let ended = catch_unwind(AssertUnwindSafe(|| read(&path)));
        assert!(ended.is_ok(), "seed {seed}, {}", path.display());
        std::fs::remove_file(&path).unwrap();
    }
}

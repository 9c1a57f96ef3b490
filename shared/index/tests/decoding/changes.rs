//! Videos whose picture changes its size on the way.
use crate::film::{Film, mean};
use framefleet_decode::{Decoders, Deinterlace};
use framefleet_frames::Rendition;
use framefleet_testkit::{Clip, Picture};
use std::path::{Path, PathBuf};

const HALF: u64 = 30;

/// Colour of a frame: its number can be read off.
fn colour(frame: u64) -> [u8; 3] {
    [(40 + frame * 3) as u8, 120, (220 - frame * 2) as u8]
}

/// Transport streams one after the other, as broadcasts switch: first a large picture, then a small one of another shape,
/// or the other way round.
fn switching(folder: &Path, sizes: [(u32, u32); 2]) -> PathBuf {
    let mut stream = Vec::new();
    for (part, (width, height)) in sizes.into_iter().enumerate() {
        let path = folder.join(format!("{part}.ts"));
        let first = part as u64 * HALF;
        let offset = format!("{}", first as f64 / 25.0);
        let clip = Clip::new(width, height, HALF).b_frames(0).quality(4).arguments(["-output_ts_offset", &offset]);
        clip.write(&path, |frame| Picture::filled(width, height, colour(first + frame))).unwrap();
        stream.extend(std::fs::read(path).unwrap());
    }
    let path = folder.join("switching.ts");
    std::fs::write(&path, stream).unwrap();
    path
}

#[test]
fn every_frame_has_the_size_of_the_item() {
    let folder = tempfile::tempdir().unwrap();
    for sizes in [[(320, 240), (160, 96)], [(160, 96), (320, 240)]] {
        let path = switching(folder.path(), sizes);
        for deinterlace in [Deinterlace::Off, Deinterlace::Frame] {
            let film = Film::open_with(&path, deinterlace, 8);
            assert_eq!((film.item.width, film.item.height), sizes[0]);
            assert_eq!(film.pts_ns().len() as u64, 2 * HALF, "{deinterlace:?}");
            let decoders = Decoders::new(deinterlace, 2);
            for batch in film.batches.iter().rev() {
                for rendition in [Rendition::Full, Rendition::Proxy] {
                    let (shown, failures) = film.batch(&decoders, batch, rendition);
                    assert_eq!(failures, [], "{deinterlace:?}");
                    for shown in shown {
                        assert_eq!((shown.slot.width, shown.slot.height), sizes[0]);
                        let expected = colour(shown.slot.frame);
                        for (found, expected) in mean(&shown).iter().zip(expected) {
                            let frame = shown.slot.frame;
                            assert!((found - f64::from(expected)).abs() < 4.0, "frame {frame}: {found} {expected}");
                        }
                    }
                }
            }
        }
    }
}

/// A picture of another shape keeps it, between black bars: a square stays one.
#[test]
fn a_picture_of_another_shape_is_not_stretched() {
    let folder = tempfile::tempdir().unwrap();
    let path = switching(folder.path(), [(320, 160), (160, 160)]);
    let film = Film::open(&path);
    for batch in &film.batches {
        let (shown, failures) = film.batch(&Decoders::new(Deinterlace::Off, 2), batch, Rendition::Full);
        assert_eq!(failures, []);
        for shown in shown {
            let red = |x: usize| shown.pixels[(80 * 320 + x) * 3 + 1];
            let bars = [red(10), red(70), red(250), red(310)].iter().all(|value| *value < 8);
            assert_eq!(bars, shown.slot.frame >= HALF, "frame {}", shown.slot.frame);
            assert!(red(90) > 100 && red(230) > 100);
        }
    }
}

/// A file that is written on while it is read is another one afterwards.
#[test]
fn a_file_that_grows_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = switching(folder.path(), [(160, 96), (160, 96)]);
    let film = Film::open(&path);
    assert!(!framefleet_frames::item::has_changed(&film.item));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_within(..188);
    std::fs::write(&path, bytes).unwrap();
    assert!(framefleet_frames::item::has_changed(&film.item));
}

//! Interlaced H.264 whose fields are pictures of their own: packets are fields, and frames are counted.
use crate::film::{Film, Shown};
use framefleet_decode::{Decoders, Deinterlace};
use framefleet_frames::Rendition;
use framefleet_testkit::{MovingSquare, write_field_pictures};
use std::path::{Path, PathBuf};
use std::process::Command;

const SIZE: (usize, usize) = (320, 224);
const FRAMES: u64 = 40;

/// Luma of a frame whose fields are moments of their own.
fn woven(frame: u64) -> Vec<u8> {
    let mut scene = MovingSquare::new(SIZE.0 as u32, SIZE.1 as u32, 7);
    scene.camera.x = 4.0;
    let (first, second) = (scene.paint(2 * frame), scene.paint(2 * frame + 1));
    let luma = |x: u32, y: u32| {
        let [_, green, _] = if y.is_multiple_of(2) { first.get(x, y) } else { second.get(x, y) };
        16 + (u32::from(green) * 219 / 255) as u8
    };
    (0..SIZE.1 as u32).flat_map(|y| (0..SIZE.0 as u32).map(move |x| (x, y))).map(|(x, y)| luma(x, y)).collect()
}

/// The stream, and the same packets in containers.
fn files(folder: &Path, frames: &[Vec<u8>]) -> Vec<PathBuf> {
    let luma = |frame: u64| frames[frame as usize].clone();
    let raw = write_field_pictures(&folder.join("fields.264"), SIZE, FRAMES, 8, luma).unwrap();
    let mut files = vec![raw.clone()];
    for name in ["fields.ts", "fields.mp4", "fields.mkv"] {
        let path = folder.join(name);
        let mut copy = Command::new("ffmpeg");
        copy.args(["-v", "error", "-y", "-nostdin", "-fflags", "+genpts", "-i"])
            .arg(&raw)
            .args(["-c", "copy"])
            .arg(&path);
        assert!(copy.status().unwrap().success(), "{name}");
        files.push(path);
    }
    files
}

fn check_frame(shown: &Shown, expected: &[u8], name: &str) {
    let frame = shown.slot.frame;
    for (at, (pixel, luma)) in shown.pixels.chunks(3).zip(expected).enumerate() {
        let grey = (f64::from(*luma) - 16.0) * 255.0 / 219.0;
        assert!((f64::from(pixel[1]) - grey).abs() <= 2.0, "{name}: frame {frame}, pixel {at}");
    }
}

#[test]
fn two_fields_are_one_frame() {
    let folder = tempfile::tempdir().unwrap();
    let frames: Vec<Vec<u8>> = (0..FRAMES).map(woven).collect();
    for path in files(folder.path(), &frames) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let film = Film::open(&path);
        assert_eq!(film.damage, None, "{name}");
        assert_eq!(film.pts_ns().len() as u64, FRAMES, "{name}");
        assert!(film.pts_ns().is_sorted_by(|a, b| a < b), "{name}: {:?}", film.pts_ns());
        let decoders = Decoders::new(Deinterlace::Off, 2);
        for batch in film.batches.iter().rev() {
            let (shown, failures) = film.batch(&decoders, batch, Rendition::Full);
            assert_eq!(failures, [], "{name}");
            shown.iter().for_each(|shown| check_frame(shown, &frames[shown.slot.frame as usize], &name));
        }
    }
}

#[test]
fn their_combing_is_found_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_field_pictures(&folder.path().join("fields.264"), SIZE, FRAMES, 8, woven).unwrap();
    let film = Film::open_with(&path, Deinterlace::Auto, 8);
    assert_eq!(film.item.scan, "tff");
    let combing = |deinterlace| {
        let shown = film.all(&Decoders::new(deinterlace, 2)).swap_remove(20);
        let row = SIZE.0 * 3;
        let line = |y: usize| shown.pixels[y * row..][..row].iter().map(|&value| i32::from(value));
        let lines = (1..SIZE.1 - 1).map(|y| {
            line(y).zip(line(y - 1)).zip(line(y + 1)).map(|((own, up), down)| (2 * own - up - down).abs()).sum::<i32>()
        });
        lines.sum::<i32>()
    };
    let (woven, made) = (combing(Deinterlace::Off), combing(Deinterlace::Auto));
    assert!(made * 2 < woven, "{woven} woven, {made} deinterlaced");
}

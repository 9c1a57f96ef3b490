//! Combing is measured, whatever flags say, and frames made of fields do not depend on where decoding began.
use crate::film::{Film, Shown};
use framefleet_decode::{Decoders, Deinterlace};
use framefleet_frames::Rendition;
use framefleet_testkit::{Clip, MovingSquare, Picture, stamp_number};
use std::path::{Path, PathBuf};

const SIZE: (u32, u32) = (320, 240);

/// A camera that pans and an object that goes the other way, one step a field.
fn scene() -> MovingSquare {
    let mut scene = MovingSquare::new(SIZE.0, SIZE.1, 5);
    scene.camera.x = 4.0;
    scene.velocity = (-2.0, 0.5);
    scene
}

/// Two fields woven into one frame.
fn weave(top: &Picture, bottom: &Picture) -> Picture {
    Picture::from_fn(SIZE.0, SIZE.1, |x, y| if y % 2 == 0 { top.get(x, y) } else { bottom.get(x, y) })
}

/// Interlaced material in a file that calls itself progressive.
fn lying(folder: &Path, top_first: bool) -> PathBuf {
    let scene = scene();
    let paint = |field: u64| {
        let mut picture = scene.paint(field);
        stamp_number(&mut picture, field / 2);
        picture
    };
    let clip = Clip::new(SIZE.0, SIZE.1, 40).codec("ffv1", "yuv422p").arguments(["-field_order", "progressive"]);
    let weave = |frame: u64| {
        let (first, second) = (paint(2 * frame), paint(2 * frame + 1));
        if top_first { weave(&first, &second) } else { weave(&second, &first) }
    };
    clip.write(&folder.join("woven.mkv"), weave).unwrap()
}

#[test]
fn scan_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    for (top_first, expected) in [(true, "tff"), (false, "bff")] {
        let film = Film::open_with(&lying(folder.path(), top_first), Deinterlace::Auto, 8);
        assert_eq!(film.item.scan, expected);
    }
    let scene = scene();
    let clip = Clip::new(SIZE.0, SIZE.1, 40).codec("ffv1", "yuv422p").arguments(["-field_order", "tt"]);
    let path = clip.write(&folder.path().join("progressive.mkv"), |frame| scene.paint(2 * frame)).unwrap();
    assert_eq!(Film::open_with(&path, Deinterlace::Auto, 8).item.scan, "progressive");
}

/// Games show pictures as old screens did, every other line dark: lines that stay on their rows are part of the picture, whichever is dark and
/// however the picture moves behind them.
#[test]
fn dark_lines_are_no_combing() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene();
    for (name, darkness, every, first) in [("a", 0.5, 2, 1), ("b", 0.25, 2, 0), ("c", 0.5, 4, 2)] {
        let paint = |frame: u64| {
            let picture = scene.paint(2 * frame);
            let dark = |value: u8| (f64::from(value) * darkness) as u8;
            Picture::from_fn(SIZE.0, SIZE.1, |x, y| match y % every == first {
                true => picture.get(x, y).map(dark),
                false => picture.get(x, y),
            })
        };
        let clip = Clip::new(SIZE.0, SIZE.1, 40).quality(8);
        let path = clip.write(&folder.path().join(format!("{name}.mp4")), paint).unwrap();
        assert_eq!(Film::open_with(&path, Deinterlace::Auto, 8).item.scan, "progressive", "{darkness} {every} {first}");
    }
}

/// Rows of green that differ from the mean of their neighbours, summed: high where fields are woven.
fn combing(shown: &Shown) -> f64 {
    let row = shown.slot.width as usize * 3;
    let value = |y: usize, x: usize| f64::from(shown.pixels[y * row + x * 3 + 1]);
    let rows = 80..shown.slot.height as usize - 1;
    rows.map(|y| {
        (0..shown.slot.width as usize)
            .map(|x| (2.0 * value(y, x) - value(y - 1, x) - value(y + 1, x)).abs())
            .sum::<f64>()
    })
    .sum()
}

#[test]
fn frames_are_the_same_whichever_batch_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = lying(folder.path(), true);
    for deinterlace in [Deinterlace::Auto, Deinterlace::Frame, Deinterlace::Field] {
        let film = Film::open_with(&path, deinterlace, 7);
        let in_order = film.all(&Decoders::new(deinterlace, 4));
        // The whole item as one batch is the truth: no border inside.
        let one = Film::open_with(&path, deinterlace, 1000);
        assert!(one.all(&Decoders::new(deinterlace, 4)) == in_order, "{deinterlace:?}: borders show");
        let decoders = Decoders::new(deinterlace, 4);
        for batch in film.batches.iter().rev() {
            let (shown, failures) = film.batch(&decoders, batch, Rendition::Full);
            assert_eq!(failures, []);
            assert!(
                shown[..] == in_order[batch.start as usize..][..shown.len()],
                "{deinterlace:?}: batch {}",
                batch.start
            );
        }
    }
}

#[test]
fn combing_goes_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = lying(folder.path(), true);
    let of = |deinterlace| {
        let film = Film::open_with(&path, deinterlace, 8);
        combing(&film.all(&Decoders::new(deinterlace, 4))[20])
    };
    let (woven, made) = (of(Deinterlace::Off), of(Deinterlace::Auto));
    assert!(made < woven / 2.0, "{woven} woven, {made} deinterlaced");
}

#[test]
fn fields_make_a_timeline_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = lying(folder.path(), true);
    let film = Film::open_with(&path, Deinterlace::Field, 8);
    assert_eq!(film.item.estimated_frames, 80);
    assert_eq!(film.item.frame_rate.map(|rate| (rate.num, rate.den)), Some((50, 1)));
    assert_eq!(film.pts_ns(), (0..80).map(|field| field * 20_000_000).collect::<Vec<i64>>());
    let shown = film.all(&Decoders::new(Deinterlace::Field, 4));
    let scene = scene();
    // Each field shows its own moment: its picture is nearer to that scene than to the ones around it.
    for field in [20usize, 21, 40, 41] {
        let distance = |moment: u64| {
            let truth = scene.paint(moment);
            let from = 80 * SIZE.0 as usize * 3;
            truth.rgb[from..]
                .iter()
                .zip(&shown[field].pixels[from..])
                .map(|(a, b)| u64::from(a.abs_diff(*b)))
                .sum::<u64>()
        };
        let own = distance(field as u64);
        assert!(own < distance(field as u64 - 1) && own < distance(field as u64 + 1), "field {field}");
    }
}

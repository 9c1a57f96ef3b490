//! Pixels come out in the size, orientation, depth and colour that the file means.
use crate::film::{Film, Shown, decoders, mean};
use framefleet_frames::{PixelFormat, Rendition};
use framefleet_testkit::{Clip, Picture, decode_rgb16, write_image16};
use std::path::Path;

const COLOURS: [[u8; 3]; 6] =
    [[200, 40, 60], [30, 180, 50], [20, 60, 210], [235, 235, 235], [16, 16, 16], [128, 128, 128]];

fn first(path: &Path, rendition: Rendition) -> (Film, Shown) {
    let film = Film::open(path);
    let (mut shown, failures) = film.frames(&decoders(), &film.batches[0], &[0], rendition);
    assert_eq!(failures, []);
    let shown = shown.remove(0);
    (film, shown)
}

fn close(found: &[f64], expected: &[u8], slack: f64, what: &str) {
    for (found, &expected) in found.iter().zip(expected) {
        assert!((found - f64::from(expected)).abs() <= slack, "{what}: {found:.2} is not {expected}");
    }
}

/// Solid colours, one a frame, come back.
fn check_colours(clip: impl Fn(u32, u32) -> Clip, size: (u32, u32), name: &str, slack: f64) {
    let folder = tempfile::tempdir().unwrap();
    let clip = clip(size.0, size.1);
    let paint = |frame: u64| Picture::filled(size.0, size.1, COLOURS[frame as usize]);
    let path = clip.write(&folder.path().join(name), paint).unwrap();
    let film = Film::open(&path);
    let decoders = decoders();
    for rendition in [Rendition::Full, Rendition::Proxy] {
        let (shown, failures) = film.batch(&decoders, &film.batches[0], rendition);
        assert_eq!(failures, []);
        for (shown, colour) in shown.iter().zip(COLOURS) {
            close(&mean(shown), &colour, slack, &format!("{name} {rendition:?}"));
        }
    }
}

fn colours(width: u32, height: u32) -> Clip {
    Clip::new(width, height, COLOURS.len() as u64).gop(1).b_frames(0).quality(2)
}

#[test]
fn tagged_colours() {
    for (matrix, range) in [("smpte170m", "tv"), ("bt709", "tv"), ("bt709", "pc"), ("bt2020nc", "tv")] {
        check_colours(|w, h| colours(w, h).colour("bt709", "bt709", matrix, range), (128, 96), "a.mp4", 2.0);
    }
}

#[test]
fn untagged_colours_are_601_when_small() {
    check_colours(colours, (128, 96), "a.mp4", 2.0);
}

#[test]
fn full_range_by_pixel_format() {
    check_colours(|w, h| colours(w, h).codec("mjpeg", "yuvj444p").quality(1), (128, 96), "a.avi", 2.0);
}

#[test]
fn ten_bit_keeps_its_depth() {
    let folder = tempfile::tempdir().unwrap();
    // A ramp of 16-bit values: 8-bit processing would leave steps of 257.
    let paint = |_| (0..96).flat_map(|_| (0..256u32).flat_map(|x| [(x * 64 + 20_000) as u16; 3])).collect::<Vec<u16>>();
    let clip = Clip::new(256, 96, 2).codec("ffv1", "yuv444p10le").colour("bt709", "bt709", "bt709", "tv");
    let path = clip.write16(&folder.path().join("a.mkv"), paint).unwrap();
    let (film, shown) = first(&path, Rendition::Full);
    assert_eq!((film.item.bit_depth, shown.slot.format), (10, PixelFormat::Rgb16));
    let row = &shown.pixels[..256 * 6];
    let green: Vec<i32> = row.chunks(6).map(|pixel| i32::from(u16::from_le_bytes([pixel[2], pixel[3]]))).collect();
    for (x, green) in green.iter().enumerate() {
        assert!((green - (x as i32 * 64 + 20_000)).abs() < 200, "column {x}: {green}");
    }
    let levels: std::collections::BTreeSet<_> = green.iter().collect();
    assert!(levels.len() > 200, "{} levels of 218; 8 bits have 64", levels.len());
}

#[test]
fn white_is_white_in_sixteen_bits() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Clip::new(64, 48, 1).codec("ffv1", "yuv422p10le").colour("bt709", "bt709", "bt709", "tv");
    let path = clip.write(&folder.path().join("a.mkv"), |_| Picture::filled(64, 48, [255; 3])).unwrap();
    let (_, shown) = first(&path, Rendition::Full);
    close(&mean(&shown), &[255; 3], 0.5, "white");
}

#[test]
fn rgb_of_sixteen_bits_is_exact() {
    let folder = tempfile::tempdir().unwrap();
    let paint = |frame: u64| (0..64 * 48 * 3).map(|at| (at as u64 * 7919 + frame * 31) as u16).collect::<Vec<u16>>();
    let clip = Clip::new(64, 48, 2).codec("ffv1", "gbrp16le");
    let path = clip.write16(&folder.path().join("a.mkv"), paint).unwrap();
    let film = Film::open(&path);
    let shown = film.all(&decoders());
    let (_, _, reference) = decode_rgb16(&path).unwrap();
    for (frame, (shown, reference)) in shown.iter().zip(reference).enumerate() {
        let expected: Vec<u8> = paint(frame as u64).into_iter().flat_map(u16::to_le_bytes).collect();
        assert_eq!(reference, paint(frame as u64), "the file holds what was painted");
        assert!(shown.pixels == expected, "frame {frame} differs");
    }
}

#[test]
fn grey_stays_grey() {
    let folder = tempfile::tempdir().unwrap();
    for (format, name, expected) in [
        ("gray", "8.mkv", PixelFormat::Grey8),
        ("gray16le", "16.mkv", PixelFormat::Grey16),
        ("gray10le", "10.mkv", PixelFormat::Grey16),
    ] {
        let clip = Clip::new(64, 48, 1).codec("ffv1", format);
        let path = clip.write(&folder.path().join(name), |_| Picture::filled(64, 48, [200; 3])).unwrap();
        let (film, shown) = first(&path, Rendition::Full);
        assert!(film.item.grey);
        assert_eq!(shown.slot.format, expected);
        close(&mean(&shown), &[200], 1.0, name);
        close(&mean(&first(&path, Rendition::Proxy).1), &[200; 3], 1.0, name);
    }
}

#[test]
fn alpha_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let alpha = "format=rgba,colorchannelmixer=aa=0.5,format=yuva444p10le";
    let clip = Clip::new(64, 48, 2).codec("prores_ks", "yuva444p10le").arguments(["-vf", alpha, "-alpha_bits", "16"]);
    let path = clip.write(&folder.path().join("a.mov"), |_| Picture::filled(64, 48, [180, 90, 40])).unwrap();
    let (film, shown) = first(&path, Rendition::Full);
    assert!(film.item.alpha);
    assert_eq!(shown.slot.format, PixelFormat::Rgba16);
    close(&mean(&shown), &[180, 90, 40, 128], 3.0, "rgba");
}

/// A picture whose corners tell where they are.
fn corners(width: u32, height: u32) -> Picture {
    Picture::from_fn(width, height, |x, y| match (x < width / 2, y < height / 2) {
        (true, true) => [220, 30, 30],
        (false, true) => [30, 220, 30],
        (true, false) => [30, 30, 220],
        (false, false) => [220, 220, 30],
    })
}

fn corner(shown: &Shown, right: bool, down: bool) -> [u8; 3] {
    let (width, height) = (shown.slot.width as usize, shown.slot.height as usize);
    let x = if right { width * 3 / 4 } else { width / 4 };
    let y = if down { height * 3 / 4 } else { height / 4 };
    let at = (y * width + x) * 3;
    [shown.pixels[at], shown.pixels[at + 1], shown.pixels[at + 2]]
}

#[test]
fn rotation_turns_clockwise() {
    // Where the painted top left corner is displayed: (right, down).
    for (degrees, place, size) in
        [(90, (true, false), (96, 128)), (180, (true, true), (128, 96)), (270, (false, true), (96, 128))]
    {
        let folder = tempfile::tempdir().unwrap();
        let clip = colours(128, 96).rotation(degrees);
        let path = clip.write(&folder.path().join("a.mp4"), |_| corners(128, 96)).unwrap();
        for rendition in [Rendition::Full, Rendition::Proxy] {
            let (film, shown) = first(&path, rendition);
            assert_eq!(film.item.rotation, degrees);
            assert_eq!((shown.slot.width, shown.slot.height), size);
            let found = corner(&shown, place.0, place.1).map(f64::from);
            close(&found, &[220, 30, 30], 6.0, &format!("turned by {degrees}"));
        }
    }
}

/// Every way to lay a picture on its place, those that mirror among them, comes out as the `ffmpeg` program shows it.
#[test]
fn all_display_matrices_are_applied() {
    let folder = tempfile::tempdir().unwrap();
    for (a, d) in [(1, 1), (1, -1), (-1, 1), (-1, -1)] {
        for (matrix, size) in [([a, 0, 0, d], (128, 96)), ([0, a, d, 0], (96, 128))] {
            let clip = colours(128, 96).display_matrix(matrix);
            let path = clip.write(&folder.path().join("a.mp4"), |_| corners(128, 96)).unwrap();
            let reference = framefleet_testkit::decode_rgb8(&path).unwrap().remove(0);
            for rendition in [Rendition::Full, Rendition::Proxy] {
                let (_, shown) = first(&path, rendition);
                assert_eq!((shown.slot.width, shown.slot.height), size, "{matrix:?}");
                for (right, down) in [(false, false), (true, false), (false, true), (true, true)] {
                    let place = |far: bool, side: u32| if far { side * 3 / 4 } else { side / 4 };
                    let expected = reference.get(place(right, size.0), place(down, size.1));
                    close(&corner(&shown, right, down).map(f64::from), &expected, 6.0, &format!("{matrix:?}"));
                }
            }
        }
    }
}

#[test]
fn pixels_become_square() {
    let folder = tempfile::tempdir().unwrap();
    let path = colours(144, 96).sample_aspect(4, 3).write(&folder.path().join("a.mp4"), |_| corners(144, 96)).unwrap();
    let (film, shown) = first(&path, Rendition::Full);
    assert_eq!((film.item.width, film.item.height), (192, 96));
    assert_eq!((shown.slot.width, shown.slot.height), (192, 96));
    close(&corner(&shown, true, true).map(f64::from), &[220, 220, 30], 6.0, "lower right");
}

#[test]
fn odd_sizes_and_proxies() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Clip::new(1283, 719, 2).codec("ffv1", "yuv420p");
    let path = clip.write(&folder.path().join("a.mkv"), |_| corners(1283, 719)).unwrap();
    let (_, full) = first(&path, Rendition::Full);
    assert_eq!((full.slot.width, full.slot.height), (1283, 719));
    let (_, proxy) = first(&path, Rendition::Proxy);
    assert_eq!((proxy.slot.width, proxy.slot.height), (640, 359));
    for (right, down) in [(false, false), (true, false), (false, true), (true, true)] {
        assert_eq!(corner(&full, right, down), corner(&proxy, right, down));
    }
}

#[test]
fn sixteen_bit_stills_are_exact() {
    let folder = tempfile::tempdir().unwrap();
    let samples: Vec<u16> = (0..50 * 40 * 3).map(|at| (at * 7919) as u16).collect();
    let expected: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    for name in ["a.png", "a.tif"] {
        let path = write_image16(&folder.path().join(name), 50, 40, &samples).unwrap();
        let (film, shown) = first(&path, Rendition::Full);
        assert_eq!((film.item.bit_depth, shown.slot.format), (16, PixelFormat::Rgb16));
        assert!(shown.pixels == expected, "{name} differs");
    }
}

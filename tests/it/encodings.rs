//! One film to every encoding, in the real program: masks, inpainting, and one assemble step for each of them.
use crate::footage::folder;
use crate::program::records;
use crate::video::{run, stream};
use framefleet_testkit::{
    Audio, Clip, MovingSquare, Picture, Similarity, decode_errors, decode_rgb16, ffprobe, frame_times,
};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Three batches, and so three pieces of each film.
const FRAMES: u64 = 72;
/// As displayed; DNxHR takes nothing smaller.
const SIZE: (u32, u32) = (256, 144);
const FILMS: [&str; 5] = ["h264", "h265", "prores", "dnxhr", "ffv1"];
const IMAGES: [&str; 2] = ["png", "tiff"];

fn scene(width: u32) -> MovingSquare {
    let mut scene = MovingSquare::new(width, SIZE.1, 43);
    scene.camera = Similarity { x: -0.7, y: 0.2, ..Similarity::default() };
    scene.square = (20.0, 40.0, 30.0);
    scene.velocity = (2.0, 0.3);
    scene
}

/// Masks of the square, its hole filled, and a step for every encoding.
fn pipeline(folder: &Path) -> PathBuf {
    let path = folder.join("every-encoding.toml");
    let mut text =
        "name = \"every-encoding\"\n[steps.cover.settings]\nsquare = [20.0, 40.0, 30.0]\nvelocity = [2.0, 0.3]\n\
                    [steps.inpainting.settings]\nwindow = 4\n"
            .to_owned();
    for encoding in FILMS.into_iter().chain(IMAGES) {
        let step = format!(
            "[steps.{encoding}]\nstage = \"assemble\"\nsettings = {{ encoding = \"{encoding}\", group = 1 }}\n"
        );
        text.push_str(&step);
    }
    std::fs::write(&path, text).unwrap();
    path
}

/// What a film has to be.
struct Expected {
    /// By step: file name and pixel format.
    films: [(&'static str, &'static str); FILMS.len()],
    /// Pixel formats of PNG and TIFF.
    images: [&'static str; IMAGES.len()],
    /// What the times of films in QuickTime and in Matroska may differ by, seconds.
    tolerance: f64,
}

/// The packets of the sound: time after the first frame, size, and a digest of what they hold.
fn sound(path: &Path) -> Vec<(f64, String, String)> {
    let shown = ["-show_entries", "packet=pts_time,size,data_hash", "-show_data_hash", "sha256", "-of", "json"];
    let arguments = [&["-v", "error", "-select_streams", "a"], &shown[..]].concat();
    let ran = Command::new("ffprobe").args(arguments).arg(path).output().unwrap();
    let probe: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let first = frame_times(path).unwrap()[0];
    let text = |packet: &Value, key: &str| packet[key].as_str().unwrap().to_owned();
    let packet = |packet: &Value| {
        let time: f64 = text(packet, "pts_time").parse().unwrap();
        (time - first, text(packet, "size"), text(packet, "data_hash"))
    };
    probe["packets"].as_array().unwrap().iter().map(packet).collect()
}

fn psnr(a: &[u16], b: &[u16]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    10.0 * (65535.0 * 65535.0 * a.len() as f64 / sum).log10()
}

/// A film has the frames, times, aspect, tags and sound of its source, and the pictures of the lossless one.
fn check_film(source: &Path, film: &Path, step: &str, pixels: &str, tolerance: f64, lossless: &[Vec<u16>]) {
    let named = format!("{step} of {}", source.display());
    assert_eq!(decode_errors(film).unwrap(), "", "{named}: seams between pieces decode");
    let (before, after) = (ffprobe(source).unwrap(), ffprobe(film).unwrap());
    let (was, is) = (stream(&before, "video"), stream(&after, "video"));
    let codec = match step {
        "h265" => "hevc",
        "dnxhr" => "dnxhd",
        other => other,
    };
    assert_eq!((is["codec_name"].as_str(), is["pix_fmt"].as_str()), (Some(codec), Some(pixels)), "{named}");
    assert_eq!(is["nb_read_packets"], FRAMES.to_string(), "{named}");
    assert_eq!((&is["width"], &is["height"]), (&Value::from(SIZE.0), &Value::from(SIZE.1)), "{named}");
    assert_eq!((&is["sample_aspect_ratio"], &is["display_aspect_ratio"]), (&Value::from("1:1"), &Value::from("16:9")));
    for tag in ["color_primaries", "color_transfer", "color_space", "color_range"] {
        // FFV1 holds RGB, which has no matrix and uses the full range.
        let expected = match (tag, step) {
            ("color_space", "ffv1") => Value::from("gbr"),
            ("color_range", "ffv1") => Value::from("pc"),
            // A source in RGB is converted by the matrix of its size, to the range that all the world expects.
            ("color_space", "dnxhr") if was[tag] == "gbr" => Value::from("bt709"),
            ("color_space", _) if was[tag] == "gbr" => Value::from("bt470bg"),
            ("color_range", _) if was["color_space"] == "gbr" => Value::from("tv"),
            _ => was[tag].clone(),
        };
        assert_eq!(is[tag], expected, "{named}: {tag}");
    }
    let (times, film_times) = (frame_times(source).unwrap(), frame_times(film).unwrap());
    assert_eq!(film_times.len(), times.len(), "{named}");
    for (n, (a, b)) in film_times.iter().zip(&times).enumerate() {
        let (a, b) = (a - film_times[0], b - times[0]);
        assert!((a - b).abs() <= tolerance, "{named}: frame {n} is shown at {a} s, not at {b}");
    }
    let (heard, own) = (sound(source), sound(film));
    assert_eq!(own.len(), heard.len(), "{named}");
    for (a, b) in own.iter().zip(&heard) {
        assert_eq!((&a.1, &a.2), (&b.1, &b.2), "{named}: sound");
        assert!((a.0 - b.0).abs() <= tolerance, "{named}: sound at {} s, not at {}", a.0, b.0);
    }
    let (_, _, pictures) = decode_rgb16(film).unwrap();
    for (n, (picture, lossless)) in pictures.iter().zip(lossless).enumerate() {
        let found = psnr(picture, lossless);
        assert!(found > 31.0, "{named}: frame {n} has {found:.1} dB");
    }
}

/// Runs the pipeline; returns the frames of the lossless film.
fn to_every_encoding(source: &Path, work: &Path, expected: &Expected) -> Vec<Vec<u16>> {
    let output = work.join("out");
    run(source, &pipeline(work), &output, "2");
    let of = |step: &str, name: &str| output.join("artifacts").join(step).join(name);
    let (_, _, lossless) = decode_rgb16(&of("ffv1", expected.films[4].0)).unwrap();
    assert_eq!(lossless.len() as u64, FRAMES);
    for (step, (name, pixels)) in FILMS.into_iter().zip(expected.films) {
        check_film(source, &of(step, name), step, pixels, expected.tolerance, &lossless);
    }
    for (step, pixels) in IMAGES.into_iter().zip(expected.images) {
        for (n, lossless) in lossless.iter().enumerate().step_by(9) {
            let image = of(step, &format!("film/frame_{n:06}.{step}"));
            assert_eq!(stream(&ffprobe(&image).unwrap(), "video")["pix_fmt"], pixels, "{step}");
            assert!(decode_rgb16(&image).unwrap().2[0] == *lossless, "{step}: image {n} is not what FFV1 has");
        }
        let images = std::fs::read_dir(of(step, "film")).unwrap().count();
        assert_eq!(images as u64, FRAMES, "{step}");
    }
    for (n, fill) in records(&output, "inpainting").iter().enumerate() {
        assert!(fill["fill"][0]["hole_pixels"].as_u64().unwrap() > 800, "frame {n}: {fill}");
    }
    lossless
}

#[test]
fn eight_bits_at_a_constant_rate() {
    let work = folder();
    let source = Clip::new(SIZE.0, SIZE.1, FRAMES)
        .rate(30_000, 1001)
        .gop(24)
        .colour("bt709", "bt709", "bt709", "tv")
        .audio(Audio::Tone(440.0, FRAMES as f64 * 1001.0 / 30_000.0))
        .write(&work.path().join("film.mp4"), |n| scene(SIZE.0).paint(n))
        .unwrap();
    let films = [
        ("film.mp4", "yuv420p"),
        ("film.mp4", "yuv420p"),
        ("film.mov", "yuv422p10le"),
        ("film.mov", "yuv422p"),
        ("film.mkv", "bgr0"),
    ];
    // Matroska counts in milliseconds.
    let expected = Expected { films, images: ["rgb24", "rgb24"], tolerance: 1.1e-3 };
    to_every_encoding(&source, work.path(), &expected);
}

/// HDR of 10 bits with pixels that are not square, every frame shown for a time of its own.
#[test]
fn ten_bits_at_a_variable_rate() {
    let work = folder();
    let durations: Vec<u32> = (0..FRAMES as u32).map(|n| [40, 40, 200, 17, 33, 90, 41, 20][n as usize % 8]).collect();
    let seconds = f64::from(durations.iter().sum::<u32>()) / 1000.0;
    let source = Clip::new(SIZE.0 * 3 / 4, SIZE.1, FRAMES)
        .codec("libx265", "yuv420p10le")
        .quality(8)
        .durations_ms(&durations)
        .sample_aspect(4, 3)
        .colour("bt2020", "smpte2084", "bt2020nc", "tv")
        .audio(Audio::Tone(440.0, seconds))
        .write16(&work.path().join("film.mov"), |n| scene(SIZE.0 * 3 / 4).paint(n).rgb16())
        .unwrap();
    let films = [
        ("film.mov", "yuv420p10le"),
        ("film.mov", "yuv420p10le"),
        ("film.mov", "yuv422p10le"),
        ("film.mov", "yuv422p10le"),
        ("film.mkv", "gbrp16le"),
    ];
    let expected = Expected { films, images: ["rgb48be", "rgb48le"], tolerance: 1.1e-3 };
    to_every_encoding(&source, work.path(), &expected);
}

/// 16 bits of RGB: outside the hole, lossless encodings have the source's very samples.
#[test]
fn sixteen_bits_lose_nothing_outside_the_hole() {
    let work = folder();
    // Something in the low bits.
    let deep = |picture: Picture| -> Vec<u16> {
        let low = |(at, value): (usize, u8)| u16::from(value) << 8 | (at % 241) as u16;
        picture.rgb.into_iter().enumerate().map(low).collect()
    };
    let source = Clip::new(SIZE.0, SIZE.1, FRAMES)
        .codec("ffv1", "gbrp16le")
        .audio_codec(Audio::Tone(440.0, FRAMES as f64 / 25.0), "flac")
        .write16(&work.path().join("film.mkv"), |n| deep(scene(SIZE.0).paint(n)))
        .unwrap();
    let films = [
        ("film.mkv", "yuv420p10le"),
        ("film.mkv", "yuv420p12le"),
        ("film.mkv", "yuv422p10le"),
        ("film.mkv", "yuv422p10le"),
        ("film.mkv", "gbrp16le"),
    ];
    let expected = Expected { films, images: ["rgb48be", "rgb48le"], tolerance: 1.1e-3 };
    let found = to_every_encoding(&source, work.path(), &expected);
    for (n, found) in found.iter().enumerate() {
        let (own, [left, top, right, bottom]) =
            (deep(scene(SIZE.0).paint(n as u64)), scene(SIZE.0).square_at(n as u64));
        // Grown and feathered by 0.75 % of the width, and what rounding adds.
        let near = |x: f64, y: f64| x > left - 5.0 && x < right + 4.0 && y > top - 5.0 && y < bottom + 4.0;
        let mut changed = 0;
        for at in 0..own.len() / 3 {
            let (x, y) = ((at as u32 % SIZE.0) as f64, (at as u32 / SIZE.0) as f64);
            let same = own[3 * at..3 * at + 3] == found[3 * at..3 * at + 3];
            assert!(same || near(x, y), "frame {n}: pixel {x}, {y} changed");
            changed += u32::from(!same);
        }
        assert!(changed > 800, "frame {n}: the hole was not filled");
    }
}

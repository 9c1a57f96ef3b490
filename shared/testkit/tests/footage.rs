//! What is written is what was painted, as the reference programs read it.
#![cfg(test)]

use framefleet_testkit::*;
use std::path::Path;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn numbers(path: &Path) -> Vec<Option<u64>> {
    decode_rgb8(path).unwrap().iter().map(|p| read_number(&p.rgb, p.width, p.height)).collect()
}

#[test]
fn numbers_survive_x264() {
    let folder = folder();
    for (width, height) in [(128, 96), (320, 180)] {
        let path = folder.path().join("film.mp4");
        Clip::new(width, height, 40).quality(30).write(&path, |frame| numbered(width, height, frame + 9000)).unwrap();
        assert_eq!(numbers(&path), (9000..9040).map(Some).collect::<Vec<_>>());
    }
}

#[test]
fn variable_durations_are_kept() {
    let folder = folder();
    let durations = [40, 40, 100, 33, 33, 500, 7];
    for name in ["film.mp4", "film.mkv"] {
        let clip = Clip::new(64, 48, 10).durations_ms(&durations);
        let path = clip.write(&folder.path().join(name), |frame| numbered(64, 48, frame)).unwrap();
        let found: Vec<i64> = frame_times(&path).unwrap().iter().map(|t| (t * 1e9).round() as i64).collect();
        assert_eq!(found, clip.pts_ns(), "{name}");
    }
}

#[test]
fn sound_tags_rotation_and_aspect_are_there() {
    let folder = folder();
    let path = Clip::new(96, 64, 25)
        .audio(Audio::Tone(440.0, 1.0))
        .colour("bt709", "bt709", "bt709", "tv")
        .sample_aspect(4, 3)
        .write(&folder.path().join("a.mp4"), |frame| numbered(96, 64, frame))
        .unwrap();
    let probe = ffprobe(&path).unwrap();
    assert_eq!(probe["streams"][0]["color_space"], "bt709");
    assert_eq!(probe["streams"][0]["color_range"], "tv");
    assert_eq!(probe["streams"][0]["sample_aspect_ratio"], "4:3");
    assert_eq!(probe["streams"][1]["codec_name"], "aac");

    let turned = Clip::new(96, 64, 3).rotation(90);
    let path = turned.write(&folder.path().join("b.mp4"), |_| left_red()).unwrap();
    let shown = &decode_rgb8(&path).unwrap()[0];
    assert_eq!((shown.width, shown.height), (64, 96));
    let top = shown.get(32, 10);
    assert!(top[0] > 200 && top[2] < 60, "the left side is shown on top: {top:?}");
}

fn left_red() -> Picture {
    Picture::from_fn(96, 64, |x, _| if x < 48 { [255, 0, 0] } else { [0, 0, 255] })
}

#[test]
fn fields_are_woven() {
    let folder = folder();
    for (top_first, order) in [(true, "tt"), (false, "bb")] {
        let path = Clip::new(64, 48, 4)
            .codec("ffv1", "yuv444p")
            .interlaced(top_first)
            .write(&folder.path().join("f.mkv"), |field| Picture::filled(64, 48, [(field * 30) as u8; 3]))
            .unwrap();
        let pictures = decode_rgb8(&path).unwrap();
        let (first, second) = if top_first { (0, 1) } else { (1, 0) };
        assert!(pictures[2].get(5, first)[0].abs_diff(120) < 4 && pictures[2].get(5, second)[0].abs_diff(150) < 4);
        assert_eq!(ffprobe(&path).unwrap()["streams"][0]["field_order"], order);
    }
}

#[test]
fn sixteen_bits_are_exact() {
    let folder = folder();
    let ramp: Vec<u16> = (0..64 * 48 * 3).map(|n| (n * 7) as u16).collect();
    let video = folder.path().join("v.mkv");
    Clip::new(64, 48, 2).codec("ffv1", "gbrp16le").write16(&video, |_| ramp.clone()).unwrap();
    for name in ["i.png", "i.tiff"] {
        write_image16(&folder.path().join(name), 64, 48, &ramp).unwrap();
        assert_eq!(decode_rgb16(&folder.path().join(name)).unwrap(), (64, 48, vec![ramp.clone()]), "{name}");
    }
    assert_eq!(decode_rgb16(&video).unwrap().2, [ramp.clone(), ramp]);
}

#[test]
fn stills_are_what_was_painted() {
    let folder = folder();
    for (extension, tolerance) in [("png", 0), ("tiff", 0), ("jpg", 12)] {
        let paths = image_folder(&folder.path().join(extension), extension, 3, |n| numbered(64, 48, n)).unwrap();
        for (n, path) in paths.iter().enumerate() {
            let shown = &decode_rgb8(path).unwrap()[0];
            let painted = numbered(64, 48, n as u64);
            let worst = shown.rgb.iter().zip(&painted.rgb).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(worst <= tolerance, "{extension} {worst}");
        }
    }
    let broken = corrupt_jpeg(&folder.path().join("broken.jpg")).unwrap();
    assert!(decode_rgb8(&broken).map_or(true, |pictures| pictures.is_empty()));
}

#[test]
fn damaged_and_repeated_copies() {
    let folder = folder();
    let film = folder.path().join("film.mp4");
    Clip::new(64, 48, 24).write(&film, |frame| numbered(64, 48, frame)).unwrap();
    let cut = truncate(&film, &folder.path().join("cut.mp4"), 0.5).unwrap();
    assert_eq!(cut.metadata().unwrap().len(), film.metadata().unwrap().len() / 2);
    let long = repeat(&film, &folder.path().join("long.mp4"), 3).unwrap();
    assert_eq!(numbers(&long), (0..72).map(|n| Some(n % 24)).collect::<Vec<_>>());
    let hurt = corrupt_middle(&film, &folder.path().join("hurt.mp4"), 400).unwrap();
    assert!(!decode_errors(&hurt).unwrap_or("refused".to_owned()).is_empty());
    assert!(decode_errors(&film).unwrap().is_empty());
}

#[test]
fn given_sound_is_heard() {
    let folder = folder();
    let click: Vec<f32> = (0..16_000).map(|n| if n == 8000 { 0.9 } else { 0.0 }).collect();
    let path = Clip::new(64, 48, 25)
        .audio_codec(Audio::Samples(16_000, click), "pcm_s16le")
        .write(&folder.path().join("click.mkv"), |frame| numbered(64, 48, frame))
        .unwrap();
    let probe = ffprobe(&path).unwrap();
    assert_eq!(probe["streams"][1]["codec_name"], "pcm_s16le");
    assert_eq!(probe["streams"][1]["sample_rate"], "16000");
}

#[test]
fn a_missing_sample_says_what_to_do() {
    let error = sample("no such film.mp4").unwrap_err().to_string();
    assert!(error.contains("make samples"), "{error}");
}

#[test]
fn a_painter_of_the_wrong_size_is_refused() {
    let folder = folder();
    let result = Clip::new(64, 48, 3).write(&folder.path().join("x.mp4"), |_| Picture::filled(32, 32, [0; 3]));
    assert!(matches!(result, Err(TestkitError::Size { frame: 0, .. })));
}

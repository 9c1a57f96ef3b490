//! The bench's own footage.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
use framefleet_bench::footage::{scaled, synthetic};
use framefleet_bench::{BenchError, Size};
use framefleet_testkit::{Clip, decode_rgb8, ffprobe, image_folder, numbered, read_number};

fn size(text: &str) -> Size {
    text.parse().unwrap()
}

#[test]
fn a_source_is_scaled_with_its_aspect_and_its_frames_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.mp4");
    Clip::new(320, 160, 60).rate(30, 1).write(&source, |frame| numbered(320, 160, frame)).unwrap();
    let copy = scaled(&source.to_string_lossy(), size("640x640"), 40, folder.path()).unwrap();
    assert_eq!((copy.size, copy.frames), ((640, 320), 40), "the first 40 of 60 frames, twice as large");
    let pictures = decode_rgb8(&copy.path).unwrap();
    assert_eq!(pictures.len(), 40);
    let numbers: Vec<Option<u64>> = pictures.iter().map(|of| read_number(&of.rgb, of.width, of.height)).collect();
    assert_eq!(numbers, (0..40).map(Some).collect::<Vec<_>>());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "source and copy, no piece: {left:?}");
}

#[test]
fn pictures_have_no_size_to_scale() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = folder.path().join("pictures");
    image_folder(&pictures, "png", 3, |number| numbered(96 + 2 * number as u32, 64, number)).unwrap();
    let error = scaled(&pictures.to_string_lossy(), size("720p"), 4, folder.path()).unwrap_err();
    assert!(matches!(error, BenchError::Source { .. }) && error.to_string().contains("leave --sizes out"), "{error}");
}

#[test]
fn a_painted_clip_moves_and_has_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let clip = synthetic(size("128x72"), 5, folder.path()).unwrap();
    assert_eq!((clip.size, clip.frames), ((128, 72), 5));
    let pictures = decode_rgb8(&clip.path).unwrap();
    assert!(pictures.windows(2).all(|pair| pair[0] != pair[1]), "every frame differs from the one before");
    assert_eq!(ffprobe(&clip.path).unwrap()["streams"][0]["codec_name"], "h264");
}

//! Frames of 8K.
use crate::{film, item, piece};
use framefleet_formats::{Codec, VideoFormat};
use framefleet_frames::PixelFormat;
use framefleet_testkit::decode_rgb8;

/// FFmpeg's encoder has no slices larger than a quarter of this: frames of 8K are cut into more.
#[test]
fn lossless_frames_may_be_of_any_size() {
    let folder = tempfile::tempdir().unwrap();
    let (width, height) = (7680, 4320);
    let source = item((1, 25), (25, 1));
    let format = VideoFormat::new(Codec::Ffv1, &source, (width, height, PixelFormat::Rgb8), None);
    let frames = film(width, height, 3..4);
    let path = piece(&folder.path().join("piece.nut"), &format, &frames);
    let found = decode_rgb8(&path).unwrap();
    assert!(found.len() == 1 && found[0].rgb == *frames[0].0.data(), "not what was encoded");
}

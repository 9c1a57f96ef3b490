//! Closed captions within the pictures are not written anew, and that is reported.
use super::{film, item, pieces, request};
use framefleet_encode::join;
use framefleet_formats::{Codec, Container, VideoFormat};
use framefleet_frames::PixelFormat;
use framefleet_testkit::{Clip, numbered, remux};
use std::path::{Path, PathBuf};

/// An SEI message (ITU-T H.264 D.1.6) with one pair of bytes of CEA-608 captions (ATSC A/53 part 4).
const CAPTIONS: [u8; 22] =
    [0, 0, 0, 1, 6, 4, 14, 0xb5, 0, 0x31, b'G', b'A', b'9', b'4', 3, 0x41, 0xff, 0xfc, 0x94, 0x2c, 0xff, 0x80];

/// A clip whose first picture has captions, or none.
fn clip(folder: &Path, captions: bool) -> PathBuf {
    let raw = folder.join(format!("{captions}.h264"));
    // Raw streams have no times: pictures in another order than they are coded in would be mixed up.
    Clip::new(96, 64, 20).b_frames(0).write(&raw, |n| numbered(96, 64, n)).unwrap();
    let mut bytes = std::fs::read(&raw).unwrap();
    let first = bytes.windows(4).position(|code| code[..3] == [0, 0, 1] && code[3] & 31 == 5).unwrap();
    if captions {
        bytes.splice(first..first, CAPTIONS);
    }
    std::fs::write(&raw, bytes).unwrap();
    remux(&raw, &folder.join(format!("{captions}.mp4")), &[]).unwrap()
}

#[test]
fn captions_that_a_film_does_not_have_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let format = VideoFormat::new(Codec::H264, &item((1, 12_800), (25, 1)), (96, 64, PixelFormat::Rgb8), None);
    let pieces = pieces(folder.path(), &format, &film(96, 64, 0..20), &[20]);
    for captions in [true, false] {
        let source = clip(folder.path(), captions);
        let output = folder.path().join("out.mp4");
        let joined = join(&request(&pieces, &format, Container::Mp4, Some(&source)), &output).unwrap();
        let said = joined.left_out.iter().any(|line| line.starts_with("closed captions within the pictures"));
        assert_eq!(said, captions, "{:?}", joined.left_out);
    }
}

//! Time codes of sources, in films made of them.
use super::{film, item, pieces, request, stream_of};
use framefleet_encode::{Join, join};
use framefleet_formats::{Codec, Container, VideoFormat};
use framefleet_frames::PixelFormat;
use framefleet_testkit::*;
use std::path::Path;

#[test]
fn the_time_code_of_the_first_frame_comes_along() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Clip::new(96, 64, 50).write(&folder.path().join("c.mp4"), |n| numbered(96, 64, n)).unwrap();
    let format = VideoFormat::new(Codec::H264, &item((1, 12_800), (25, 1)), (96, 64, PixelFormat::Rgb8), None);
    let pieces = pieces(folder.path(), &format, &film(96, 64, 0..50), &[50]);
    let code = |path: &Path| {
        let probe = ffprobe(path).unwrap();
        let tags = &stream_of(&probe, "video")["tags"];
        tags["timecode"].as_str().or(tags["TIMECODE"].as_str()).map(str::to_owned)
    };
    for from in ["mov", "mp4", "mkv"] {
        let source = folder.path().join(format!("source.{from}"));
        let arguments = ["-c", "copy", "-timecode", "00:36:32:10", "-write_tmcd", "1"];
        let arguments = if from == "mkv" { &arguments[..4] } else { &arguments[..] };
        let mut command = std::process::Command::new("ffmpeg");
        command.args(["-v", "error", "-i"]).arg(&clip).args(arguments).arg(&source);
        assert!(command.status().unwrap().success());
        for container in [Container::Mp4, Container::Mkv, Container::Mov] {
            let output = folder.path().join(format!("{from}.{}", container.extension()));
            let whole = request(&pieces, &format, container, Some(&source));
            let joined = join(&whole, &output).unwrap();
            assert_eq!(code(&output).as_deref(), Some("00:36:32:10"), "{from} to {container:?}");
            assert!(joined.left_out.is_empty(), "{from} to {container:?}: {:?}", joined.left_out);
            join(&Join { start_ns: 1_000_000_000, ..whole }, &output).unwrap();
            assert_eq!(code(&output).as_deref(), Some("00:36:33:10"), "{from} to {container:?}, a second later");
        }
    }
}

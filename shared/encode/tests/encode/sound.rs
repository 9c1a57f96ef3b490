//! Sound that a container does not carry, encoded anew: as loud, as long, and with the frames that it belongs to.
use crate::{film, item, pieces, request};
use framefleet_encode::{Join, JoinSound, Joined, join};
use framefleet_formats::{Codec, Container, VideoFormat};
use framefleet_frames::PixelFormat;
use framefleet_testkit::{Audio, Clip, ffprobe, frame_times, numbered, onset};
use std::path::{Path, PathBuf};

/// Two seconds of 25 frames each, with a clap of 0.3 s that begins with frame 30.
fn clap(folder: &Path, name: &str, encoder: &str, arguments: &[&str]) -> PathBuf {
    let sample = |number: usize| {
        let time = number as f64 / 48_000.0;
        if (1.2..1.5).contains(&time) { (0.6 * ((time - 1.2) * 6000.0).cos()) as f32 } else { 0.0 }
    };
    let samples = (0..96_000).map(sample).collect();
    let clip = Clip::new(96, 64, 50).codec("mpeg4", "yuv420p").quality(4).b_frames(0);
    let clip = clip.audio_codec(Audio::Samples(48_000, samples), encoder).arguments(arguments.iter().copied());
    clip.write(&folder.join(name), |n| numbered(96, 64, n)).unwrap()
}

/// The source's frames of a range, with its sound encoded anew where that is needed.
fn encoded(folder: &Path, source: &Path, container: Container, cut: Option<(u64, u64)>) -> (PathBuf, Joined) {
    let format = VideoFormat::new(Codec::H264, &item((1, 12_800), (25, 1)), (96, 64, PixelFormat::Rgb8), None);
    let (first, end) = cut.unwrap_or((0, 50));
    let pieces = pieces(folder, &format, &film(96, 64, first..end), &[16]);
    let output = folder.join(format!("out.{}", container.extension()));
    let whole = request(&pieces, &format, container, Some(source));
    let ns = |frame: u64| frame as i64 * 40_000_000;
    let join_of = Join { sound: JoinSound::Encode, start_ns: ns(first), end_ns: cut.map(|(_, end)| ns(end)), ..whole };
    let joined = join(&join_of, &output).unwrap();
    (output, joined)
}

/// Seconds from the first frame to the clap.
fn heard(path: &Path) -> f64 {
    onset(path).unwrap().expect("there is a clap") - frame_times(path).unwrap()[0]
}

fn sound_of(path: &Path) -> serde_json::Value {
    let probe = ffprobe(path).unwrap();
    let streams = probe["streams"].as_array().unwrap();
    streams.iter().find(|stream| stream["codec_type"] == "audio").cloned().unwrap_or_default()
}

#[test]
fn a_clap_stays_with_its_frame_whatever_it_was_and_is_encoded_as() {
    let folder = tempfile::tempdir().unwrap();
    let late = ["-output_ts_offset", "5"];
    for (name, encoder, arguments, container, expected) in [
        ("a.wmv", "wmav2", &[][..], Container::Mov, "aac"),
        ("a.avi", "adpcm_ms", &[], Container::Mp4, "aac"),
        ("a.mkv", "flac", &[], Container::Mp4, "alac"),
        ("b.mkv", "libopus", &[], Container::Mov, "aac"),
        ("late.mkv", "flac", &late, Container::Mov, "alac"),
        ("low.mkv", "flac", &["-ar", "11024"], Container::Mp4, "alac"),
        ("odd.avi", "adpcm_ms", &["-ar", "13000"], Container::Mp4, "aac"),
        ("six.mkv", "flac", &["-ac", "6"], Container::Mov, "alac"),
    ] {
        let source = clap(folder.path(), name, encoder, arguments);
        let (output, joined) = encoded(folder.path(), &source, container, None);
        assert!(!joined.lacks_sound, "{name}");
        let reported = format!("it is encoded anew ({expected})");
        assert!(joined.left_out.iter().any(|line| line.ends_with(&reported)), "{name}: {:?}", joined.left_out);
        let sound = sound_of(&output);
        assert_eq!(sound["codec_name"], expected, "{name}");
        assert_eq!(sound["channels"], sound_of(&source)["channels"], "{name}");
        let seconds: f64 = sound["duration"].as_str().unwrap().parse().unwrap();
        assert!((seconds - 2.0).abs() < 0.1, "{name}: {seconds}");
        let (source, made) = (heard(&source), heard(&output));
        assert!((made - source).abs() < 0.002, "{name}: the clap is at {made} s, in the source at {source} s");
    }
}

#[test]
fn what_the_container_carries_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let source = clap(folder.path(), "a.mkv", "aac", &[]);
    let (output, joined) = encoded(folder.path(), &source, Container::Mp4, None);
    assert_eq!((sound_of(&output)["codec_name"].as_str(), joined.left_out), (Some("aac"), vec![]));
}

#[test]
fn a_cut_has_the_sound_of_its_frames() {
    let folder = tempfile::tempdir().unwrap();
    let source = clap(folder.path(), "a.mkv", "flac", &[]);
    let whole = heard(&source);
    for (first, end) in [(20, 45), (10, 35)] {
        let (output, _) = encoded(folder.path(), &source, Container::Mov, Some((first, end)));
        let made = heard(&output);
        assert!((made + first as f64 * 0.04 - whole).abs() < 0.001, "{first}: {made} s, {whole} s");
        let seconds: f64 = sound_of(&output)["duration"].as_str().unwrap().parse().unwrap();
        assert!((seconds - 1.0).abs() < 0.001, "exactly what was asked for: {seconds}");
    }
}

/// A second of the sound is missing in the middle: what comes behind stays where it was.
#[test]
fn gaps_in_the_sound_keep_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let source = clap(folder.path(), "whole.mkv", "flac", &[]);
    let gap = folder.path().join("gap.mkv");
    // Packets of the second half second are dropped.
    let noise = ["-bsf:a", "noise=drop='between(pts,200,900)'"];
    framefleet_testkit::remux(&source, &gap, &noise).unwrap();
    let (output, _) = encoded(folder.path(), &gap, Container::Mp4, None);
    let (source, made) = (heard(&source), heard(&output));
    assert!((made - source).abs() < 0.002, "{made} s, in the source {source} s");
}

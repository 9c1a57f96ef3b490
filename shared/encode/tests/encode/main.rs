//! Pieces, joined: the frames, times, tags and sound that went in, as the reference programs read them.
#![cfg(test)]

mod captions;
mod large;
mod memory;
mod sound;
mod spherical;
mod timecode;

use framefleet_encode::{
    EncodeError, Encoder, Join, JoinSound, Joined, StillOptions, format_of_piece, join, write_still,
};
use framefleet_formats::{Codec, Container, StillFormat, VideoFormat};
use framefleet_frames::{Colour, Image, Item, ItemKind, PixelFormat, Rational, VideoFile};
use framefleet_testkit::*;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn item(time_base: (i64, i64), rate: (i64, i64)) -> Item {
    Item {
        name: "film.mp4".to_owned(),
        kind: ItemKind::Video as i32,
        bit_depth: 8,
        time_base: Some(Rational { num: time_base.0, den: time_base.1 }),
        frame_rate: Some(Rational { num: rate.0, den: rate.1 }),
        codec: "h264".to_owned(),
        ..Item::default()
    }
}

fn rgb8(picture: &Picture) -> Image {
    Image::new(PixelFormat::Rgb8, picture.width, picture.height, picture.rgb.clone()).unwrap()
}

/// Numbered frames `range`, 40 ms each.
fn film(width: u32, height: u32, range: std::ops::Range<u64>) -> Vec<(Image, i64)> {
    range.map(|n| (rgb8(&numbered(width, height, n)), n as i64 * 40_000_000)).collect()
}

fn piece(path: &Path, format: &VideoFormat, frames: &[(Image, i64)]) -> PathBuf {
    let mut encoder = Encoder::create(path, format).unwrap();
    for (image, pts_ns) in frames {
        encoder.push(image, *pts_ns).unwrap();
    }
    assert_eq!(encoder.finish().unwrap(), frames.len() as u64);
    path.to_owned()
}

/// Frames in pieces of the given lengths, over and over.
fn pieces(folder: &Path, format: &VideoFormat, frames: &[(Image, i64)], lengths: &[usize]) -> Vec<PathBuf> {
    let mut rest = frames;
    let mut paths = Vec::new();
    for length in lengths.iter().copied().cycle() {
        let (now, later) = rest.split_at(length.min(rest.len()));
        if now.is_empty() {
            break;
        }
        paths.push(piece(&folder.join(format!("{}.nut", paths.len())), format, now));
        rest = later;
    }
    paths
}

fn request<'a>(
    pieces: &'a [PathBuf],
    format: &'a VideoFormat,
    container: Container,
    source: Option<&'a Path>,
) -> Join<'a> {
    let source = source.map(|path| VideoFile::new(path, None));
    Join { pieces, format, container, source, sound: JoinSound::Copy, start_ns: 0, end_ns: None, last_frame_ns: None }
}

fn milliseconds(times: &[f64]) -> Vec<i64> {
    times.iter().map(|t| (t * 1000.0).round() as i64).collect()
}

fn numbers(path: &Path) -> Vec<Option<u64>> {
    decode_rgb8(path).unwrap().iter().map(|p| read_number(&p.rgb, p.width, p.height)).collect()
}

#[test]
fn every_codec_keeps_numbers_times_and_tags_over_seams() {
    let folder = tempfile::tempdir().unwrap();
    let tag = || "bt709".to_owned();
    let colour =
        Colour { primaries: tag(), transfer: tag(), matrix: tag(), range: "tv".to_owned(), ..Colour::default() };
    for (codec, container, name, width, height) in [
        (Codec::H264, Container::Mp4, "h264", 96, 64),
        (Codec::H264, Container::Mkv, "h264", 97, 65),
        (Codec::H265, Container::Mov, "hevc", 96, 64),
        (Codec::Prores, Container::Mov, "prores", 96, 64),
        (Codec::Dnxhr, Container::Mov, "dnxhd", 256, 128),
        (Codec::Ffv1, Container::Mkv, "ffv1", 97, 65),
    ] {
        let item = Item { colour: Some(colour.clone()), ..item((1, 12_800), (25, 1)) };
        let format = VideoFormat::new(codec, &item, (width, height, PixelFormat::Rgb8), None);
        let pieces = pieces(folder.path(), &format, &film(width, height, 0..20), &[8, 1, 7]);
        let output = folder.path().join(format!("film.{}", container.extension()));
        let joined = join(&request(&pieces, &format, container, None), &output).unwrap();
        assert_eq!(joined, Joined { frames: 20, ..Joined::default() });
        assert_eq!(numbers(&output), (0..20).map(Some).collect::<Vec<_>>(), "{codec:?}");
        let times = milliseconds(&frame_times(&output).unwrap());
        assert_eq!(times, (0..20).map(|n| n * 40).collect::<Vec<_>>(), "{codec:?}");
        assert_eq!(decode_errors(&output).unwrap(), "", "{codec:?}");
        let stream = &ffprobe(&output).unwrap()["streams"][0];
        assert_eq!(stream["codec_name"], name);
        assert_eq!((stream["width"].as_u64(), stream["height"].as_u64()), (Some(width.into()), Some(height.into())));
        let (matrix, range) = if codec == Codec::Ffv1 { ("gbr", "pc") } else { ("bt709", "tv") };
        assert_eq!(stream["color_space"], matrix, "{codec:?}");
        // QuickTime's colour box has no range; ProRes is limited by definition.
        let said = stream["color_range"].as_str().unwrap_or("tv");
        assert_eq!(said, range, "{codec:?}");
        assert_eq!(stream["color_primaries"], "bt709", "{codec:?}");
        assert_eq!(stream["color_transfer"], "bt709", "{codec:?}");
    }
}

#[test]
fn colours_survive_matrix_and_range() {
    let folder = tempfile::tempdir().unwrap();
    for (matrix, range) in [("bt709", "tv"), ("smpte170m", "tv"), ("bt709", "pc"), ("", "")] {
        let colour = Colour { matrix: matrix.to_owned(), range: range.to_owned(), ..Colour::default() };
        let item = Item { colour: Some(colour), ..item((1, 25), (25, 1)) };
        let format = VideoFormat::new(Codec::H264, &item, (96, 64, PixelFormat::Rgb8), Some(1));
        for patch in [[200, 40, 40], [40, 180, 60], [30, 60, 220], [128, 128, 128], [250, 250, 250]] {
            let frames = [(rgb8(&Picture::filled(96, 64, patch)), 0)];
            let pieces = [piece(&folder.path().join("p.nut"), &format, &frames)];
            let output = folder.path().join("film.mp4");
            join(&request(&pieces, &format, Container::Mp4, None), &output).unwrap();
            let shown = decode_rgb8(&output).unwrap()[0].get(48, 32);
            let worst = shown.iter().zip(patch).map(|(a, b)| a.abs_diff(b)).max().unwrap();
            assert!(worst <= 3, "{matrix} {range}: {patch:?} became {shown:?}");
        }
    }
}

#[test]
fn ffv1_is_bit_exact_in_every_layout() {
    let folder = tempfile::tempdir().unwrap();
    for (layout, reference, bit_depth) in [
        (PixelFormat::Rgb8, "rgb24", 8),
        (PixelFormat::Rgba8, "rgba", 8),
        (PixelFormat::Grey8, "gray", 8),
        (PixelFormat::Rgb16, "rgb48le", 16),
        (PixelFormat::Rgba16, "rgba64le", 16),
        (PixelFormat::Grey16, "gray16le", 16),
    ] {
        let item = Item { bit_depth, ..item((1, 1000), (25, 1)) };
        let (width, height) = (67, 51);
        let format = VideoFormat::new(Codec::Ffv1, &item, (width, height, layout), None);
        let length = framefleet_frames::frame::byte_length(layout, width, height);
        let bytes = |n: usize| (0..length).map(|at| ((at * 31 + at / 7 + n * 101) % 251) as u8).collect::<Vec<u8>>();
        let image = |n| Image::new(layout, width, height, bytes(n)).unwrap();
        let frames: Vec<_> = (0..4).map(|n| (image(n), n as i64 * 40_000_000)).collect();
        let pieces = pieces(folder.path(), &format, &frames, &[2]);
        let output = folder.path().join("film.mkv");
        join(&request(&pieces, &format, Container::Mkv, None), &output).unwrap();
        let read_back = format_of_piece(&pieces[0], Codec::Ffv1, &item).unwrap();
        assert_eq!(read_back, format);
        let raw = raw_frames(&output, reference);
        assert!(raw == (0..4).flat_map(bytes).collect::<Vec<u8>>(), "{layout:?} is not what went in");
    }
}

fn raw_frames(path: &Path, format: &str) -> Vec<u8> {
    let mut command = std::process::Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(path).args(["-pix_fmt", format, "-f", "rawvideo", "-"]);
    let output = command.output().unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn alpha_goes_into_prores_4444() {
    let folder = tempfile::tempdir().unwrap();
    let format = VideoFormat::new(Codec::Prores, &item((1, 25), (25, 1)), (96, 64, PixelFormat::Rgba8), None);
    let pixels: Vec<u8> = (0..96 * 64).flat_map(|at| [100, 150, 200, if at % 96 < 48 { 0 } else { 255 }]).collect();
    let frames = [(Image::new(PixelFormat::Rgba8, 96, 64, pixels).unwrap(), 0)];
    let pieces = [piece(&folder.path().join("p.nut"), &format, &frames)];
    let output = folder.path().join("film.mov");
    let format = format_of_piece(&pieces[0], Codec::Prores, &item((1, 25), (25, 1))).unwrap();
    join(&request(&pieces, &format, Container::Mov, None), &output).unwrap();
    let raw = raw_frames(&output, "rgba");
    assert!(raw[3] < 3 && raw[95 * 4 + 3] > 252, "{} {}", raw[3], raw[95 * 4 + 3]);
    assert_eq!(ffprobe(&output).unwrap()["streams"][0]["codec_tag_string"], "ap4h");
}

#[test]
fn sound_chapters_and_tags_of_the_source_come_along() {
    let folder = tempfile::tempdir().unwrap();
    let source = sound_source(folder.path());
    let format = VideoFormat::new(Codec::H264, &item((1, 12_800), (25, 1)), (96, 64, PixelFormat::Rgb8), None);
    let pieces = pieces(folder.path(), &format, &film(96, 64, 0..50), &[16]);
    for container in [Container::Mp4, Container::Mov, Container::Mkv] {
        let output = folder.path().join(format!("out.{}", container.extension()));
        let joined = join(&request(&pieces, &format, container, Some(&source)), &output).unwrap();
        assert_eq!(joined.frames, 50);
        assert_in_sync(&packets(&output, "a:0"), &packets(&source, "a:0"), frame_times(&output).unwrap()[0]);
        let probe = ffprobe(&output).unwrap();
        assert_eq!(probe["format"]["tags"]["title"], "Bicycles");
        assert_eq!(probe["chapters"].as_array().unwrap().len(), 2, "{container:?}");
        assert_eq!(probe["chapters"][1]["tags"]["title"], "Second");
        assert_eq!(numbers(&output), (0..50).map(Some).collect::<Vec<_>>());
    }
    let silent = folder.path().join("silent.mp4");
    join(&Join { sound: JoinSound::None, ..request(&pieces, &format, Container::Mp4, Some(&source)) }, &silent)
        .unwrap();
    assert!(stream_of(&ffprobe(&silent).unwrap(), "audio").is_null());
}

#[test]
fn a_range_begins_at_zero_with_its_own_sound() {
    let folder = tempfile::tempdir().unwrap();
    let source = sound_source(folder.path());
    let format = VideoFormat::new(Codec::H264, &item((1, 12_800), (25, 1)), (96, 64, PixelFormat::Rgb8), None);
    let pieces = pieces(folder.path(), &format, &film(96, 64, 10..35), &[16]);
    let output = folder.path().join("cut.mp4");
    let whole = request(&pieces, &format, Container::Mp4, Some(&source));
    join(&Join { start_ns: 400_000_000, end_ns: Some(1_400_000_000), ..whole }, &output).unwrap();
    let probe = ffprobe(&output).unwrap();
    let seconds = |kind: &str, key: &str| stream_of(&probe, kind)[key].as_str().unwrap().parse::<f64>().unwrap();
    assert!((seconds("audio", "duration") - 1.0).abs() < 0.05, "{}", seconds("audio", "duration"));
    assert!(seconds("audio", "start_time").abs() < 0.025, "{}", seconds("audio", "start_time"));
    assert_eq!(milliseconds(&frame_times(&output).unwrap()), (0..25).map(|n| n * 40).collect::<Vec<_>>());
    let chapters = probe["chapters"].as_array().unwrap();
    assert_eq!(chapters[1]["start_time"].as_str().unwrap().parse::<f64>().unwrap(), 0.6);
}

#[test]
fn frames_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let item = item((1, 25), (25, 1));
    let small = VideoFormat::new(Codec::Dnxhr, &item, (96, 64, PixelFormat::Rgb8), None);
    let error = Encoder::create(&folder.path().join("d.nut"), &small).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("256×120"), "{error}");
    let format = VideoFormat::new(Codec::H264, &item, (96, 64, PixelFormat::Rgb8), None);
    let mut encoder = Encoder::create(&folder.path().join("p.nut"), &format).unwrap();
    let picture = |width, number| rgb8(&numbered(width, 64, number));
    encoder.push(&picture(96, 0), 40_000_000).unwrap();
    assert!(matches!(encoder.push(&picture(96, 1), 40_000_000), Err(EncodeError::Unfit { .. })), "same time");
    assert!(matches!(encoder.push(&picture(64, 1), 80_000_000), Err(EncodeError::Unfit { .. })), "other size");
    let once = piece(&folder.path().join("a.nut"), &format, &[(picture(96, 0), 0)]);
    let twice = [once.clone(), once];
    let error = join(&request(&twice, &format, Container::Mp4, None), &folder.path().join("f.mp4")).unwrap_err();
    assert!(error.to_string().contains("next piece"), "{error}");
}

#[test]
fn stills_keep_depth_and_profile() {
    let folder = tempfile::tempdir().unwrap();
    let ramp: Vec<u16> = (0..64 * 48 * 3).map(|n| (n * 7) as u16).collect();
    let bytes: Vec<u8> = ramp.iter().flat_map(|v| v.to_le_bytes()).collect();
    let image = Image::new(PixelFormat::Rgb16, 64, 48, bytes).unwrap();
    for (name, format) in [("a.png", StillFormat::Png), ("a.tiff", StillFormat::Tiff)] {
        let path = folder.path().join(name);
        write_still(&path, &image, format, &StillOptions::default()).unwrap();
        assert_eq!(decode_rgb16(&path).unwrap().2, std::slice::from_ref(&ramp), "{name}");
    }
    let tagged = folder.path().join("tagged.jpg");
    write_tagged_jpeg(&tagged, &numbered(64, 48, 5));
    for (name, format) in [("b.png", StillFormat::Png), ("b.tiff", StillFormat::Tiff), ("b.jpg", StillFormat::Jpeg)] {
        let path = folder.path().join(name);
        let options = StillOptions { source: Some(&tagged), ..StillOptions::default() };
        write_still(&path, &rgb8(&numbered(64, 48, 5)), format, &options).unwrap();
        assert_eq!(profile_of(&path), Some(PROFILE.to_vec()), "{name}");
        let shown = &decode_rgb8(&path).unwrap()[0];
        assert_eq!(read_number(&shown.rgb, 64, 48), Some(5), "{name}");
    }
    let reduced = folder.path().join("c.jpg");
    write_still(&reduced, &image, StillFormat::Jpeg, &StillOptions::default()).unwrap();
    assert_eq!(ffprobe(&reduced).unwrap()["streams"][0]["codec_name"], "mjpeg");
}

const PROFILE: &[u8] = b"sixteen bytes...RGB ";
fn write_tagged_jpeg(path: &Path, picture: &Picture) {
    use image::ImageEncoder;
    let mut encoder = image::codecs::jpeg::JpegEncoder::new(std::fs::File::create(path).unwrap());
    encoder.set_icc_profile(PROFILE.to_vec()).unwrap();
    encoder.write_image(&picture.rgb, picture.width, picture.height, image::ExtendedColorType::Rgb8).unwrap();
}

fn profile_of(path: &Path) -> Option<Vec<u8>> {
    image::ImageDecoder::icc_profile(&mut image::ImageReader::open(path).unwrap().into_decoder().unwrap()).unwrap()
}

/// The same packets at the same times from the first video frame, to a millisecond. (Matroska has no times before 0: there
/// everything is later by what the source's sound begins before its pictures.)
fn assert_in_sync(mine: &[(i64, String)], theirs: &[(i64, String)], video_start: f64) {
    assert_eq!(mine.len(), theirs.len());
    for (mine, theirs) in mine.iter().zip(theirs) {
        assert_eq!(mine.1, theirs.1);
        let shift = (video_start * 1000.0).round() as i64;
        assert!((mine.0 - shift - theirs.0).abs() <= 1, "{} − {shift} is not {}", mine.0, theirs.0);
    }
}

/// Two seconds with a tone, two chapters and a title.
fn sound_source(folder: &Path) -> PathBuf {
    let chapters = folder.join("chapters.txt");
    let text = ";FFMETADATA1\ntitle=Bicycles\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=First\n\
                [CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\ntitle=Second\n";
    std::fs::write(&chapters, text).unwrap();
    let plain = Clip::new(96, 64, 50).audio(Audio::Tone(440.0, 2.0));
    let plain = plain.write(&folder.join("plain.mp4"), |n| numbered(96, 64, n)).unwrap();
    let source = folder.join("source.mp4");
    let mut command = std::process::Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(&plain).arg("-i").arg(&chapters);
    command.args(["-map", "0", "-map_metadata", "1", "-map_chapters", "1", "-c", "copy", "-y"]).arg(&source);
    assert!(command.status().unwrap().success());
    source
}

fn stream_of<'a>(probe: &'a serde_json::Value, kind: &str) -> &'a serde_json::Value {
    let streams = probe["streams"].as_array().unwrap();
    streams.iter().find(|stream| stream["codec_type"] == kind).unwrap_or(&serde_json::Value::Null)
}

/// Time in milliseconds and checksum of every packet of a stream.
fn packets(path: &Path, stream: &str) -> Vec<(i64, String)> {
    let mut command = std::process::Command::new("ffprobe");
    command.args(["-v", "error", "-select_streams", stream, "-show_data_hash", "md5", "-of", "json"]);
    let output = command.args(["-show_entries", "packet=pts_time,data_hash"]).arg(path).output().unwrap();
    let probe: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packet = |packet: &serde_json::Value| {
        let seconds: f64 = packet["pts_time"].as_str().unwrap().parse().unwrap();
        ((seconds * 1000.0).round() as i64, packet["data_hash"].as_str().unwrap().to_owned())
    };
    probe["packets"].as_array().unwrap().iter().map(packet).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the durations and wherever the seams: times are kept, packets decode.
    #[test]
    fn variable_durations_survive_any_seams(
        durations in prop::collection::vec(1i64..200, 2..40),
        lengths in prop::collection::vec(1usize..12, 1..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let format = VideoFormat::new(Codec::H264, &item((1, 1000), (25, 1)), (64, 48, PixelFormat::Rgb8), Some(30));
        let starts: Vec<i64> = durations.iter().scan(0, |at, d| { *at += d; Some(*at - d) }).collect();
        let frame = |(n, ms): (usize, &i64)| (rgb8(&numbered(64, 48, n as u64)), ms * 1_000_000);
        let frames: Vec<_> = starts.iter().enumerate().map(frame).collect();
        let pieces = pieces(folder.path(), &format, &frames, &lengths);
        for container in [Container::Mp4, Container::Mkv] {
            let output = folder.path().join(format!("film.{}", container.extension()));
            // With a shorter end than the last frame's, FFmpeg 5.1 takes the last frames of an MP4 for what lies behind its edit list, when two
            // key frames come shortly before them (`mov_fix_index`).
            let last_frame_ns = durations.last().map(|ms| ms * 1_000_000);
            let request = Join { last_frame_ns, ..request(&pieces, &format, container, None) };
            join(&request, &output).unwrap();
            prop_assert_eq!(milliseconds(&frame_times(&output).unwrap()), starts.clone());
            prop_assert_eq!(decode_errors(&output).unwrap(), "");
            prop_assert_eq!(numbers(&output), (0..starts.len() as u64).map(Some).collect::<Vec<_>>());
        }
    }
}

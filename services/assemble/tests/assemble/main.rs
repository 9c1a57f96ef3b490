//! Films come out as they went in, however the work was spread.
#![cfg(test)]

mod items;

use assemble::{AssembleSettings, AssembleStage, Sound};
use framefleet_formats::Encoding;
use framefleet_frames::{
    Frame, FrameRange, Image, ImageFile, Item, ItemKind, Outcome, PixelFormat, Rational, Rendition,
};
use framefleet_stage::{Artifact, Batch, Host, Outputs, Record, Settings, Stage, TaskOutput};
use framefleet_testkit::{
    Audio as ClipAudio, Clip, Picture, decode_errors, decode_rgb8, decode_rgb16, ffprobe, frame_times, numbered,
    read_number, write_image, write_image16,
};
use framefleet_testkit_stage::{Film, Kept, golden, job, rgb8};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A source whose frames are in memory, as a runner would have them.
struct Source {
    item: Item,
    images: Vec<Image>,
    pts_ns: Vec<i64>,
}

impl Source {
    /// Frames and times of a video as the reference program reads it.
    fn open(path: &Path) -> Self {
        let probe = ffprobe(path).unwrap();
        let stream = probe["streams"].as_array().unwrap().iter().find(|s| s["codec_type"] == "video").unwrap();
        let fraction = |key: &str| {
            let (num, den) = stream[key].as_str().unwrap().split_once('/').unwrap();
            Some(Rational { num: num.parse().unwrap(), den: den.parse().unwrap() })
        };
        let tag = |key: &str| stream[key].as_str().unwrap_or_default().to_owned();
        let colour = framefleet_frames::Colour {
            primaries: tag("color_primaries"),
            transfer: tag("color_transfer"),
            matrix: tag("color_space"),
            range: tag("color_range"),
            ..Default::default()
        };
        let pictures = decode_rgb8(path).unwrap();
        let item = Item {
            name: path.file_name().unwrap().to_string_lossy().into_owned(),
            location: path.display().to_string(),
            kind: ItemKind::Video as i32,
            width: pictures[0].width,
            height: pictures[0].height,
            bit_depth: 8,
            frame_rate: fraction("avg_frame_rate"),
            time_base: fraction("time_base"),
            estimated_frames: pictures.len() as u64,
            codec: tag("codec_name"),
            colour: Some(colour),
            ..Item::default()
        };
        let pts_ns = frame_times(path).unwrap().iter().map(|t| (t * 1e9).round() as i64).collect();
        Self { item, images: pictures.iter().map(rgb8).collect(), pts_ns }
    }
}

fn scratch(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// What one process task makes of frames `range`, of which `missing` are not there.
fn process(
    stage: &AssembleStage,
    source: &Source,
    range: std::ops::Range<u64>,
    missing: &[u64],
    folder: &Path,
) -> TaskOutput {
    let scratch = scratch(folder, &format!("{}-{}", source.item.name, range.start));
    let frames: Vec<u64> = range.clone().filter(|n| !missing.contains(n)).collect();
    let range = FrameRange { start: range.start, end: range.end };
    let times = source.pts_ns[range.start as usize..range.end as usize].to_vec();
    let mut batch = Batch::new(source.item.clone(), range, range, frames.clone(), times);
    for number in frames {
        let (pts_ns, image) = (source.pts_ns[number as usize], source.images[number as usize].clone());
        batch.insert_frame(Rendition::Full, Frame { number, pts_ns, image });
    }
    let mut out = Outputs::new(&scratch);
    stage.process(&job("assemble", vec![source.item.clone()], &scratch), &batch, &mut out).unwrap();
    out.into_output()
}

/// Runs the stage over frames `range` in groups of `group`, tasks in the order that `order` gives them; returns the film,
/// its name and the statistics.
struct Run<'a> {
    settings: AssembleSettings,
    range: std::ops::Range<u64>,
    group: u64,
    missing: &'a [u64],
    parallel: bool,
}

impl Run<'_> {
    fn whole(source: &Source, encoding: Encoding) -> Self {
        let settings = AssembleSettings { encoding, ..AssembleSettings::default() };
        Self { settings, range: 0..source.images.len() as u64, group: 8, missing: &[], parallel: false }
    }

    fn film(&self, source: &Source, folder: &Path) -> (PathBuf, String, Value) {
        let stage = AssembleStage::load(&Host::default(), &self.settings).unwrap();
        let mut kept = Kept::new(self.records(source));
        kept.attachments = self.attachments(&stage, source, folder);
        let mut out = Outputs::new(&scratch(folder, "finish"));
        stage.finish(&job("assemble", vec![source.item.clone()], folder), &kept, &mut out).unwrap();
        let made = out.into_output();
        let film = made.artifacts.first().unwrap();
        let statistics = serde_json::from_str(&made.annotations.statistics).unwrap();
        (film.path().to_owned(), film.name().to_owned(), statistics)
    }

    fn records(&self, source: &Source) -> Vec<Record> {
        let outcome = |frame| match self.missing.contains(&frame) {
            true => Outcome::Skipped { rule: "upstream".to_owned() },
            false => Outcome::Result,
        };
        let record = |frame: u64| Record {
            item: source.item.name.clone(),
            frame,
            pts_ns: source.pts_ns[frame as usize],
            file: None,
            outcome: outcome(frame),
            annotations: vec![],
        };
        self.range.clone().map(record).collect()
    }

    fn attachments(&self, stage: &AssembleStage, source: &Source, folder: &Path) -> Vec<(String, String, PathBuf)> {
        let starts: Vec<u64> = self.range.clone().step_by(self.group as usize).collect();
        let task = |start: u64| {
            let range = start..(start + self.group).min(self.range.end);
            let made = process(stage, source, range, self.missing, folder);
            made.attachments.iter().map(|a| (a.name().to_owned(), a.path().to_owned())).collect::<Vec<_>>()
        };
        let made: Vec<Vec<(String, PathBuf)>> = if self.parallel {
            // Last one first, all at once.
            std::thread::scope(|scope| {
                let task = &task;
                let mut running: Vec<_> = starts.iter().rev().map(|&start| scope.spawn(move || task(start))).collect();
                running.reverse();
                running.into_iter().map(|thread| thread.join().unwrap()).collect()
            })
        } else {
            starts.iter().map(|&start| task(start)).collect()
        };
        made.into_iter().flatten().map(|(name, path)| (source.item.name.clone(), name, path)).collect()
    }
}

fn numbers(path: &Path) -> Vec<u64> {
    let read = |p: &Picture| read_number(&p.rgb, p.width, p.height).unwrap();
    decode_rgb8(path).unwrap().iter().map(read).collect()
}

fn milliseconds(path: &Path) -> Vec<i64> {
    frame_times(path).unwrap().iter().map(|t| (t * 1000.0).round() as i64).collect()
}

fn stream<'a>(probe: &'a Value, kind: &str) -> &'a Value {
    probe["streams"].as_array().unwrap().iter().find(|stream| stream["codec_type"] == kind).unwrap_or(&Value::Null)
}

/// Two seconds at 30000/1001 with a tone, tagged BT.709.
fn source(folder: &Path, name: &str) -> Source {
    let clip = Clip::new(96, 64, 60).rate(30_000, 1001).colour("bt709", "bt709", "bt709", "tv");
    let clip = clip.audio(ClipAudio::Tone(440.0, 2.0));
    Source::open(&clip.write(&folder.join(name), |n| numbered(96, 64, n)).unwrap())
}

#[test]
fn a_film_is_what_its_source_was() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path(), "film.mp4");
    let (film, name, statistics) = Run::whole(&source, Encoding::Auto).film(&source, folder.path());
    let original = Path::new(&source.item.location);
    assert_eq!(name, "film.mp4");
    assert_eq!(numbers(&film), (0..60).collect::<Vec<_>>());
    assert_eq!(milliseconds(&film), milliseconds(original));
    assert_eq!(decode_errors(&film).unwrap(), "");
    let (mine, theirs) = (ffprobe(&film).unwrap(), ffprobe(original).unwrap());
    for key in
        ["codec_name", "width", "height", "pix_fmt", "color_space", "color_transfer", "color_primaries", "color_range"]
    {
        assert_eq!(stream(&mine, "video")[key], stream(&theirs, "video")[key], "{key}");
    }
    for key in ["codec_name", "nb_read_packets", "start_time", "sample_rate"] {
        assert_eq!(stream(&mine, "audio")[key], stream(&theirs, "audio")[key], "{key}");
    }
    assert_eq!(stream(&mine, "video")["sample_aspect_ratio"], "1:1");
    let film = &statistics["films"]["film.mp4"];
    assert_eq!((film["frames"].as_u64(), film["held_frames"].as_u64()), (Some(60), Some(0)));
    assert_eq!(film["left_out"], serde_json::json!([]));
}

#[test]
fn the_answer_does_not_depend_on_order() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path(), "film.mp4");
    for encoding in [Encoding::H264, Encoding::H265, Encoding::Prores, Encoding::Ffv1] {
        let digest = |name: &str, parallel| {
            let run = Run { parallel, ..Run::whole(&source, encoding) };
            let (film, ..) = run.film(&source, &scratch(folder.path(), name));
            blake3::hash(&std::fs::read(film).unwrap())
        };
        assert_eq!(digest("in order", false), digest("at once", true), "{encoding:?}");
    }
}

#[test]
fn ffv1_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path(), "film.mp4");
    let (film, name, _) = Run::whole(&source, Encoding::Ffv1).film(&source, folder.path());
    assert_eq!(name, "film.mkv");
    let frames: Vec<Image> = decode_rgb8(&film).unwrap().iter().map(rgb8).collect();
    assert!(frames == source.images, "frames differ");
}

/// Full-range sources (phones, screens) and RGB ones: every film looks like its source, whether its codec can say the range or not.
#[test]
fn levels_are_those_of_the_source_whatever_its_range() {
    let folder = tempfile::tempdir().unwrap();
    let ramp = |n: u64| Picture::from_fn(256, 128, |x, y| [x as u8, (2 * y) as u8, (40 + n) as u8]);
    let full = Clip::new(256, 128, 6).colour("bt709", "bt709", "bt709", "pc").quality(4);
    let rgb = Clip::new(256, 128, 6).codec("ffv1", "bgr0");
    for (name, clip) in [("full.mp4", full), ("rgb.mkv", rgb)] {
        let source = Source::open(&clip.write(&folder.path().join(name), ramp).unwrap());
        let range = &source.item.colour.as_ref().unwrap().range;
        assert_eq!(range, "pc", "{name}");
        for encoding in [Encoding::H264, Encoding::H265, Encoding::Prores, Encoding::Dnxhr, Encoding::Ffv1] {
            let work = scratch(folder.path(), &format!("{name} {encoding:?}"));
            let (film, ..) = Run::whole(&source, encoding).film(&source, &work);
            for (found, own) in decode_rgb8(&film).unwrap().iter().zip(&source.images) {
                let apart = found.rgb.iter().zip(own.data()).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>();
                let apart = apart / found.rgb.len() as f64;
                assert!(apart < 2.0, "{name} as {encoding:?}: {apart:.2} levels apart on average");
            }
        }
    }
}

#[test]
fn variable_durations_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Clip::new(96, 64, 30).durations_ms(&[40, 40, 200, 17, 33, 90, 41, 500, 20, 20, 77]);
    let path = clip.write(&folder.path().join("film.mp4"), |n| numbered(96, 64, n)).unwrap();
    let source = Source::open(&path);
    let (film, ..) = Run::whole(&source, Encoding::Auto).film(&source, folder.path());
    assert_eq!(milliseconds(&film), milliseconds(&path));
    assert_eq!(numbers(&film), (0..30).collect::<Vec<_>>());
}

#[test]
fn missing_frames_are_held_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path(), "film.mp4");
    // The beginning of a group, its middle, and a whole group.
    let missing: Vec<u64> = [8, 9, 13].into_iter().chain(24..32).collect();
    let run = Run { missing: &missing, ..Run::whole(&source, Encoding::Auto) };
    let (film, _, statistics) = run.film(&source, folder.path());
    let mut expected: Vec<u64> = (0..60).collect();
    (expected[8], expected[9], expected[13]) = (10, 10, 12);
    expected.drain(24..32);
    assert_eq!(numbers(&film), expected);
    let times = milliseconds(Path::new(&source.item.location));
    assert_eq!(milliseconds(&film), [&times[..24], &times[32..]].concat(), "what is shown is shown at its time");
    assert_eq!(statistics["films"]["film.mp4"]["held_frames"], 11);
}

#[test]
fn a_range_is_cut_with_its_sound() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path(), "film.mp4");
    let settings = AssembleSettings { encoding: Encoding::H264, ..AssembleSettings::default() };
    let run = Run { settings, range: 15..45, group: 8, missing: &[], parallel: false };
    let (film, ..) = run.film(&source, folder.path());
    assert_eq!(numbers(&film), (15..45).collect::<Vec<_>>());
    assert_eq!(milliseconds(&film)[0], 0);
    let probe = ffprobe(&film).unwrap();
    let seconds: f64 = stream(&probe, "audio")["duration"].as_str().unwrap().parse().unwrap();
    assert!((seconds - 1.001).abs() < 0.05, "{seconds}");
}

#[test]
fn sound_can_be_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path(), "film.mp4");
    let settings = AssembleSettings { audio: Sound::None, ..AssembleSettings::default() };
    let (film, ..) = Run { settings, ..Run::whole(&source, Encoding::Auto) }.film(&source, folder.path());
    assert!(stream(&ffprobe(&film).unwrap(), "audio").is_null());
}

#[test]
fn containers_follow_the_sound() {
    let folder = tempfile::tempdir().unwrap();
    for (name, encoder, expected) in [
        ("a.mkv", "libvorbis", "a.mkv"),
        ("b.avi", "libmp3lame", "b.mov"),
        ("c.webm", "libvorbis", "c.mkv"),
        ("d.webm", "libopus", "d.mkv"),
        ("e.mp4", "libopus", "e.mp4"),
        ("f.mkv", "flac", "f.mkv"),
        ("g.wmv", "wmav2", "g.mkv"),
        ("h.avi", "adpcm_ms", "h.mkv"),
    ] {
        let clip = Clip::new(96, 64, 12).audio_codec(ClipAudio::Tone(440.0, 0.48), encoder);
        let clip = match name {
            "c.webm" | "d.webm" => clip.codec("libvpx", "yuv420p"),
            "b.avi" | "g.wmv" | "h.avi" => clip.codec("mpeg4", "yuv420p").quality(2).b_frames(0),
            _ => clip,
        };
        let path = clip.write(&folder.path().join(name), |n| numbered(96, 64, n)).unwrap();
        let source = Source::open(&path);
        let (film, name, _) =
            Run::whole(&source, Encoding::Auto).film(&source, &scratch(folder.path(), &format!("run {name}")));
        assert_eq!(name, expected);
        assert_eq!(numbers(&film), (0..12).collect::<Vec<_>>(), "{name}");
        assert!(!stream(&ffprobe(&film).unwrap(), "audio").is_null(), "{name}");
    }
}

#[test]
fn stills_keep_names_formats_and_depth() {
    let folder = tempfile::tempdir().unwrap();
    let ramp: Vec<u16> = (0..64 * 48 * 3).map(|n| (n * 7) as u16).collect();
    let stills = scratch(folder.path(), "holiday");
    write_image16(&stills.join("a.TIFF"), 64, 48, &ramp).unwrap();
    write_image(&stills.join("b.jpg"), &numbered(96, 64, 1)).unwrap();
    let bytes: Vec<u8> = ramp.iter().flat_map(|v| v.to_le_bytes()).collect();
    let item = Item {
        name: "holiday".to_owned(),
        location: stills.display().to_string(),
        kind: ItemKind::Stills as i32,
        files: vec![
            ImageFile { frame: 0, name: "a.TIFF".to_owned(), ..ImageFile::default() },
            ImageFile { frame: 1, name: "b.jpg".to_owned(), ..ImageFile::default() },
        ],
        ..Item::default()
    };
    let images = vec![Image::new(PixelFormat::Rgb16, 64, 48, bytes).unwrap(), rgb8(&numbered(96, 64, 1))];
    let source = Source { item, images, pts_ns: vec![0, 0] };
    let settings = AssembleSettings { encoding: Encoding::H264, ..AssembleSettings::default() };
    let stage = AssembleStage::load(&Host::default(), &settings).unwrap();
    let made = process(&stage, &source, 0..2, &[], folder.path());
    assert_eq!(made.artifacts.iter().map(Artifact::name).collect::<Vec<_>>(), ["*.TIFF", "*.jpg"]);
    assert_eq!(decode_rgb16(made.artifacts[0].path()).unwrap().2, [ramp]);
    assert_eq!(numbers(made.artifacts[1].path()), [1]);
    assert!(made.attachments.is_empty());
}

#[test]
fn wrong_settings_are_refused() {
    let wrong = |settings: AssembleSettings| settings.validate().unwrap_err();
    assert!(wrong(AssembleSettings { quality: Some(52), ..Default::default() }).contains("52"));
    assert!(wrong(AssembleSettings { group: 0, ..Default::default() }).contains("1 to 16"));
}

/// What a film is made of; its bytes change with the encoder's version as well.
#[test]
fn golden_digest() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path(), "film.mp4");
    let mut text = String::new();
    for encoding in [Encoding::Auto, Encoding::H265, Encoding::Prores, Encoding::Ffv1] {
        let run = Run { missing: &[8, 9, 13], ..Run::whole(&source, encoding) };
        let (film, name, statistics) = run.film(&source, &scratch(folder.path(), &format!("{encoding:?}")));
        let probe = ffprobe(&film).unwrap();
        let keys = ["codec_name", "profile", "pix_fmt", "width", "height", "time_base", "color_space", "color_range"];
        let video: Vec<&Value> = keys.iter().map(|key| &stream(&probe, "video")[key]).collect();
        let sound = [&stream(&probe, "audio")["codec_name"], &stream(&probe, "audio")["start_time"]];
        text += &format!("{name} {video:?} {sound:?}\n{:?}\n{:?}\n", numbers(&film), milliseconds(&film));
        text += &format!("{}\n", statistics["films"]["film.mp4"]["held_frames"]);
    }
    golden(&text, AssembleStage::VERSION, (4, "a64dc300a5f0958a"));
}

/// The runner gives process the defaults of what finish alone reads, and nobody may notice.
#[test]
fn process_reads_no_finish_setting() {
    let settings = AssembleSettings { encoding: Encoding::Ffv1, ..AssembleSettings::default() };
    let films = [Film::painted(8, |n| numbered(320, 192, n))];
    framefleet_testkit_stage::process_reads_no_finish_setting::<AssembleStage>(&Host::default(), &settings, &films);
}

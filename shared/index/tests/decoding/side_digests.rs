//! What an item consists of: its pictures, its sound and the rest of its file have digests of their own.
use crate::film::Film;
use framefleet_frames::Content;
use framefleet_testkit::{Audio, Clip, numbered};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Seconds of the clips.
const SECONDS: f64 = 3.0;

/// Runs FFmpeg, whose last argument is the file that it makes.
fn ffmpeg(arguments: &[&str], made: &Path) -> PathBuf {
    let status = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments).arg(made).status().unwrap();
    assert!(status.success(), "{arguments:?}");
    made.to_owned()
}

fn clip(folder: &Path, name: &str, encoder: &str, tone: f64) -> PathBuf {
    let clip = Clip::new(64, 48, (SECONDS * 25.0) as u64).audio_codec(Audio::Tone(tone, SECONDS), encoder);
    clip.write(&folder.join(name), |frame| numbered(64, 48, frame)).unwrap()
}

/// The pictures of one file with the sound of another, `late` seconds later.
fn dubbed(pictures: &Path, sound: &Path, late: &str, made: &Path) -> PathBuf {
    let (pictures, sound) = (pictures.to_str().unwrap(), sound.to_str().unwrap());
    let inputs = ["-i", pictures, "-itsoffset", late, "-i", sound, "-map", "0:v", "-map", "1:a", "-c", "copy"];
    ffmpeg(&inputs, made)
}

fn content(path: &Path) -> Content {
    let film = Film::open(path);
    let content = film.item.content.clone().unwrap();
    assert_eq!(content.pictures.len(), 32);
    content
}

/// Both ways to index: by packets, and by counting what is decoded (AVI with B-frames).
#[test]
fn another_sound_changes_the_sound_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (kind, encoder) in [("mp4", "aac"), ("mkv", "flac"), ("mov", "pcm_s16le"), ("avi", "mp3"), ("ts", "aac")] {
        let [one, other] = [("one", 440.0), ("other", 441.0)]
            .map(|(name, tone)| clip(folder.path(), &format!("{name}.{kind}"), encoder, tone));
        // Made alike, so that nothing else differs.
        let as_it_was = content(&dubbed(&one, &one, "0", &at(&format!("a.{kind}"))));
        let again = content(&dubbed(&one, &one, "0", &at(&format!("b.{kind}"))));
        let changed = content(&dubbed(&one, &other, "0", &at(&format!("c.{kind}"))));
        assert_eq!(as_it_was, again, "{kind}");
        assert_eq!((&changed.pictures, &changed.metadata), (&as_it_was.pictures, &as_it_was.metadata), "{kind}");
        assert_ne!(changed.audio, as_it_was.audio, "{kind}");
    }
}

#[test]
fn sound_that_comes_later_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let one = clip(folder.path(), "one.mkv", "flac", 440.0);
    let whole = content(&dubbed(&one, &one, "0", &folder.path().join("a.mkv")));
    let late = content(&dubbed(&one, &one, "0.04", &folder.path().join("b.mkv")));
    assert_eq!(whole.pictures, late.pictures);
    assert_ne!(whole.audio, late.audio);
    // Where all of a film lies in its file is no matter of its sound.
    let (from, moved) = (one.to_str().unwrap(), folder.path().join("c.mkv"));
    let moved = ffmpeg(&["-i", from, "-map", "0", "-c", "copy", "-output_ts_offset", "5"], &moved);
    assert_eq!(content(&moved).audio, content(&one).audio);
}

#[test]
fn one_byte_in_the_middle_of_any_audio_stream_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let one = clip(folder.path(), "one.mov", "pcm_s16le", 440.0);
    let from = one.to_str().unwrap();
    let arguments = ["-i", from, "-map", "0:v", "-map", "0:a", "-map", "0:a", "-c:v", "copy", "-c:a", "pcm_s24le"];
    let both = ffmpeg(&arguments, &folder.path().join("both.mov"));
    let as_it_was = content(&both);
    for stream in ["a:0", "a:1"] {
        let arguments = ["-v", "error", "-select_streams", stream, "-show_entries", "packet=pos", "-of", "csv=p=0"];
        let found = Command::new("ffprobe").args(arguments).arg(&both).output().unwrap();
        let found = String::from_utf8(found.stdout).unwrap();
        let places: Vec<usize> = found.lines().filter_map(|line| line.trim_matches(',').parse().ok()).collect();
        let mut bytes = std::fs::read(&both).unwrap();
        bytes[places[places.len() / 2]] ^= 1;
        let path = folder.path().join("flipped.mov");
        std::fs::write(&path, bytes).unwrap();
        let flipped = content(&path);
        assert_ne!(flipped.audio, as_it_was.audio, "{stream}");
        assert_eq!(
            (flipped.pictures, flipped.metadata),
            (as_it_was.pictures.clone(), as_it_was.metadata.clone()),
            "{stream}"
        );
    }
}

#[test]
fn titles_and_subtitles_are_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let one = clip(folder.path(), "one.mkv", "flac", 440.0);
    let from = one.to_str().unwrap();
    let lines = folder.path().join("lines.srt");
    let subtitled = |text: &str, name: &str| {
        std::fs::write(&lines, format!("1\n00:00:01,000 --> 00:00:02,000\n{text}\n")).unwrap();
        let arguments = ["-i", from, "-i", lines.to_str().unwrap(), "-map", "0", "-map", "1", "-c", "copy"];
        content(&ffmpeg(&arguments, &folder.path().join(name)))
    };
    let plain = content(&ffmpeg(&["-i", from, "-map", "0", "-c", "copy"], &folder.path().join("plain.mkv")));
    let titled = ["-i", from, "-map", "0", "-c", "copy", "-metadata", "title=Rain"];
    let titled = content(&ffmpeg(&titled, &folder.path().join("titled.mkv")));
    let all = [plain, titled, subtitled("Hello.", "hello.mkv"), subtitled("Hallo.", "hallo.mkv")];
    for (number, one) in all.iter().enumerate() {
        assert_eq!((&one.pictures, &one.audio), (&all[0].pictures, &all[0].audio), "{number}");
        assert!(all[..number].iter().all(|other| other.metadata != one.metadata), "{number}");
    }
}

#[test]
fn without_sound_there_is_no_digest_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("silent.mp4");
    Clip::new(64, 48, 10).write(&path, |frame| numbered(64, 48, frame)).unwrap();
    assert!(content(&path).audio.is_empty());
}

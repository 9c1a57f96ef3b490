//! Files with several films or sound tracks: which one is read, and what is said of the others.
use crate::film::{Film, decoders};
use crate::joined::remake;
use framefleet_decode::audio::audio;
use framefleet_decode::video::deinterlace::Deinterlace;
use framefleet_frames::Item;
use framefleet_probe::{Reading, probe_with};
use framefleet_testkit::{Audio, Clip, numbered, read_number, remux};
use std::path::{Path, PathBuf};

/// Two films, of 20 frames of 64×48 and of 10 of 320×240 that are numbered from 50, of which one is the default.
fn two_films(folder: &Path, name: &str, default: usize) -> PathBuf {
    let [small, large] = [(64, 48, 20, 0), (320, 240, 10, 50)].map(|(width, height, frames, first)| {
        let path = folder.join(format!("{width}.mp4"));
        Clip::new(width, height, frames).write(&path, |frame| numbered(width, height, first + frame)).unwrap()
    });
    let large = large.display().to_string();
    let dispositions = [["0", "default"], ["default", "0"]][1 - default];
    let arguments =
        ["-i", &large, "-map", "1", "-disposition:v:0", dispositions[0], "-disposition:v:1", dispositions[1]];
    remux(&small, &folder.join(name), &arguments).unwrap()
}

fn read(path: &Path, video_stream: Option<u32>) -> (Vec<Item>, Vec<(String, String)>) {
    let probed = probe_with(path.to_str().unwrap(), Reading { video_stream, ..Reading::default() }).unwrap();
    (probed.items, probed.refused)
}

/// The one that the file calls its default is read, as players do, not the largest; or the one that is asked for.
#[test]
fn of_several_films_the_default_one_is_read_or_the_one_that_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    for (name, default) in [("a.mp4", 0), ("a.mkv", 1)] {
        let both = two_films(folder.path(), name, default);
        for (wanted, number) in [(None, default), (Some(0), 0), (Some(1), 1)] {
            let item = read(&both, wanted).0.remove(0);
            let note = format!("it has 2 video streams: 0 (h264, 64×48), 1 (h264, 320×240); stream {number} is used");
            assert_eq!((item.width, item.notes.clone()), ([64, 320][number], vec![note]), "{name} {wanted:?}");
            let film = Film::of(&item, Deinterlace::Auto, 8);
            let numbers: Vec<Option<u64>> = film
                .all(&decoders())
                .iter()
                .map(|shown| read_number(&shown.pixels, shown.slot.width, shown.slot.height))
                .collect();
            let expected = [0..20, 50..60][number].clone().map(Some).collect::<Vec<_>>();
            assert_eq!(numbers, expected, "{name} {wanted:?}");
            let frames: Vec<Option<u64>> =
                remake(&film, folder.path()).frames().into_iter().map(|(number, _)| number).collect();
            assert_eq!(frames, expected, "the film that is made of it: {name} {wanted:?}");
        }
    }
}

#[test]
fn a_film_that_is_not_there_is_refused_with_those_there_are() {
    let folder = tempfile::tempdir().unwrap();
    two_films(folder.path(), "both.mp4", 0);
    let (items, refused) = read(folder.path(), Some(1));
    let names: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["both.mp4"]);
    let reasons: Vec<&str> = refused.iter().map(|(_, reason)| reason.as_str()).collect();
    assert!(reasons[0].ends_with("there is no video stream 1 in it; it has: 0 (h264, 64×48)"), "{reasons:?}");
    assert_eq!(reasons.len(), 2);
}

#[test]
fn sound_tracks_are_listed_and_read_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let clip = |name: &str, level: f32| {
        let samples = (0..48_000).map(|n| level * (n as f32 * 0.1).sin()).collect();
        let clip = Clip::new(64, 48, 25).audio_codec(Audio::Samples(48_000, samples), "aac");
        clip.write(&folder.path().join(name), |frame| numbered(64, 48, frame)).unwrap()
    };
    let (first, second) = (clip("silent.mp4", 0.0), clip("loud.mp4", 0.5));
    let second = second.display().to_string();
    let tags = ["-metadata:s:a:0", "language=deu", "-metadata:s:a:1", "language=eng"];
    let default = ["-disposition:a:0", "default", "-disposition:a:1", "0"];
    let arguments = [&["-i", &second, "-map", "1:a"][..], &tags, &default].concat();
    let both = remux(&first, &folder.path().join("both.mp4"), &arguments).unwrap();
    let item = read(&both, None).0.remove(0);
    let tracks: Vec<(&str, &str, bool)> = item
        .sound_tracks
        .iter()
        .map(|track| (track.codec.as_str(), track.language.as_str(), track.is_default))
        .collect();
    assert_eq!(tracks, [("aac", "deu", true), ("aac", "eng", false)]);
    assert_eq!(item.notes, [""; 0], "films have all of them, and what is heard is said where it is chosen");
    let loudest = |track: Option<u32>| {
        let samples = audio(&item, track, 200_000_000..800_000_000, 16_000).unwrap().unwrap();
        samples.iter().fold(0.0_f32, |most, sample| most.max(sample.abs()))
    };
    assert!(loudest(None) < 0.01 && loudest(Some(0)) < 0.01 && loudest(Some(1)) > 0.4);
    assert_eq!(audio(&item, Some(2), 0..1_000_000, 16_000).unwrap(), None);
}

/// Recordings of cameras and of calls, which change the size of their pictures as they go on.
#[test]
fn pictures_of_another_size_are_said_with_frame_and_time() {
    let folder = tempfile::tempdir().unwrap();
    for (extension, codec) in
        [("ts", "libx264"), ("flv", "libx264"), ("mpg", "mpeg2video"), ("webm", "libvpx"), ("webm", "libvpx-vp9")]
    {
        let part = |name: &str, (width, height): (u32, u32), seconds: &str| {
            let path = folder.path().join(format!("{codec}-{name}.{extension}"));
            let clip = Clip::new(width, height, 25).codec(codec, "yuv420p").b_frames(0);
            let clip = clip.arguments(["-b:v", "400k", "-output_ts_offset", seconds]);
            clip.write(&path, |frame| numbered(width, height, frame)).unwrap()
        };
        let parts = [part("a", (128, 72), "0"), part("b", (96, 96), "1")];
        let path = folder.path().join(format!("{codec}.{extension}"));
        match extension {
            "webm" => {
                let list = folder.path().join("list.txt");
                let lines: Vec<String> = parts.iter().map(|part| format!("file '{}'\n", part.display())).collect();
                std::fs::write(&list, lines.concat()).unwrap();
                let mut ffmpeg = std::process::Command::new("ffmpeg");
                ffmpeg.args(["-v", "error", "-y", "-f", "concat", "-safe", "0", "-i"]).arg(&list);
                assert!(ffmpeg.args(["-c", "copy"]).arg(&path).status().unwrap().success());
            }
            _ => drop(framefleet_testkit::append(&parts, &path).unwrap()),
        }
        let film = Film::open(&path);
        let frames = framefleet_testkit::frame_times(&path).unwrap().len() as u64;
        assert_eq!((film.item.width, film.item.height, film.item.estimated_frames), (128, 72, frames), "{codec}");
        let notes: Vec<&String> = film.item.notes.iter().filter(|note| note.contains("size of its pictures")).collect();
        assert_eq!(notes.len(), 1, "{extension} {codec}: {:?}", film.item.notes);
        let first = frames - 25;
        let expected = format!("the size of its pictures changes: 96×96 from frame {first} (");
        assert!(notes[0].starts_with(&expected) && notes[0].contains("128×72"), "{extension} {codec}: {}", notes[0]);
    }
    let steady =
        Clip::new(64, 48, 60).write(&folder.path().join("steady.mp4"), |frame| numbered(64, 48, frame)).unwrap();
    assert_eq!(Film::open(&steady).item.notes, [""; 0]);
}

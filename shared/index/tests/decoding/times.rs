//! Times as recordings have them: clocks that start anew, repeat or jump, beginnings between key frames, tracks of different length. No frame is
//! lost, none is in another's place, and sound stays with the pictures.
use crate::film::{Film, decoders};
use crate::joined::remake;
use framefleet_decode::audio::audio;
use framefleet_frames::Rendition;
use framefleet_testkit::{Audio, Clip, append, count_frames, cut_beginning, numbered, read_number, remux};
use std::path::{Path, PathBuf};

const SIZE: (u32, u32) = (160, 120);

fn clip(frames: u64) -> Clip {
    Clip::new(SIZE.0, SIZE.1, frames)
}

/// Frames from number `first` on.
fn write(clip: &Clip, path: &Path, first: u64) -> PathBuf {
    clip.write(path, |frame| numbered(SIZE.0, SIZE.1, first + frame)).unwrap()
}

/// Sound of a clip that is heard first at a time, seconds.
fn beep(at: f64, seconds: f64) -> Audio {
    let sample = |number: usize| {
        let time = number as f64 / 48_000.0;
        let heard = (at..at + 0.2).contains(&time);
        if heard { (0.6 * (time * 6000.0).sin()) as f32 } else { 0.0 }
    };
    Audio::Samples(48_000, (0..(seconds * 48_000.0) as usize).map(sample).collect())
}

/// The numbers of all frames, batch by batch in order, and then from fresh decoders in reverse.
fn numbers(film: &Film) -> Vec<Option<u64>> {
    let number = |shown: &crate::film::Shown| read_number(&shown.pixels, SIZE.0, SIZE.1);
    let in_order: Vec<Option<u64>> = film.all(&decoders()).iter().map(number).collect();
    let (fresh, mut reversed) = (decoders(), Vec::new());
    for batch in film.batches.iter().rev() {
        let (shown, failures) = film.batch(&fresh, batch, Rendition::Full);
        assert_eq!(failures, []);
        reversed.splice(0..0, shown.iter().map(number));
    }
    assert_eq!(in_order, reversed);
    in_order
}

/// Frames are numbered and times 40 ms apart, as many as the reference program counts.
fn check_steady(film: &Film, path: &Path, frames: u64) {
    assert_eq!(film.damage, None, "{}", path.display());
    assert_eq!(count_frames(path).unwrap(), frames, "{}", path.display());
    assert_eq!(numbers(film), (0..frames).map(Some).collect::<Vec<_>>(), "{}", path.display());
    for (frame, time) in film.pts_ns().iter().enumerate() {
        assert!((time - frame as i64 * 40_000_000).abs() <= 1_000_000, "{}: frame {frame} at {time}", path.display());
    }
}

#[test]
fn appended_recordings_go_on() {
    let folder = tempfile::tempdir().unwrap();
    for (extension, codec, b_frames) in [("ts", "libx264", 2), ("flv", "libx264", 0), ("mpg", "mpeg2video", 2)] {
        let part = |name: &str, first: u64, offset: &str| {
            let path = folder.path().join(format!("{name}.{extension}"));
            let clip =
                clip(50).codec(codec, "yuv420p").quality(4).b_frames(b_frames).arguments(["-output_ts_offset", offset]);
            write(&clip, &path, first)
        };
        // Starting anew, overlapping by half a second, and from a clock that is far ahead.
        for (case, offset) in [("anew", "0"), ("overlap", "1.5"), ("behind", "20")] {
            if extension == "flv" && case == "behind" {
                continue;
            }
            let start = if case == "behind" { "40" } else { "0" };
            let parts = [part("a", 0, start), part("b", 50, offset)];
            let path = append(&parts, &folder.path().join(format!("{case}.{extension}"))).unwrap();
            check_steady(&Film::open(&path), &path, 100);
        }
    }
}

#[test]
fn sound_of_appended_recordings_stays_with_the_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let part = |name: &str, first: u64, beep_at: f64| {
        let clip = clip(50).audio(beep(beep_at, 2.0));
        write(&clip, &folder.path().join(name), first)
    };
    // Silence, then a beep with frame 75, the 26th of the second part.
    let parts = [part("a.ts", 0, 9.0), part("b.ts", 50, 1.0)];
    let path = append(&parts, &folder.path().join("appended.ts")).unwrap();
    let film = Film::open(&path);
    assert!(film.item.stepped);
    let remade = remake(&film, folder.path());
    let frames = remade.frames();
    assert_eq!(frames.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (0..100).map(Some).collect::<Vec<_>>());
    assert!((frames[99].1 - frames[0].1 - 3.96).abs() < 0.002, "{:?}", frames[99]);
    let after = remade.sound_after(75);
    assert!(after.abs() < 0.03, "the beep is {after} s after its frame");
    // What the stages hear is in step, too.
    let heard = audio(&film.item, None, 0..4_000_000_000, 16_000).unwrap().unwrap();
    let at = heard.iter().position(|sample| sample.abs() > 0.1).unwrap() as f64 / 16_000.0;
    assert!((at - 3.0).abs() < 0.03, "{at}");
}

#[test]
fn repeated_times_lose_no_frame() {
    let folder = tempfile::tempdir().unwrap();
    let source = write(&clip(100).b_frames(0), &folder.path().join("a.mp4"), 0);
    for name in ["a.flv", "a.mkv"] {
        for repeated in [[30, 31], [5, 60]] {
            // These frames have the time of the one before.
            let [a, b] = repeated.map(|n| format!("eq(N,{n})"));
            let expression = format!("setts=pts='if({a}+{b},PREV_OUTPTS,PTS)':dts='if({a}+{b},PREV_OUTDTS,DTS)'");
            let path = remux(&source, &folder.path().join(name), &["-bsf:v", &expression]).unwrap();
            let film = Film::open(&path);
            assert_eq!(film.damage, None);
            assert_eq!(numbers(&film), (0..100).map(Some).collect::<Vec<_>>(), "{name}");
            let times = film.pts_ns();
            assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
            assert!((times[99] - 3_960_000_000).abs() <= 1_000_000, "{}", times[99]);
        }
    }
}

/// Several pictures within one tick of the container.
#[test]
fn more_frames_than_ticks() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&clip(100).rate(2000, 1).b_frames(0), &folder.path().join("a.mkv"), 0);
    let film = Film::open(&path);
    assert_eq!(numbers(&film), (0..100).map(Some).collect::<Vec<_>>());
    for (frame, time) in film.pts_ns().iter().enumerate() {
        assert!((time - frame as i64 * 500_000).abs() <= 1_000_000, "frame {frame} at {time}");
    }
    let frames = remake(&film, folder.path()).frames();
    assert_eq!(frames.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (0..100).map(Some).collect::<Vec<_>>());
}

#[test]
fn a_pause_is_kept_and_a_clock_that_was_set_is_not() {
    let folder = tempfile::tempdir().unwrap();
    for (offset, expected) in [("3602", 3602.0), ("36002", 2.0)] {
        let part = |name: &str, first: u64, offset: &str| {
            write(&clip(50).arguments(["-output_ts_offset", offset]), &folder.path().join(name), first)
        };
        let parts = [part("a.ts", 0, "0"), part("b.ts", 50, offset)];
        let path = append(&parts, &folder.path().join("c.ts")).unwrap();
        let film = Film::open(&path);
        assert_eq!(numbers(&film), (0..100).map(Some).collect::<Vec<_>>());
        let at = film.pts_ns()[50] as f64 / 1e9;
        assert!((at - expected).abs() < 0.1, "{at}, not {expected}");
    }
}

#[test]
fn a_recording_that_begins_between_key_frames_is_in_step() {
    let folder = tempfile::tempdir().unwrap();
    for (codec, b_frames) in [("libx264", 2), ("mpeg2video", 2), ("mpeg4", 0), ("libx265", 2)] {
        let clip = clip(150).codec(codec, "yuv420p").quality(8).gop(40).b_frames(b_frames).audio(beep(4.0, 6.0));
        let whole = write(&clip, &folder.path().join("whole.ts"), 0);
        let path = cut_beginning(&whole, &folder.path().join("late.ts"), 0.1).unwrap();
        let film = Film::open(&path);
        assert_eq!(film.damage, None, "{codec}");
        let found = numbers(&film);
        let first = found[0].expect("the first frame is whole");
        assert_eq!(found, (first..150).map(Some).collect::<Vec<_>>(), "{codec}");
        assert!((1..=45).contains(&first), "{codec} begins with frame {first}");
        let remade = remake(&film, folder.path());
        let after = remade.sound_after(100);
        assert!(after.abs() < 0.03, "{codec}: the beep is {after} s after its frame");
        assert!(remade.frames()[0].1 < 0.1, "the film begins where the pictures do");
    }
}

#[test]
fn whole_files_are_not_cut() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["longer.mkv", "longer.webm", "longer.mp4", "longer.mov", "longer.flv", "longer.avi", "longer.ts"] {
        let codec = if name.ends_with("webm") { "libvpx" } else { "libx264" };
        let clip = clip(50).codec(codec, "yuv420p").quality(8).b_frames(0).audio(beep(1.0, 6.0));
        let film = Film::open(&write(&clip, &at(name), 0));
        assert_eq!((film.damage, film.item.estimated_frames), (None, 50), "{name}");
    }
    for name in ["late.mkv", "late.mp4", "late.ts"] {
        let clip = clip(50).audio(beep(1.0, 2.0)).arguments(["-output_ts_offset", "100"]);
        assert_eq!(Film::open(&write(&clip, &at(name), 0)).damage, None, "{name}");
    }
    for name in ["slide.mp4", "slide.mkv", "slide.mov"] {
        assert_eq!(Film::open(&write(&clip(1).rate(1, 10), &at(name), 0)).damage, None, "{name}");
        assert_eq!(Film::open(&write(&clip(4).rate(1, 5), &at(name), 0)).damage, None, "{name}");
    }
}

#[test]
fn cut_files_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.mkv", "a.mp4", "a.avi", "a.flv"] {
        let clip = clip(100).b_frames(0).audio(beep(1.0, 4.0)).arguments(["-movflags", "+faststart"]);
        let arguments = if name == "a.mp4" { clip } else { self::clip(100).b_frames(0).audio(beep(1.0, 4.0)) };
        let whole = write(&arguments, &folder.path().join(name), 0);
        assert_eq!(Film::open(&whole).damage, None, "{name}");
        let cut = framefleet_testkit::truncate(&whole, &folder.path().join(format!("cut-{name}")), 0.6).unwrap();
        let film = Film::open(&cut);
        assert!(film.damage.as_deref().is_some_and(|damage| damage.contains("cut")), "{name}: {:?}", film.damage);
        assert!(film.item.estimated_frames > 30, "{name}");
    }
}

#[test]
fn the_last_frame_is_shown_as_long_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.gif", "a.mp4", "a.mkv"] {
        let mut clip = clip(5).durations_ms(&[100, 100, 150, 20, 5000]);
        if name == "a.gif" {
            clip = clip.codec("gif", "rgb8");
        }
        // The encoder does not say how long the last frame is shown, the repeated one before it does.
        let path = write(&clip, &folder.path().join(name), 0);
        let film = Film::open(&path);
        assert_eq!(film.damage, None, "{name}");
        let probe = framefleet_testkit::ffprobe(&path).unwrap();
        let length: f64 = probe["format"]["duration"].as_str().unwrap().parse().unwrap();
        let remade = framefleet_testkit::ffprobe(&remake(&film, folder.path()).path).unwrap();
        let found: f64 = remade["format"]["duration"].as_str().unwrap().parse().unwrap();
        assert!((found - length).abs() < 0.03, "{name}: {found} s of {length} s");
    }
}

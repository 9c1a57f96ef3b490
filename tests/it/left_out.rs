//! Nothing of a source is passed over silently: it is said at the terminal, in job.json, in the report and in a dry run.
use crate::footage::{folder, moving};
use crate::program::{framefleet, json, records, try_run, with_models};
use framefleet_testkit::{Clip, append, image_folder, numbered, remux};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[test]
fn what_is_not_read_of_a_source_is_said_everywhere() {
    let work = folder();
    let source = work.path().join("source");
    std::fs::create_dir(&source).unwrap();
    moving(&source.join("film.mp4"), 6);
    for name in ["a.heic", "b.HEIC", "notes.md", "break\n.xcf"] {
        std::fs::write(source.join(name), "?").unwrap();
    }
    let shots = image_folder(&source.join("shots"), "png", 20, |frame| numbered(64, 48, frame)).unwrap();
    std::fs::remove_file(&shots[11]).unwrap();
    let output = work.path().join("out");
    let passed = "4 files of kinds not read: 2 .heic, 1 .md, 1 .xcf";
    let film = "shots: read as a film: pictures 0 to 19 of one size; 1 missing, a failed frame each";

    let more = ["--stages", "lighting", "--dry-run"];
    let dry = try_run(&source, &output, &more);
    assert!(dry.out.contains(passed) && dry.out.contains(film), "{dry:#?}");
    let dry = try_run(&source, &output, &[&more[..], &["--json"]].concat());
    let said: Value = serde_json::from_str(dry.out.lines().last().unwrap()).unwrap();
    assert_eq!(said["dry_run"]["left_out"]["passed_over"], json!({ ".heic": 2, ".md": 1, ".xcf": 1 }));

    // The missing picture is a failed frame: done, but for that.
    let ran = try_run(&source, &output, &more[..2]);
    assert_eq!(ran.code, Some(3), "{ran:#?}");
    assert!(ran.err.contains(passed) && ran.err.contains(film), "{ran:#?}");
    let left_out = json(&output, "job.json")["results"]["left_out"].clone();
    assert_eq!(left_out["passed_over"], json!({ ".heic": 2, ".md": 1, ".xcf": 1 }));
    assert_eq!(left_out["notes"][0]["item"], "shots");
    let report = std::fs::read_to_string(output.join("report.html")).unwrap();
    assert!(report.contains(passed) && report.contains(film));
    let rows = records(&output, "lighting");
    let of_shots: Vec<&Value> = rows.iter().filter(|row| row["item"] == "shots").collect();
    assert_eq!(of_shots.len(), 20, "the gap has its line");
    let verified = framefleet(["verify".as_ref(), output.as_os_str(), "--deep".as_ref()]);
    assert_eq!(verified.code, Some(0), "{verified:#?}");
}

#[test]
fn one_bad_file_among_300_is_named_and_hundreds_are_counted() {
    let work = folder();
    let source = work.path().join("images");
    image_folder(&source, "png", 1, |frame| numbered(64, 48, frame)).unwrap();
    let good = source.join("frame_000000.png");
    for number in 0..299 {
        std::fs::copy(&good, source.join(format!("{number}x.png"))).unwrap();
    }
    std::fs::write(source.join("bad.png"), "no picture").unwrap();
    let output = work.path().join("out");
    let ran = try_run(&source, &output, &["--stages", "lighting"]);
    assert_eq!(ran.code, Some(3), "{ran:#?}");
    assert!(ran.err.contains("images/bad.png"), "{ran:#?}");
    assert_eq!(records(&output, "lighting").len(), 300);

    let films = work.path().join("films");
    std::fs::create_dir(&films).unwrap();
    (0..300).for_each(|number| std::fs::write(films.join(format!("{number}.mp4")), "no film").unwrap());
    let ran = try_run(&films, &work.path().join("none"), &[]);
    assert_eq!(ran.code, Some(64), "{}", ran.err.len());
    assert!(ran.err.contains("and 290 more"), "{ran:#?}");
}

/// Two films of one file, 12 frames of 64×48 and 8 of 96×96, the first is the default one.
fn two_films(folder: &Path) -> PathBuf {
    let clip = |name: &str, (width, height): (u32, u32), frames: u64| {
        Clip::new(width, height, frames).write(&folder.join(name), |frame| numbered(width, height, frame)).unwrap()
    };
    let (first, second) = (clip("first.mp4", (64, 48), 12), clip("second.mp4", (96, 96), 8));
    let second = second.display().to_string();
    let arguments = ["-i", &second, "-map", "1", "-disposition:v:1", "0"];
    remux(&first, &folder.join("both.mp4"), &arguments).unwrap()
}

#[test]
fn another_film_of_a_file_is_other_work_and_one_that_is_not_there_is_refused() {
    let work = folder();
    let source = two_films(work.path());
    let output = work.path().join("out");
    let frames_of = |stream: &str| {
        let stream = format!("ingest.video_stream={stream}");
        let ran = try_run(&source, &output, &["--stages", "lighting", "--set", &stream]);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        let used = if stream.ends_with('1') { "stream 1 is used" } else { "stream 0 is used" };
        assert!(ran.err.contains(used), "{ran:#?}");
        records(&output, "lighting").len()
    };
    assert_eq!(
        ["default", "1", "0"].map(frames_of),
        [12, 8, 12],
        "each is done, whatever the output holds of the others"
    );
    let refused = try_run(&source, &output, &["--stages", "lighting", "--set", "ingest.video_stream=2"]);
    assert_eq!(refused.code, Some(64), "{refused:#?}");
    assert!(refused.err.contains("no video stream 2 in it; it has: 0 (h264, 64×48), 1 (h264, 96×96)"), "{refused:#?}");
}

#[test]
fn a_sound_track_that_is_not_there_is_refused_when_the_job_is_planned() {
    for model in ["yunet-2023mar", "sface-2021dec", "face-mesh-attention", "silero-vad"] {
        framefleet_testkit_models::model(model).unwrap();
    }
    let work = folder();
    let clip = Clip::new(64, 48, 10).audio(framefleet_testkit::Audio::Tone(440.0, 0.4));
    let source = clip.arguments(["-metadata:s:a:0", "language=deu"]);
    let source = source.write(&work.path().join("film.mp4"), |frame| numbered(64, 48, frame)).unwrap();
    for (track, wanted) in [("3", "no sound track 3"), ("eng", "no sound track \"eng\"")] {
        let set = format!("sync.track={track}");
        let arguments = ["run", source.to_str().unwrap(), "--stages", "sync", "--set", &set, "--dry-run"];
        let ran = with_models(&arguments);
        assert!(matches!(ran.code, Some(64 | 78)), "{ran:#?}");
        assert!(ran.err.contains(wanted) && ran.err.contains("it has: 0 (aac, deu)"), "{ran:#?}");
    }
}

#[test]
fn sizes_that_change_and_clocks_that_start_anew_are_said_everywhere() {
    let work = folder();
    let part = |name: &str, (width, height): (u32, u32)| {
        let clip = Clip::new(width, height, 25).b_frames(0);
        clip.write(&work.path().join(name), |frame| numbered(width, height, frame)).unwrap()
    };
    let parts = [part("a.ts", (128, 72)), part("b.ts", (96, 96))];
    let source = append(&parts, &work.path().join("call.ts")).unwrap();
    let output = work.path().join("out");
    let size = "call.ts: the size of its pictures changes: 96×96 from frame 25 (";
    let clock = "call.ts: its times start anew";
    // The second time, nothing is read any more.
    for _ in 0..2 {
        let ran = try_run(&source, &output, &["--stages", "lighting"]);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        assert!(ran.err.contains(size) && ran.err.contains(clock), "{ran:#?}");
        let notes = json(&output, "job.json")["results"]["left_out"]["notes"].clone();
        assert_eq!(notes.as_array().unwrap().len(), 2, "{notes:#}");
        let report = std::fs::read_to_string(output.join("report.html")).unwrap();
        assert!(report.contains(size) && report.contains(clock));
    }
}

/// A recording on which somebody still writes.
#[test]
fn a_file_that_changes_while_it_is_read_is_named_and_the_advice_works() {
    let work = folder();
    let whole =
        Clip::new(320, 240, 250).quality(4).write(&work.path().join("whole.ts"), |n| numbered(320, 240, n)).unwrap();
    let bytes = std::fs::read(&whole).unwrap();
    let (source, output) = (work.path().join("growing.ts"), work.path().join("out"));
    let half = bytes.len() / 2 / 188 * 188;
    std::fs::write(&source, &bytes[..half]).unwrap();
    let over = std::sync::atomic::AtomicBool::new(false);
    let ran = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            use std::io::Write as _;
            let mut file = std::fs::File::options().append(true).open(&source).unwrap();
            // A packet now and then for as long as somebody reads, then the rest.
            let mut packets = bytes[half..].chunks(188);
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                match packets.len() {
                    0 | 1 => file.set_modified(std::time::SystemTime::now()).unwrap(),
                    _ => file.write_all(packets.next().unwrap()).unwrap(),
                }
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            packets.for_each(|packet| file.write_all(packet).unwrap());
        });
        let ran = try_run(&source, &output, &["--stages", "lighting"]);
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        writer.join().unwrap();
        ran
    });
    assert_eq!(ran.code, Some(3), "{ran:#?}");
    assert!(ran.err.contains("growing.ts: the file changed while it was read"), "{ran:#?}");
    let advised = try_run(&source, &output, &["--stages", "lighting", "--fresh", "--yes"]);
    assert_eq!(advised.code, Some(0), "{advised:#?}");
    assert_eq!(records(&output, "lighting").len(), 250);
}

#[test]
fn items_whose_results_could_have_no_path_are_refused_and_the_others_done() {
    let work = folder();
    let source = work.path().join("films");
    let deep = (0..14).fold(source.clone(), |folder, _| folder.join("d".repeat(240)));
    std::fs::create_dir_all(&deep).unwrap();
    moving(&source.join("a.mp4"), 3);
    std::fs::copy(source.join("a.mp4"), deep.join("b.mp4")).unwrap();
    let output = (0..3).fold(work.path().to_owned(), |folder, _| folder.join("o".repeat(220)));
    let ran = try_run(&source, &output, &["--stages", "lighting"]);
    assert_eq!(ran.code, Some(3), "{ran:#?}");
    assert!(ran.err.contains("/b.mp4: paths of what is made of it would be too long"), "{ran:#?}");
    assert_eq!(records(&output, "lighting").len(), 3);
    let near = try_run(&source, &work.path().join("o"), &["--stages", "lighting"]);
    assert_eq!(near.code, Some(0), "a shorter output is the remedy: {near:#?}");
}

//! Bad input: a clear message, the right exit code, never a panic, and nothing lost.
use crate::footage::{folder, moving};
use crate::program::{Ran, digest, framefleet, json, records, run, try_run};
use framefleet_testkit::{Picture, corrupt_jpeg, image_folder, truncate};
use std::path::Path;

/// The message names all of these.
fn says(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, Some(code), "{ran:#?}");
    for word in words {
        assert!(ran.err.contains(word) || ran.out.contains(word), "\"{word}\" is not in {ran:#?}");
    }
}

/// Lines of failures.jsonl.
fn failures(output: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(output.join("failures.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn sources_that_are_none() {
    let work = folder();
    let output = work.path().join("out");
    let missing = work.path().join("nothing.mp4");
    says(&try_run(&missing, &output, &[]), 64, &["nothing.mp4"]);
    let empty = work.path().join("empty.mp4");
    std::fs::write(&empty, b"").unwrap();
    says(&try_run(&empty, &output, &[]), 64, &["empty"]);
    let text = work.path().join("text.mp4");
    std::fs::write(&text, "this is no film\n".repeat(100)).unwrap();
    says(&try_run(&text, &output, &[]), 64, &["text.mp4"]);
    let bare = work.path().join("bare");
    std::fs::create_dir(&bare).unwrap();
    says(&try_run(&bare, &output, &[]), 64, &["bare"]);
    assert!(!output.exists(), "a run that is refused leaves nothing behind");
}

#[test]
fn a_video_cut_in_the_middle_gives_what_is_readable_and_says_the_rest() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mkv"), 200);
    let cut = truncate(&clip, &work.path().join("cut.mkv"), 0.5).unwrap();
    let output = work.path().join("out");
    says(&try_run(&cut, &output, &[]), 3, &["cut.mkv"]);
    let lines = records(&output, "motion").len();
    assert!((40..160).contains(&lines), "{lines} records of about half of 200 frames");
    assert!(failures(&output).iter().any(|failure| failure["item"] == "cut.mkv"), "{:?}", failures(&output));
    digest(&output);
}

#[test]
fn a_corrupt_image_among_others_is_the_only_failure() {
    let work = folder();
    let images = work.path().join("images");
    image_folder(&images, "jpg", 6, |frame| Picture::filled(64, 48, [40 * frame as u8, 90, 120])).unwrap();
    let names: Vec<_> = std::fs::read_dir(&images).unwrap().map(|entry| entry.unwrap().path()).collect();
    let bad = names.iter().min().unwrap();
    corrupt_jpeg(bad).unwrap();
    let output = work.path().join("out");
    let ran = try_run(&images, &output, &["--stages", "lighting", "--set", "ingest.images=sequence"]);
    says(&ran, 3, &["failed"]);
    let failed = failures(&output);
    assert_eq!(failed.len(), 1, "{failed:?}");
    let results = records(&output, "lighting").iter().filter(|record| record.get("outcome").is_none()).count();
    assert_eq!(results, 5);
}

#[test]
fn one_bad_video_among_three_leaves_the_others_whole() {
    let work = folder();
    let films = work.path().join("films");
    std::fs::create_dir(&films).unwrap();
    moving(&films.join("a.mp4"), 40);
    moving(&films.join("c.mp4"), 30);
    std::fs::write(films.join("b.mp4"), "no film").unwrap();
    let output = work.path().join("out");
    says(&try_run(&films, &output, &[]), 3, &["b.mp4"]);
    assert_eq!(records(&output, "lighting").len(), 70);
    assert!(failures(&output).iter().any(|failure| failure["item"] == "b.mp4"));
}

#[test]
fn pipelines_that_are_none() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 10);
    let output = work.path().join("out");
    let refused = |more: &[&str], words: &[&str]| says(&try_run(&clip, &output, more), 78, words);
    refused(&["--stages", "lightning"], &["lightning", "lighting", "motion"]);
    refused(&["--set", "lighting.brightness=3"], &["brightness", "analysis_side"]);
    refused(&["--set", "lihgting.grid=3"], &["lihgting", "lighting"]);
    refused(&["--set", "lighting.grid=many"], &["grid", "many"]);
    refused(&["--pipeline", "analyze"], &["analyze", "analyse"]);
    refused(&["--memory", "1KiB"], &["memory", "1.0 KiB"]);
    let pipeline = |text: &str| {
        let path = work.path().join("pipeline.toml");
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    refused(&["--pipeline", &pipeline("[steps.lighting]\nbright = 3\n")], &["bright"]);
    refused(&["--pipeline", &pipeline("[steps.motion]\nframes = \"per-shot 3\"\n")], &["motion", "shot"]);
    refused(&["--pipeline", &pipeline("[steps.lighting]\nframes = \"per-shot 3\"\n")], &["lighting", "shot", "motion"]);
    assert!(!output.exists());
}

#[test]
fn wrong_arguments_are_a_usage_error() {
    says(&framefleet(["run"]), 64, &["<SOURCE>"]);
    says(&framefleet(["dance"]), 64, &["dance"]);
    says(&framefleet(["run", "x.mp4", "--start", "soon"]), 64, &["soon"]);
    says(&framefleet(["run", "x.mp4", "--max-failures", "few"]), 64, &["few"]);
}

#[test]
fn outputs_that_cannot_be_used() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 10);
    let file = work.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    says(&try_run(&clip, &file, &[]), 1, &["file"]);
    let other = work.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("thesis.txt"), "not yours").unwrap();
    says(&try_run(&clip, &other, &[]), 1, &["other", "thesis.txt"]);
    assert_eq!(std::fs::read_dir(&other).unwrap().count(), 1, "nothing of someone else's is touched");
    let output = work.path().join("out");
    run(&clip, &output, &[]);
    let before = digest(&output);
    moving(&clip, 20);
    says(&try_run(&clip, &output, &[]), 1, &["clip.mp4", "--fresh"]);
    let proof = framefleet(["verify", "--deep", output.to_str().unwrap()]);
    says(&proof, 1, &["clip.mp4: its pictures are not those"]);
    moving(&clip, 10);
    assert_eq!(digest(&output), before);
    moving(&clip, 20);
    says(&try_run(&clip, &output, &["--fresh"]), 64, &["--yes"]);
    run(&clip, &output, &["--fresh", "--yes"]);
    assert_eq!(records(&output, "lighting").len(), 20);
    assert_eq!(json(&output, "job.json")["results"]["outcome"], "done");
}

#[test]
fn a_damaged_output_is_found_out() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 40);
    let output = work.path().join("out");
    run(&clip, &output, &[]);
    let path = output.join("records/lighting.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"frame\":7", "\"frame\":8", 1)).unwrap();
    let ran = framefleet(["verify", "--deep", output.to_str().unwrap()]);
    says(&ran, 1, &["problem", "lighting"]);
    says(&framefleet(["verify", work.path().join("none").to_str().unwrap()]), 1, &["none"]);
}

#[test]
fn a_path_that_is_no_utf8_is_printed_once_as_it_can_be_read() {
    use std::os::unix::ffi::OsStrExt as _;
    let work = folder();
    let films = work.path().join("films");
    std::fs::create_dir(&films).unwrap();
    let clip = moving(&films.join("good.mp4"), 10);
    std::fs::copy(&clip, films.join(std::ffi::OsStr::from_bytes(b"caf\xE9.mp4"))).unwrap();
    let ran = try_run(&films, &work.path().join("out"), &[]);
    says(&ran, 3, &["caf\\xE9.mp4", "not valid UTF-8"]);
    assert_eq!(ran.err.matches("caf").count(), 1, "{}", ran.err);
}

#[test]
fn the_report_says_how_exactly_the_failed_frames_are_tried_again() {
    let work = folder();
    let images = work.path().join("images");
    image_folder(&images, "jpg", 3, |frame| Picture::filled(64, 48, [40 * frame as u8, 90, 120])).unwrap();
    let mut names: Vec<_> = std::fs::read_dir(&images).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    corrupt_jpeg(&names[0]).unwrap();
    let output = work.path().join("out");
    assert_eq!(try_run(&images, &output, &["--stages", "lighting"]).code, Some(3));
    let replay = failures(&output)[0]["replay"].as_str().unwrap().to_owned();
    assert_eq!(replay, format!("framefleet failures replay {}", output.display()));
    let report = std::fs::read_to_string(output.join("report.html")).unwrap();
    assert!(report.contains(&replay), "the report has the command");
    // It does them, and nothing else, with the pipeline and into the output of the job; they fail as before.
    let again = framefleet(replay.split(' ').skip(1));
    assert_eq!(again.code, Some(3), "{again:#?}");
    let report = std::fs::read_to_string(output.join("report.html")).unwrap();
    assert!(report.contains(&replay), "and so it says again");
    assert_eq!(json(&output, "job.json")["plan"]["steps"].as_array().unwrap().len(), 1);
}

//! What the verbs do, by the program itself.
use crate::footage::{folder, moving};
use crate::program::{command, digest, framefleet, json, records, run, verify, worked};
use framefleet_testkit::sample;
use std::path::Path;

#[test]
fn a_run_leaves_records_summaries_report_and_job() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 50);
    let output = work.path().join("out");
    let ran = run(&clip, &output, &["--set", "motion.flow_pictures_every=10"]);
    assert!(ran.out.contains("efficiency") && ran.out.contains("report.html"), "{}", ran.out);
    for step in ["lighting", "motion"] {
        let rows = records(&output, step);
        assert_eq!(rows.len(), 50);
        for (frame, row) in rows.iter().enumerate() {
            assert_eq!((row["schema"].as_u64(), row["item"].as_str()), (Some(1), Some("clip.mp4")));
            assert_eq!(
                (row["frame"].as_u64(), row["pts_ns"].as_u64()),
                (Some(frame as u64), Some(frame as u64 * 40_000_000))
            );
            assert_eq!(row[step].as_array().unwrap().len(), 1);
        }
        assert!(output.join(format!("records/{step}.parquet")).exists());
        assert_eq!(json(&output, &format!("summary/{step}.json"))["step"], step);
    }
    assert!(!json(&output, "summary/motion.json")["shot"].as_array().unwrap().is_empty());
    let pictures = std::fs::read_dir(output.join("artifacts/motion/clip")).unwrap().count();
    assert!(pictures >= 4, "{pictures} flow pictures");
    let report = std::fs::read_to_string(output.join("report.html")).unwrap();
    assert!(report.contains("clip.mp4") && report.len() < 25 << 20);
    let job = json(&output, "job.json");
    assert_eq!(job["results"]["outcome"], "done");
    assert_eq!(job["plan"]["steps"].as_array().unwrap().len(), 2);
    assert_eq!(job["fields"]["lighting"][0]["label"], "Exposure");
    assert!(report.contains("Exposure") && report.contains("Character of motion"));
    assert_eq!(verify(&output)["problem_count"], 0);
}

#[test]
fn threads_and_batches_of_work_do_not_change_the_digest() {
    let work = folder();
    let clip = sample("bikes.mp4").unwrap();
    let one = work.path().join("one");
    let many = work.path().join("many");
    run(&clip, &one, &["--threads", "1"]);
    run(&clip, &many, &["--threads", "5", "--memory", "64MiB"]);
    assert_eq!(digest(&one), digest(&many));
    assert_eq!(json(&one, "job.json")["results"]["timings"]["threads"], 1, "--threads is obeyed");
}

#[test]
fn frames_and_end_choose_what_is_done() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 60);
    let output = work.path().join("out");
    run(&clip, &output, &["--set", "lighting.frames=every 7", "--start", "10", "--end", "1.6s"]);
    let frames = |step| records(&output, step).iter().map(|row| row["frame"].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(frames("lighting"), [14, 21, 28, 35]);
    assert_eq!(frames("motion"), (10..40).collect::<Vec<_>>());
}

#[test]
fn a_changed_setting_and_a_grown_folder_redo_only_what_they_must() {
    let work = folder();
    let films = work.path().join("films");
    std::fs::create_dir(&films).unwrap();
    moving(&films.join("a.mp4"), 60);
    let output = work.path().join("out");
    run(&films, &output, &[]);
    run(&films, &output, &["--set", "lighting.grid=6"]);
    assert_eq!((worked(&output, "lighting"), worked(&output, "motion")), (60, 0));
    moving(&films.join("b.mp4"), 45);
    run(&films, &output, &["--set", "lighting.grid=6"]);
    assert_eq!((worked(&output, "lighting"), worked(&output, "motion")), (45, 45));
    assert_eq!(records(&output, "motion").len(), 105);
    run(&films, &output, &["--set", "lighting.grid=6"]);
    assert_eq!((worked(&output, "ingest"), worked(&output, "motion")), (0, 0), "nothing is left to do");
    let fresh = work.path().join("fresh");
    run(&films, &fresh, &["--set", "lighting.grid=6"]);
    assert_eq!(digest(&output), digest(&fresh));
    let history = json(&output, "job.json")["history"].as_array().unwrap().len();
    assert_eq!(history, 4);
}

#[test]
fn steps_can_be_added_to_an_output() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 40);
    let output = work.path().join("out");
    run(&clip, &output, &["--stages", "lighting"]);
    run(&clip, &output, &["--stages", "motion"]);
    assert_eq!((records(&output, "lighting").len(), records(&output, "motion").len()), (40, 40));
    verify(&output);
}

#[test]
fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 64);
    let output = work.path().join("out");
    let ran = run(&clip, &output, &["--dry-run", "--set", "lighting.frames=every 8", "--json"]);
    let steps = serde_json::from_str::<serde_json::Value>(&ran.out).unwrap()["dry_run"]["steps"].clone();
    let of = |steps: &serde_json::Value, name: &str| {
        let step = steps.as_array().unwrap().iter().find(|step| step["step"] == name).unwrap().clone();
        ["to_do", "reused", "skipped"].map(|field| step[field].as_u64().unwrap())
    };
    assert_eq!((of(&steps, "lighting"), of(&steps, "motion")), ([8, 0, 56], [64, 0, 0]));
    assert!(!output.exists());
    run(&clip, &output, &["--stages", "motion"]);
    let before = digest(&output);
    let ran = run(&clip, &output, &["--dry-run", "--json"]);
    let steps = serde_json::from_str::<serde_json::Value>(&ran.out).unwrap()["dry_run"]["steps"].clone();
    assert_eq!((of(&steps, "lighting"), of(&steps, "motion")), ([64, 0, 0], [0, 64, 0]));
    assert_eq!(digest(&output), before);
}

#[test]
fn a_preview_draws_a_report_and_counts_later() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 320);
    let output = work.path().join("out");
    let ran = run(&clip, &output, &["--preview", "2"]);
    assert!(ran.out.contains("frames/s"), "{}", ran.out);
    assert!(output.join("report.html").exists());
    run(&clip, &output, &[]);
    assert_eq!(worked(&output, "lighting"), 320 - 64);
    assert_eq!(records(&output, "lighting").len(), 320);
}

/// Frames of a report's contact sheet.
fn pictures(output: &Path) -> Vec<u64> {
    let report = std::fs::read_to_string(output.join("report.html")).unwrap();
    let sheet = report.split_once("\"thumbnails\":[").unwrap().1.split(']').next().unwrap();
    let number = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap();
    sheet.split("\"frame\":").skip(1).map(number).collect()
}

#[test]
fn a_widely_sampled_film_has_all_pictures_in_its_report() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 320);
    let [dense, sampled] = ["dense", "sampled"].map(|name| work.path().join(name));
    run(&clip, &dense, &["--stages", "lighting"]);
    // Most batches are decoded for the report alone.
    run(&clip, &sampled, &["--stages", "lighting", "--set", "lighting.frames=every 150"]);
    assert_eq!(records(&sampled, "lighting").len(), 3);
    assert!(pictures(&dense).len() > 10);
    assert_eq!(pictures(&sampled), pictures(&dense));
}

#[test]
fn stages_and_pipelines_describe_themselves() {
    let list = framefleet(["stages"]);
    for stage in ["ingest", "assemble", "lighting", "motion"] {
        assert!(list.out.contains(stage), "{}", list.out);
    }
    let lighting = framefleet(["stages", "show", "lighting"]);
    assert!(lighting.out.contains("analysis_side = 256") && lighting.out.contains("profile fast"), "{}", lighting.out);
    let ingest = framefleet(["stages", "show", "ingest"]);
    assert!(ingest.out.contains("deinterlace"), "{}", ingest.out);
    let pipelines = framefleet(["pipelines"]);
    assert!(pipelines.out.contains("analyse"));
    let printed = framefleet(["pipelines", "analyse"]);
    let work = folder();
    let file = work.path().join("mine.toml");
    std::fs::write(&file, printed.out).unwrap();
    let valid = framefleet(["validate", file.to_str().unwrap()]);
    assert_eq!(valid.code, Some(0), "{valid:#?}");
    assert!(framefleet(["completions", "bash"]).out.contains("framefleet"));
}

#[test]
fn json_progress_is_json() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 40);
    let ran = run(&clip, &work.path().join("out"), &["--json"]);
    let events: Vec<serde_json::Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.last().unwrap()["event"], "result");
    assert_eq!(events.last().unwrap()["result"]["exit"], 0);
}

#[test]
fn the_server_comes_from_a_file_or_the_environment_and_needs_neither() {
    let home = folder();
    let asked = |server: Option<&str>| {
        let mut command = command(["status"]);
        command.current_dir(home.path()).env("HOME", home.path());
        command.env_remove("XDG_CONFIG_HOME").env_remove("FRAMEFLEET_SERVER");
        command.envs(server.map(|server| ("FRAMEFLEET_SERVER", server)));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    // Nobody listens to these ports, as only the system's own programs may.
    let (code, message) = asked(Some("http://127.0.0.1:1"));
    assert!(code == Some(75) && message.contains("http://127.0.0.1:1:"), "{message}");
    std::fs::write(home.path().join("framefleet.toml"), "server = \"http://127.0.0.1:2\"").unwrap();
    let (code, message) = asked(None);
    assert!(code == Some(75) && message.contains("http://127.0.0.1:2:"), "{message}");
    assert!(asked(Some("http://127.0.0.1:3")).1.contains("http://127.0.0.1:3:"));
}

/// Runs the program with standard output that nobody reads, and standard error that nobody reads either if `both`.
fn unread(arguments: &[&str], both: bool) -> std::process::Output {
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    let mut command = command(arguments);
    command.stdout(closed());
    if both {
        command.stderr(closed());
    }
    command.spawn().unwrap().wait_with_output().unwrap()
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let verbs: [&[&str]; 6] = [
        &["models", "list"],
        &["stages", "show", "lighting"],
        &["pipelines"],
        &["pipelines", "analyse"],
        &["completions", "bash"],
        &["--help"],
    ];
    for arguments in verbs {
        let ended = unread(arguments, false);
        assert!(ended.status.success() && ended.stderr.is_empty(), "{arguments:?}: {ended:?}");
    }
}

#[test]
fn a_job_that_nobody_reads_of_is_done_all_the_same() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 40);
    let (heard, unheard) = (work.path().join("heard"), work.path().join("unheard"));
    run(&clip, &heard, &[]);
    for json in [&[][..], &["--json"]] {
        let arguments = ["run", clip.to_str().unwrap(), "--output", unheard.to_str().unwrap(), "--log", "debug"];
        let ended = unread(&[&arguments[..], json].concat(), true);
        assert!(ended.status.success(), "{ended:?}");
    }
    assert_eq!(digest(&heard), digest(&unheard));
    assert!(unheard.join("report.html").exists());
    assert!(unread(&["verify", unheard.to_str().unwrap()], false).status.success());
}

#[test]
fn a_setting_that_is_refused_is_named_once() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 10);
    let ran = crate::program::try_run(&clip, &work.path().join("out"), &["--set", "lighting.grid=0"]);
    assert_eq!(ran.code, Some(78), "{ran:#?}");
    assert_eq!(ran.err.matches("grid").count(), 1, "{}", ran.err);
    assert!(ran.err.contains("stage lighting: grid must be"), "{}", ran.err);
}

/// A job with `--end`, sampling, and items that are added: what the program says counts the frames that it does.
#[test]
fn what_a_run_says_counts_the_frames_that_it_does() {
    let work = folder();
    let films = work.path().join("films");
    std::fs::create_dir(&films).unwrap();
    moving(&films.join("b.mp4"), 200);
    let output = work.path().join("out");
    let step = |more: &[&str]| {
        let ran = run(&films, &output, &[&["--json", "--set", "lighting.frames=every 10"], more].concat());
        let last: serde_json::Value = serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
        let progress = last["result"]["progress"].clone();
        let steps = progress["steps"].as_array().unwrap().clone();
        let of = move |name: &str| {
            let step = steps.iter().find(|step| step["step"] == name).unwrap();
            ["frames", "reused", "done", "left"].map(|field| step[field].as_u64().unwrap())
        };
        (progress["frames"].as_u64().unwrap(), of("lighting"), of("motion"), of("ingest"))
    };
    assert_eq!(step(&["--end", "4s"]), (100, [10, 0, 10, 0], [100, 0, 100, 0], [100, 0, 100, 0]));
    let report = std::fs::read_to_string(output.join("report.html")).unwrap();
    assert!(report.contains("\"frames\":100"), "the report counts them as well");
    // Whole batches of the first run count, its last one is done anew.
    let (frames, lighting, motion, _) = step(&[]);
    assert_eq!((frames, lighting[0], motion[0], motion[3]), (200, 20, 200, 0));
    assert!(motion[1] >= 64 && motion[1] + motion[2] == 200, "{motion:?}");
    moving(&films.join("a.mp4"), 60);
    let (frames, lighting, motion, ingest) = step(&[]);
    assert_eq!((frames, lighting, motion), (260, [26, 20, 6, 0], [260, 200, 60, 0]));
    assert_eq!(ingest, [60, 0, 60, 0], "what was done is not decoded again");
}

#[test]
fn a_verb_loads_no_library_that_few_jobs_need() {
    let ldd = std::process::Command::new("ldd").arg(env!("CARGO_BIN_EXE_framefleet")).output().unwrap();
    let libraries = String::from_utf8(ldd.stdout).unwrap();
    assert!(libraries.contains("libavformat") && libraries.contains("libopencv_core"), "{libraries}");
    for of in ["libavfilter", "libavdevice", "libopencv_imgcodecs", "libopencv_videoio", "libgdal"] {
        assert!(!libraries.contains(of), "{of} is loaded before the first line: {libraries}");
    }
}

//! What the verbs do, by the program itself.
use crate::footage::{folder, moving};
use crate::program::{command, digest, framefleet, json, records, run, verify, worked};
use framefleet_testkit::sample;

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
    assert_eq!(json(&one, "job.json")["results"]["timings"]["threads"], 1, "--threads acts");
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

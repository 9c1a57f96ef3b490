//! `framefleet bench`, and what jobs say holds them up.
use crate::footage::{folder, moving};
use crate::processes::process::with_test_stages;
use crate::program::{Ran, framefleet, json, records};
use crate::step_models::Bench as Workbench;
use framefleet_testkit::{Clip, Picture};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a bench that must go through; its document.
fn bench(output: &Path, arguments: &[&str]) -> Value {
    let fixed = ["bench", "--output", output.to_str().unwrap()];
    let ran = framefleet([&fixed[..], arguments].concat());
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    json(output, "bench.json")
}

/// Compares two documents: exit code, and what is said.
fn compare(folder: &Path, before: &Value, after: &Value, more: &[&str]) -> Ran {
    let write = |name: &str, document: &Value| {
        let path = folder.join(name);
        std::fs::write(&path, document.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (before, after) = (write("a.json", before), write("b.json", after));
    framefleet([&["bench", "--compare", &before, &after], more].concat())
}

#[test]
fn a_smoke_bench_leaves_its_files_and_compares() {
    let folder = folder();
    let output = folder.path().join("out");
    let arguments =
        ["synthetic", "--stages", "lighting", "--sizes", "192x108,320x180", "--frames", "12", "--runs", "2"];
    let document = bench(&output, &arguments);
    let rows = document["rows"].as_array().unwrap();
    let sizes: Vec<&Value> = rows.iter().map(|row| &row["frame_size"]).collect();
    assert_eq!(sizes, [&serde_json::json!([192, 108]), &serde_json::json!([320, 180])]);
    for row in rows {
        let figures = &row["figures"];
        assert!(row["not_run"].is_null() && figures["frames"] == 12, "{row:#}");
        assert!(figures["frames_per_second"].as_f64() > Some(0.0) && figures["runs"].as_array().unwrap().len() == 2);
        assert!(figures["compute_frames_per_second"].as_f64() > figures["frames_per_second"].as_f64(), "{row:#}");
        assert!(figures["memory_peak"].as_u64() > Some(16 << 20), "{row:#}");
        assert!(
            figures["utilisation"]["samples"].as_u64() >= Some(1)
                && figures["utilisation"]["cores"].as_u64() >= Some(1)
        );
        let steps: Vec<&str> =
            figures["steps"].as_array().unwrap().iter().map(|of| of["step"].as_str().unwrap()).collect();
        assert_eq!(steps, ["lighting", "ingest"]);
        for step in figures["steps"].as_array().unwrap() {
            let at = |key: &str| step["latency"]["task"][key].as_f64().unwrap();
            let order = ["min", "p50", "p95", "p99", "max"].map(at);
            assert!(order[0] > 0.0 && order.is_sorted(), "{order:?}");
        }
    }
    assert!(document["recommendation"].as_str().unwrap().contains("What limits it: "), "{document:#}");
    let table = std::fs::read_to_string(output.join("bench.csv")).unwrap();
    assert!(table.lines().count() == 3 && table.starts_with("size,width,height,batch,"), "{table}");
    let page = std::fs::read_to_string(output.join("bench.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("320x180"), "{page}");
    assert!(!["http:", "https:", "src=", "@import", "url("].iter().any(|outside| page.contains(outside)), "{page}");

    let same = compare(folder.path(), &document, &document, &["--bound", "0%"]);
    assert_eq!(same.code, Some(0), "{same:#?}");
    let mut slower = document.clone();
    let speed = slower["rows"][1]["figures"]["frames_per_second"].as_f64().unwrap();
    slower["rows"][1]["figures"]["frames_per_second"] = (speed / 2.0).into();
    let worse = compare(folder.path(), &document, &slower, &[]);
    assert!(
        worse.code == Some(1) && worse.out.contains("320x180") && worse.out.contains("beyond the bound"),
        "{worse:#?}"
    );
    assert_eq!(compare(folder.path(), &document, &slower, &["--bound", "60%"]).code, Some(0));
    let mut fewer = document.clone();
    fewer["rows"].as_array_mut().unwrap().pop();
    let lost = compare(folder.path(), &document, &fewer, &[]);
    assert!(lost.code == Some(1) && lost.out.contains("the second does not have it"), "{lost:#?}");
    let gained = compare(folder.path(), &fewer, &document, &[]);
    assert!(gained.code == Some(0) && gained.out.contains("only the second measured it"), "{gained:#?}");
}

#[test]
fn what_cannot_run_is_a_row_that_says_so_and_no_figure() {
    let workbench = Workbench::new();
    let clip = workbench.path("clip.mp4");
    let output = workbench.path("bench");
    let plan = workbench.path("plan.toml");
    let bench = |more: &[&str]| {
        let fixed =
            ["bench", clip.to_str().unwrap(), "--stages", "classify", "--runs", "1", "-o", output.to_str().unwrap()];
        workbench.ran(&[&fixed[..], more].concat())
    };
    let matrix = ["--batches", "1,4", "--precision", "fp32,fp16", "--backends", "cpu,cuda"];
    let save = ["--save-config", plan.to_str().unwrap(), "--target-fps", "0.01"];
    // On CUDA nothing runs on every size: those settings are no candidates.
    let ran = bench(&[&matrix[..], &save].concat());
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let document = json(&output, "bench.json");
    let rows = document["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 8);
    for row in rows {
        let measured = row["backend"] == "cpu" && row["precision"] == "fp32";
        assert_eq!(row["figures"].is_null(), !measured, "{row:#}");
        assert_eq!(row["not_run"].is_null(), measured, "{row:#}");
        match measured {
            true => assert_eq!(row["figures"]["models"][0]["micro_batch"], row["batch"], "{row:#}"),
            false => {
                let reason = row["not_run"].as_str().unwrap();
                let about = if row["backend"] == "cuda" { "cuda" } else { "fp16" };
                assert!(reason.contains(about), "{reason}");
            }
        }
    }

    let text = std::fs::read_to_string(&plan).unwrap();
    assert!(text.contains("micro_batch = ") && text.contains("# framefleet run --pipeline"), "{text}");
    let (plan, again) = (plan.to_str().unwrap(), workbench.path("again"));
    let ran = workbench.ran(&["run", clip.to_str().unwrap(), "--pipeline", plan, "--output", again.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_eq!(records(&again, "classify").len(), 40);

    let never = bench(&["--frames", "8", "--save-config", plan, "--target-fps", "1e9"]);
    assert_eq!(never.code, Some(1), "{never:#?}");
    assert!(never.err.contains("no settings reach 1000000000 frames per second; the fastest are"), "{}", never.err);

    let fixed = bench(&["--frames", "8", "--batches", "1,4", "--set", "classify.model=fixed"]);
    assert_eq!(fixed.code, Some(0), "{fixed:#?}");
    let rows = json(&output, "bench.json")["rows"].clone();
    assert!(rows[0]["not_run"].is_null(), "{rows:#}");
    let reason = "no model took batches of 4: fixed ran batches of 1";
    assert_eq!(rows[1]["not_run"], reason, "the figures would be those of batch 1: {rows:#}");
}

#[test]
fn batches_without_models_and_sources_without_footage_are_refused() {
    let folder = folder();
    let output = folder.path().join("out");
    let output = output.to_str().unwrap();
    let ran =
        framefleet(["bench", "synthetic", "--stages", "lighting", "--batches", "8", "--frames", "4", "-o", output]);
    assert_eq!(ran.code, Some(1), "nothing was measured: {ran:#?}");
    assert!(ran.err.contains("did not run") && ran.err.contains("micro_batch"), "{}", ran.err);
    let missing = framefleet(["bench", "/nowhere/film.mp4", "--stages", "lighting", "-o", output]);
    assert!(missing.code == Some(64) && missing.err.contains("/nowhere/film.mp4"), "{missing:#?}");
    let wrong = framefleet(["bench", "synthetic", "--stages", "nothing-like-it", "-o", output]);
    assert_eq!(wrong.code, Some(78), "{wrong:#?}");
}

/// What a job with stages of the tests says holds it up, the most pressing first.
fn findings(source: &Path, output: &Path, more: &[&str]) -> Vec<Value> {
    let mut command = Command::new(with_test_stages());
    command.args(["run".as_ref(), source.as_os_str(), "--output".as_ref(), output.as_os_str()]).args(more);
    let ran = command.stdin(Stdio::null()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    json(output, "job.json")["results"]["timings"]["findings"].as_array().unwrap().clone()
}

/// The finding that names a step.
fn of_step<'a>(findings: &'a [Value], step: &str) -> &'a Value {
    findings.iter().find(|of| of["step"] == step).unwrap_or_else(|| panic!("{step} is not named: {findings:#?}"))
}

#[test]
fn jobs_that_are_bound_by_one_thing_say_which() {
    let folder = folder();
    let clip = moving(&folder.path().join("clip.mp4"), 48);
    let at = |name: &str| folder.path().join(name);
    let computes = findings(&clip, &at("spin"), &["--stages", "spin", "--set", "spin.milliseconds=20"]);
    assert_eq!(of_step(&computes, "spin")["limit"], "compute", "{computes:#?}");
    let waits =
        findings(&clip, &at("sleep"), &["--stages", "sleep", "--set", "sleep.milliseconds=60", "--threads", "1"]);
    let finding = of_step(&waits, "sleep");
    assert_eq!(
        (&finding["limit"], &finding["remedy"]["setting"]),
        (&"waiting".into(), &"--threads".into()),
        "{waits:#?}"
    );

    // Noise is hard to decode, and the one step looks at next to nothing.
    let hard = at("hard.mp4");
    let noise =
        |x: u32, y: u32, frame: u64| (x * 7919 + y * 104_729 + frame as u32 * 1_299_709).wrapping_mul(2_654_435_761);
    let paint =
        |frame: u64| Picture::from_fn(640, 352, |x, y| noise(x, y, frame).to_be_bytes()[..3].try_into().unwrap());
    Clip::new(640, 352, 64).quality(4).write(&hard, paint).unwrap();
    let decodes = findings(&hard, &at("decode"), &["--stages", "spin", "--set", "spin.milliseconds=0.01"]);
    assert_eq!(of_step(&decodes, "ingest")["limit"], "decode", "{decodes:#?}");

    let job = json(&at("decode"), "job.json");
    let timings = &job["results"]["timings"];
    assert!(timings["machines"]["samples"].as_u64() >= Some(1), "{timings:#}");
    let ingest = timings["steps"].as_array().unwrap().iter().find(|of| of["step"] == "ingest").unwrap();
    assert!(
        ingest["cpu_seconds"].as_f64() > Some(0.0) && ingest["peak_memory"].as_u64() > Some(16 << 20),
        "{ingest:#}"
    );
    assert!(ingest["latency"]["task"]["p95"].as_f64() >= ingest["latency"]["task"]["p50"].as_f64(), "{ingest:#}");
    let report = std::fs::read_to_string(at("decode").join("report.html")).unwrap();
    let text = of_step(&decodes, "ingest")["text"].as_str().unwrap();
    assert!(report.contains(text), "the report says the same: {text}");
}

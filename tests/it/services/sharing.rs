//! Jobs share the fleet.
use super::{Fleet, results};
use crate::footage::{folder, moving};
use crate::program::json;
use std::time::{Duration, Instant};

/// A stage that is waited for.
fn sleeping(work: &std::path::Path, milliseconds: f64) -> String {
    let path = work.join(format!("sleep-{milliseconds}.toml"));
    std::fs::write(&path, format!("[steps.sleep]\nsettings = {{ milliseconds = {milliseconds:.1} }}\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_short_job_starts_at_once_beside_a_long_one() {
    let work = folder();
    let clip = moving(&work.path().join("long.mp4"), 3000);
    let short_clip = moving(&work.path().join("short.mp4"), 64);
    let pipeline = sleeping(work.path(), 20.0);
    let fleet = Fleet::start(2);
    let long = fleet.submit(&clip, &work.path().join("long"), &["--pipeline", &pipeline]);
    fleet.wait_frames(&long, "sleep", 128);
    let began = Instant::now();
    let short = fleet.submit(&short_clip, &work.path().join("short"), &["--pipeline", &pipeline]);
    fleet.wait_frames(&short, "sleep", 1);
    let first = began.elapsed();
    fleet.wait_done(&short);
    // The goal is 5 s on an idle machine; here it shows that the long job is not waited for, which takes a minute at least.
    assert!(first < Duration::from_secs(20), "the first result took {first:?}");
    assert!(results(&fleet.job(&long), "sleep") < 3000);
    assert_eq!(fleet.call("cancel", &[&long]).code, Some(0));
    fleet.wait(&long);
}

#[test]
fn a_job_waits_for_a_stage_that_nobody_serves_and_says_so() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 64);
    let mut fleet = Fleet::bus_only();
    fleet.start_orchestrator();
    fleet.start_worker(&["--stage", "ingest,lighting"]);
    let job = fleet.submit(&clip, &work.path().join("output"), &["--stages", "lighting,motion"]);
    let reported = fleet.wait_until(&job, "a word of what is missing", |job| {
        job["message"].as_str().is_some_and(|message| message.contains("motion"))
    });
    assert!(reported["message"].as_str().unwrap().contains("start one"), "{reported:#}");
    // Pinned to a GPU, it is the same process with an environment that says so.
    fleet.start_worker(&["--stage", "motion", "--gpu", "0"]);
    fleet.wait_done(&job);
    let environment = std::fs::read(format!("/proc/{}/environ", fleet.workers[1].id())).unwrap();
    let variables: Vec<&[u8]> = environment.split(|byte| *byte == 0).collect();
    assert!(
        variables.contains(&b"CUDA_VISIBLE_DEVICES=0".as_slice())
            && variables.contains(&b"CUDA_DEVICE_ORDER=PCI_BUS_ID".as_slice())
    );
}

#[test]
fn top_shows_jobs_stages_workers_and_queues() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 400);
    let pipeline = sleeping(work.path(), 20.0);
    let fleet = Fleet::start(1);
    let job = fleet.submit(&clip, &work.path().join("output"), &["--pipeline", &pipeline]);
    fleet.wait_frames(&job, "sleep", 32);
    let top: serde_json::Value = serde_json::from_str(&fleet.call("top", &[]).out).unwrap();
    let top = &top["top"];
    assert_eq!(top["jobs"][0]["name"], job.as_str());
    let stages = top["stages"].as_array().unwrap();
    assert!(stages.iter().any(|stage| stage["name"] == "motion" && stage["slots"] == 2), "{stages:?}");
    assert_eq!(top["workers"][0]["name"], "w0");
    let load = &top["workers"][0]["load"];
    assert!(load["cores"].as_u64() >= Some(1) && load["memory"].as_u64() > Some(1 << 20), "{load}");
    let held_up = top["bottlenecks"][&job].as_array().unwrap();
    assert!(held_up.iter().any(|of| of["step"] == "sleep" && of["limit"] == "waiting"), "{held_up:#?}");
    let queue = top["queues"].as_array().unwrap().iter().find(|queue| queue["stage"] == "sleep").unwrap();
    assert!(queue["leased"].as_u64().unwrap() + queue["waiting"].as_u64().unwrap() > 0, "{queue}");
    // The worker's own figures.
    let address = top["workers"][0]["metrics"].as_str().unwrap();
    let metrics = get(address, "/metrics");
    for metric in [
        "ff_tasks_total",
        "ff_frames_total",
        "ff_task_seconds_bucket",
        "ff_queue_seconds_bucket",
        "ff_in_flight",
        "ff_stage_seconds_total",
        "ff_process_cpu_cores",
        "ff_process_memory_bytes",
    ] {
        assert!(metrics.contains(metric), "{metric} is not in\n{metrics}");
    }
    assert!(metrics.contains(r#"project="default""#), "{metrics}");
    assert!(get(address, "/readyz").contains("200 OK"));
    assert_eq!(fleet.call("cancel", &[&job]).code, Some(0));
    fleet.wait(&job);
    // Its report says the same of the workers.
    let timings = json(&work.path().join("output"), "job.json")["results"]["timings"].clone();
    assert!(timings["machines"]["samples"].as_u64() >= Some(1), "{timings:#}");
    let steps = timings["steps"].as_array().unwrap();
    let sleep = steps.iter().find(|step| step["step"] == "sleep").unwrap();
    assert!(sleep["peak_memory"].as_u64() > Some(1 << 20) && sleep["waits"]["queue"].as_f64() > Some(0.0), "{sleep:#}");
    assert!(sleep["latency"]["task"]["p50"].as_f64() > Some(0.0), "{sleep:#}");
}

/// What a server says of a path.
fn get(address: &str, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

//! Storage and model that fail.
use super::{Fleet, JobStatus, status};
use crate::footage::{folder, moving};
use crate::program::digest;
use framefleet_testkit::FaultProxy;
use std::time::Duration;

/// A job over a bus behind a proxy, which is disturbed when a quarter of it is done.
fn through_a_proxy(disturb: impl FnOnce(&FaultProxy)) {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 480);
    let pipeline = work.path().join("sleep.toml");
    std::fs::write(&pipeline, "[steps.lighting]\n[steps.sleep]\nsettings = { milliseconds = 10 }\n").unwrap();
    let mut fleet = Fleet::bus_only();
    let proxy = FaultProxy::start(fleet.nats.port()).unwrap();
    fleet.bus = format!("nats://127.0.0.1:{}", proxy.port());
    fleet.start_orchestrator();
    fleet.start_worker(&[]);
    fleet.start_worker(&[]);
    let output = work.path().join("output");
    let arguments = ["--pipeline", pipeline.to_str().unwrap()];
    let job = fleet.submit(&clip, &output, &arguments);
    fleet.wait_frames(&job, "sleep", 120);
    disturb(&proxy);
    proxy.heal();
    fleet.wait_done(&job);
    let again = work.path().join("again");
    fleet.wait_done(&fleet.submit(&clip, &again, &arguments));
    assert_eq!(digest(&output), digest(&again));
}

#[test]
fn a_slow_bus() {
    through_a_proxy(|proxy| {
        proxy.delay(Duration::from_millis(400));
        std::thread::sleep(Duration::from_secs(5));
    });
}

#[test]
fn a_bus_that_is_cut_off() {
    through_a_proxy(|proxy| {
        proxy.cut();
        std::thread::sleep(Duration::from_secs(6));
    });
}

#[test]
fn a_bus_that_takes_everything_and_answers_nothing() {
    through_a_proxy(|proxy| {
        proxy.half_open();
        std::thread::sleep(Duration::from_secs(8));
    });
}

#[test]
fn a_full_folder_of_frames_stops_the_job_and_loses_nothing() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 320);
    let mut fleet = Fleet::bus_only();
    // The orchestrator plans with more than the folder takes.
    fleet.arguments = vec!["--blob-capacity".to_owned(), "1MiB".to_owned()];
    fleet.start_worker(&[]);
    fleet.arguments = vec!["--blob-capacity".to_owned(), "1GiB".to_owned()];
    fleet.start_orchestrator();
    let output = work.path().join("output");
    let job = fleet.submit(&clip, &output, &["--stages", "lighting"]);
    let ended = fleet.wait(&job);
    assert_eq!(status(&ended), JobStatus::Failed, "{ended:#}\n{}", fleet.logs());
    assert!(ended["message"].as_str().unwrap().contains("no room"), "{ended:#}");
    // With room it goes on, and every frame has its result.
    fleet.workers.clear();
    fleet.start_worker(&[]);
    fleet.wait_done(&fleet.submit(&clip, &output, &["--stages", "lighting"]));
    assert_eq!(crate::program::records(&output, "lighting").len(), 320);
}

#[test]
fn frames_that_vanish_are_made_again() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 480);
    let pipeline = work.path().join("sleep.toml");
    std::fs::write(&pipeline, "[steps.sleep]\nsettings = { milliseconds = 15 }\n").unwrap();
    let fleet = Fleet::start(1);
    let output = work.path().join("output");
    let job = fleet.submit(&clip, &output, &["--pipeline", pipeline.to_str().unwrap()]);
    fleet.wait_frames(&job, "sleep", 100);
    for entry in std::fs::read_dir(fleet.path("blobs")).unwrap().flatten() {
        if entry.file_name().to_string_lossy().contains("job-") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    fleet.wait_done(&job);
    assert_eq!(crate::program::records(&output, "sleep").len(), 480);
}

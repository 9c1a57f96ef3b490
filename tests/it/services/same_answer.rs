//! The digest does not depend on who does the work.
use super::Fleet;
use crate::footage::{folder, moving};
use crate::program::{digest, run};

#[test]
fn one_process_one_worker_and_three_workers_come_to_the_same_digest() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 300);
    let alone = work.path().join("alone");
    run(&clip, &alone, &["--threads", "2"]);
    let expected = digest(&alone);
    let mut fleet = Fleet::start(1);
    let one = work.path().join("one");
    fleet.wait_done(&fleet.submit(&clip, &one, &[]));
    assert_eq!(digest(&one), expected, "one worker");
    fleet.start_worker(&["--stage", "ingest,lighting"]);
    fleet.start_worker(&["--stage", "motion"]);
    let three = work.path().join("three");
    fleet.wait_done(&fleet.submit(&clip, &three, &[]));
    assert_eq!(digest(&three), expected, "three workers");
}

#[test]
fn steps_that_make_frames_and_a_second_pass_go_over_the_bus_too() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 200);
    let pipeline = work.path().join("two-passes.toml");
    std::fs::write(&pipeline, crate::computation::EVERYTHING).unwrap();
    let fleet = Fleet::start(2);
    let mut digests = Vec::new();
    for name in ["first", "second"] {
        let output = work.path().join(name);
        fleet.wait_done(&fleet.submit(&clip, &output, &["--pipeline", pipeline.to_str().unwrap()]));
        digests.push(digest(&output));
    }
    assert_eq!(digests[0], digests[1]);
    let blobs: Vec<_> = std::fs::read_dir(fleet.path("blobs")).unwrap().flatten().map(|entry| entry.path()).collect();
    let frames = blobs.iter().filter(|path| path.file_name().unwrap().to_string_lossy().contains("job-")).count();
    assert_eq!(frames, 0, "frames of jobs that are over: {blobs:?}");
}

//! Films do not depend on who makes them.
use super::Fleet;
use crate::footage::folder;
use crate::program::digest;
use crate::video::{film, pipeline, run};

/// Frames made by one step and encoded by another, in one process, by one worker of everything, and by three workers of each stage.
#[test]
fn one_process_one_worker_and_three_of_each_stage_make_the_same_film() {
    let work = folder();
    let source = film(work.path());
    let pipeline = pipeline(work.path(), "encoding = \"h264\"\ngroup = 1");
    let alone = work.path().join("alone");
    run(&source, &pipeline, &alone, "2");
    let expected = (digest(&alone), std::fs::read(alone.join("artifacts/assemble/film.mp4")).unwrap());
    let mut fleet = Fleet::start(1);
    let arguments = ["--pipeline", pipeline.to_str().unwrap()];
    for workers in ["one", "three"] {
        let output = work.path().join(workers);
        fleet.wait_done(&fleet.submit(&source, &output, &arguments));
        let film = std::fs::read(output.join("artifacts/assemble/film.mp4")).unwrap();
        assert_eq!(digest(&output), expected.0, "{workers}");
        assert!(film == expected.1, "{workers}: the films differ byte by byte");
        if workers == "one" {
            fleet.workers.clear();
            for stages in ["ingest,cover", "inpainting", "assemble"] {
                (0..3).for_each(|_| fleet.start_worker(&["--stage", stages, "--slots", "1"]));
            }
        }
    }
}

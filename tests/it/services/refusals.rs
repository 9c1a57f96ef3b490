//! What is wrong is said at once, with what to do about it.
use super::{Fleet, JobStatus, status};
use crate::footage::{folder, moving};
use crate::program::framefleet;
use framefleet_bus_nats::{NatsServer, ServerOptions};
use std::path::Path;

fn refused(fleet: &Fleet, source: &Path, output: &Path, more: &[&str]) -> crate::program::Ran {
    let paths = [source.to_str().unwrap(), "--output", output.to_str().unwrap()];
    fleet.call("submit", &paths.into_iter().chain(more.iter().copied()).collect::<Vec<_>>())
}

#[test]
fn requests_that_cannot_be_done() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 40);
    let mut fleet = Fleet::bus_only();
    fleet.start_orchestrator();
    let output = work.path().join("output");
    // Waits until there is someone to refuse.
    let job = fleet.submit(&clip, &output, &["--stages", "lighting"]);
    let cases: [(&Path, &Path, &[&str], &[&str]); 5] = [
        (
            Path::new("/no/such/film.mp4"),
            &work.path().join("a"),
            &[],
            &["does not see /no/such/film.mp4", "framefleet run"],
        ),
        (&clip, &work.path().join("a"), &["--stages", "lightning"], &["lightning", "lighting"]),
        (&clip, &work.path().join("a"), &["--set", "motion.no_such=1"], &["no_such"]),
        (&clip, &work.path().join("a"), &["--start", "never"], &["never"]),
        (&clip, &output, &[], &[&job, "writing to"]),
    ];
    for (source, output, more, words) in cases {
        let ran = refused(&fleet, source, output, more);
        assert!(matches!(ran.code, Some(64 | 78)), "{ran:#?}");
        for word in words {
            assert!(ran.err.contains(word), "{word} is not in {ran:#?}");
        }
    }
    // Hundreds of reasons, with names of which every letter is three, come through as the first ones and a count.
    let films = work.path().join("films");
    std::fs::create_dir(&films).unwrap();
    (0..300).for_each(|number| std::fs::write(films.join(format!("{}{number}.mp4", "映".repeat(60))), "none").unwrap());
    let ran = refused(&fleet, &films, &work.path().join("a"), &[]);
    assert!(ran.code == Some(64) && ran.err.contains("can be read") && ran.err.contains(" more"), "{ran:#?}");
    let unknown = fleet.call("watch", &["no-such-job"]);
    assert_eq!(unknown.code, Some(64), "{unknown:#?}");
    assert!(unknown.err.contains("no-such-job"), "{unknown:#?}");
}

#[test]
fn an_output_that_is_someone_elses_fails_the_job_with_the_reason() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 40);
    let output = work.path().join("output");
    std::fs::create_dir(&output).unwrap();
    std::fs::write(output.join("thesis.txt"), "mine").unwrap();
    let fleet = Fleet::start(1);
    let job = fleet.submit(&clip, &output, &[]);
    let ended = fleet.wait(&job);
    assert_eq!(status(&ended), JobStatus::Failed);
    assert!(ended["message"].as_str().unwrap().contains("thesis.txt"), "{ended:#}");
    assert_eq!(std::fs::read_to_string(output.join("thesis.txt")).unwrap(), "mine");
}

#[test]
fn nobody_answers() {
    let port = super::free_port();
    let ran = framefleet(["status", "--server", &format!("http://127.0.0.1:{port}")]);
    assert_eq!(ran.code, Some(75));
    assert!(ran.err.contains("framefleet up") && ran.err.contains(&port.to_string()), "{ran:#?}");
    let bus = format!("nats://127.0.0.1:{port}");
    let work = folder();
    let blobs = work.path().to_str().unwrap().to_owned();
    let refused = |verb: &str, more: &[&str]| {
        let ran =
            framefleet([&[verb, "--nats", &bus, "--blobs", &blobs, "--metrics", "127.0.0.1:0"][..], more].concat());
        assert_eq!(ran.code, Some(75), "{ran:#?}");
        assert!(ran.err.contains(&port.to_string()), "{ran:#?}");
    };
    // Both wait for the bus for a while.
    std::thread::scope(|threads| {
        threads.spawn(|| refused("worker", &[]));
        threads.spawn(|| refused("orchestrator", &["--listen", "127.0.0.1:0"]));
    });
}

#[test]
fn an_output_that_becomes_read_only_stops_the_job_and_what_is_done_stays() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 400);
    let pipeline = work.path().join("sleep.toml");
    std::fs::write(&pipeline, "[steps.sleep]\nsettings = { milliseconds = 15 }\n").unwrap();
    let arguments = ["--pipeline", pipeline.to_str().unwrap()];
    let mut fleet = Fleet::start(1);
    let output = work.path().join("output");
    let job = fleet.submit(&clip, &output, &arguments);
    fleet.wait_frames(&job, "sleep", 100);
    // Root may write anywhere: a file in the way of the folder does what a missing permission does to others.
    let entries = output.join(".framefleet/entries");
    let aside = work.path().join("entries");
    std::fs::rename(&entries, &aside).unwrap();
    std::fs::write(&entries, "in the way").unwrap();
    let ended = fleet.wait(&job);
    assert_eq!(status(&ended), JobStatus::Failed, "{ended:#}\n{}", fleet.logs());
    assert!(ended["message"].as_str().unwrap().contains("entries"), "{ended:#}");
    std::fs::remove_file(&entries).unwrap();
    std::fs::rename(&aside, &entries).unwrap();
    fleet.workers.clear();
    fleet.start_worker(&[]);
    fleet.wait_done(&fleet.submit(&clip, &output, &arguments));
    assert_eq!(crate::program::records(&output, "sleep").len(), 400);
    let worked = crate::program::worked(&output, "sleep");
    assert!(worked < 400, "what was done before is not done again: {worked}");
}

#[test]
fn a_bus_that_cannot_do_it_is_refused_with_the_remedy() {
    let work = folder();
    let blobs = work.path().to_str().unwrap().to_owned();
    let small = ServerOptions { max_payload: 100_000, ..ServerOptions::new(work.path().join("small")) };
    let plain = ServerOptions { jetstream: false, ..ServerOptions::new(work.path().join("plain")) };
    for (options, word) in [(small, "max_payload"), (plain, "JetStream")] {
        let nats = NatsServer::start(options).unwrap();
        let ran = framefleet(["worker", "--nats", &nats.url(), "--blobs", &blobs]);
        assert_eq!(ran.code, Some(78), "{ran:#?}");
        assert!(ran.err.contains(word), "{word} is not in {ran:#?}");
    }
}

//! Whoever dies: the job goes on, nothing is lost or doubled, and the answer is the same.
use super::{Fleet, JobStatus, PATIENCE, results, status};
use crate::footage::{folder, moving};
use crate::processes::process::with_test_stages;
use crate::program::{digest, records, run};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A pipeline that takes some seconds: motion and light of real pictures, and a device that is waited for.
const SLOW: &str = "[steps.lighting]\n[steps.motion]\n[steps.sleep]\nsettings = { milliseconds = 12 }\n";
/// Frames of the clip: 20 batches.
const FRAMES: u64 = 640;

/// A clip, the pipeline as a file, and the digest that an undisturbed fleet comes to.
struct Expected {
    clip: PathBuf,
    pipeline: String,
    digest: String,
}

/// Computed by a fleet that nobody disturbs, once for all tests of this file: each of them is a process of its own, so it is kept beside the program
/// whose answer it is.
fn expected() -> Expected {
    let program = with_test_stages();
    let built = program.metadata().unwrap();
    let of = format!("{:?}, {} bytes, {FRAMES} frames of {SLOW}", built.modified().unwrap(), built.len());
    let folder = program.parent().and_then(Path::parent).unwrap().join("tmp/undisturbed");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let (clip, pipeline) = (folder.join("clip.mp4"), folder.join("slow.toml"));
    let (known, answer) = (folder.join("of"), folder.join("digest"));
    if std::fs::read_to_string(&known).is_ok_and(|known| known == of) {
        let digest = std::fs::read_to_string(answer).unwrap();
        return Expected { clip, pipeline: pipeline.to_str().unwrap().to_owned(), digest };
    }
    moving(&clip, FRAMES);
    std::fs::write(&pipeline, SLOW).unwrap();
    let pipeline = pipeline.to_str().unwrap().to_owned();
    let fleet = Fleet::start(1);
    let output = fleet.path("undisturbed");
    fleet.wait_done(&fleet.submit(&clip, &output, &["--pipeline", &pipeline]));
    let digest = digest(&output);
    std::fs::write(answer, &digest).unwrap();
    // Last: what is not whole is computed again.
    std::fs::write(known, of).unwrap();
    Expected { clip, pipeline, digest }
}

/// Runs the job, disturbs the fleet when a third of it is done, and checks what comes of it.
fn disturbed(workers: usize, disturb: impl FnOnce(&mut Fleet)) {
    let expected = expected();
    let mut fleet = Fleet::start(workers);
    let output = fleet.path("output");
    let job = fleet.submit(&expected.clip, &output, &["--pipeline", &expected.pipeline]);
    fleet.wait_frames(&job, "sleep", FRAMES / 3);
    disturb(&mut fleet);
    fleet.wait_done(&job);
    assert_eq!(digest(&output), expected.digest, "{}", fleet.logs());
    for step in ["lighting", "motion", "sleep"] {
        assert_eq!(records(&output, step).len() as u64, FRAMES, "one line for every frame of {step}");
    }
}

#[test]
fn a_worker() {
    disturbed(2, |fleet| fleet.workers[0].kill());
}

#[test]
fn replacement_worker_takes_over() {
    disturbed(1, |fleet| {
        fleet.workers[0].kill();
        fleet.start_worker(&[]);
    });
}

#[test]
fn the_orchestrator() {
    disturbed(2, |fleet| {
        fleet.orchestrators[0].kill();
        std::thread::sleep(Duration::from_millis(300));
        fleet.start_orchestrator();
    });
}

#[test]
fn the_bus() {
    disturbed(2, |fleet| {
        fleet.nats.kill();
        std::thread::sleep(Duration::from_secs(1));
        fleet.nats.restart().unwrap();
    });
}

#[test]
fn everything_at_once() {
    disturbed(2, |fleet| {
        fleet.orchestrators[0].kill();
        fleet.workers.iter_mut().for_each(super::Process::kill);
        fleet.nats.kill();
        fleet.nats.restart().unwrap();
        fleet.start_orchestrator();
        fleet.start_worker(&[]);
        fleet.start_worker(&[]);
    });
}

#[test]
fn rolling_restart_loses_nothing() {
    disturbed(2, |fleet| {
        for number in 0..2 {
            let drained = fleet.workers[number].drain();
            assert!(drained.success(), "{drained}");
            fleet.workers[number] = fleet.workers[number].again();
        }
        let drained = fleet.orchestrators[0].drain();
        assert!(drained.success(), "{drained}");
        fleet.start_orchestrator();
        fleet.nats.kill();
        fleet.nats.restart().unwrap();
    });
}

#[test]
fn second_orchestrator_takes_over() {
    disturbed(2, |fleet| {
        fleet.start_orchestrator();
        std::thread::sleep(Duration::from_secs(2));
        fleet.orchestrators[0].kill();
        fleet.api = fleet.orchestrators[1].argument_after("--listen");
    });
}

#[test]
fn a_stalled_worker_whose_task_was_taken_over_and_which_then_answers() {
    disturbed(2, |fleet| {
        fleet.workers[0].signal(libc::SIGSTOP);
        // Longer than a lease lasts: its tasks go to the other one.
        std::thread::sleep(Duration::from_secs(5));
        fleet.workers[0].signal(libc::SIGCONT);
    });
}

/// A job whose stage kills its worker on one frame; what is in its output then.
fn with_a_deadly_frame(frames: u64, deadly: u64) -> (tempfile::TempDir, PathBuf) {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), frames);
    let pipeline = work.path().join("deadly.toml");
    std::fs::write(&pipeline, format!("[steps.fragile]\nsettings = {{ breaks_on = [{deadly}], aborts = true }}\n"))
        .unwrap();
    let mut fleet = Fleet::start(2);
    let output = work.path().join("output");
    let job = fleet.submit(&clip, &output, &["--pipeline", pipeline.to_str().unwrap()]);
    let began = Instant::now();
    let job = loop {
        // As a supervisor does.
        for worker in &mut fleet.workers {
            if !worker.is_running() {
                *worker = worker.again();
            }
        }
        let now = fleet.job(&job);
        if now["ended"].as_f64().is_some_and(|ended| ended > 0.0) {
            break now;
        }
        assert!(began.elapsed() < PATIENCE, "{now:#}\n{}", fleet.logs());
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(status(&job), JobStatus::Partial, "{job:#}\n{}", fleet.logs());
    assert_eq!(results(&job, "fragile"), frames - 1);
    (work, output)
}

#[test]
fn a_worker_that_dies_on_one_frame_costs_that_frame_alone() {
    let (_work, output) = with_a_deadly_frame(200, 77);
    let failed: Vec<u64> = failed_frames(&output);
    assert_eq!(failed, [77]);
}

fn failed_frames(output: &Path) -> Vec<u64> {
    let lines = std::fs::read_to_string(output.join("failures.jsonl")).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["frame"].as_u64().unwrap())
        .collect()
}

#[test]
fn cancelled_and_submitted_again_it_resumes() {
    let expected = expected();
    let fleet = Fleet::start(1);
    let output = fleet.path("output");
    let job = fleet.submit(&expected.clip, &output, &["--pipeline", &expected.pipeline]);
    fleet.wait_frames(&job, "sleep", FRAMES / 4);
    assert_eq!(fleet.call("cancel", &[&job]).code, Some(0));
    let ended = fleet.wait(&job);
    assert_eq!(status(&ended), JobStatus::Cancelled, "{ended:#}");
    let before = results(&ended, "sleep");
    assert!(before < FRAMES);
    // In one process this time: the output is the same kind of output.
    run_without_test_stages(&expected.clip, &output);
    let again = fleet.submit(&expected.clip, &output, &["--pipeline", &expected.pipeline]);
    fleet.wait_done(&again);
    assert_eq!(digest(&output), expected.digest);
}

/// The program without the stages of the tests may work in between: steps it does not run stay.
fn run_without_test_stages(clip: &Path, output: &Path) {
    run(clip, output, &["--stages", "lighting"]);
}

//! Nothing grows with the number of jobs; and if it did, the soak would say so.
use super::Fleet;
use crate::footage::{folder, moving};
use crate::soak::{self, Quantity, Report};
use std::time::Duration;

/// A real stage, and one that makes annotations and has a finish.
const JOB: &str = "[steps.lighting]\n[steps.level]\n";

fn soaked(pipeline: &str, lasts: Duration) -> Report {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 96);
    let report = soak::run(&Fleet::start(2), &clip, pipeline, lasts);
    println!("{report}");
    report
}

/// `SOAK_MINUTES` says for how long; `make soak` sets it.
#[test]
fn nothing_grows_with_the_number_of_jobs() {
    let minutes = std::env::var("SOAK_MINUTES").map_or(1.0, |text| text.parse::<f64>().unwrap());
    let report = soaked(JOB, Duration::from_secs_f64(60.0 * minutes));
    assert!(report.jobs > 3, "{} jobs say nothing", report.jobs);
    let leaks: Vec<_> = report.leaks().collect();
    assert!(leaks.is_empty(), "{leaks:#?}\n{report}");
}

#[test]
fn a_stage_that_keeps_memory_and_files_is_found() {
    // Waiting bounds the number of jobs, and with it what is kept, on a fast machine.
    let pipeline =
        "[steps.leak]\nsettings = { kibibytes = 128, files = 8 }\n[steps.sleep]\nsettings = { milliseconds = 20 }\n";
    let report = soaked(pipeline, Duration::from_secs(30));
    let found = |who: &str, what: Quantity| report.leaks().any(|series| series.who == who && series.what == what);
    let by_a_worker = |what: Quantity| found("worker 0", what) || found("worker 1", what);
    assert!(by_a_worker(Quantity::Memory) && by_a_worker(Quantity::Files), "{report}");
    assert!(report.leaks().all(|series| series.who.starts_with("worker")), "{report}");
}

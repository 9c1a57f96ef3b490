//! Threads share a pool.
use crate::fixture::{Bench, pictures};
use framefleet_infer::ndarray::Axis;
use framefleet_infer::{Outputs, Session, SessionOptions};

fn run(session: &Session, item: usize) -> Outputs {
    let pictures = pictures(64);
    session.run(&[("pixels", pictures.index_axis(Axis(0), item).insert_axis(Axis(0)).into())]).unwrap()
}

#[test]
fn runs_at_the_same_time_give_the_bits_of_runs_in_turn() {
    let bench = Bench::new();
    let serial = bench.open("classifier", &SessionOptions::default());
    let expected: Vec<Outputs> = (0..64).map(|item| run(&serial, item)).collect();
    let shared = bench.open("classifier", &SessionOptions { pool: 4, ..SessionOptions::default() });
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (shared, expected) = (&shared, &expected);
            scope.spawn(move || {
                for item in (0..64).map(|item| (item + thread * 8) % 64) {
                    assert_eq!(run(shared, item), expected[item], "item {item}");
                }
            });
        }
    });
    let sessions = shared.report().unwrap().sessions;
    assert!((1..=4).contains(&sessions), "{sessions}");
}

#[test]
fn threads_inside_a_session_change_no_bits() {
    let bench = Bench::new();
    let one = bench.open("classifier", &SessionOptions::default());
    let two = bench.open("classifier", &SessionOptions { threads: 2, ..SessionOptions::default() });
    assert!((0..16).all(|item| run(&one, item) == run(&two, item)));
}

#[test]
fn a_panicking_caller_gives_its_session_back() {
    let session = Bench::new().open("classifier", &SessionOptions::default());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        session.run_with(&[("pixels", (&pictures(1)).into())], |_| panic!("a bug of the caller")).unwrap()
    }));
    assert!(panicked.is_err());
    run(&session, 0);
}

#[test]
fn the_threads_of_a_session_are_bound_to_cores() {
    let bench = Bench::with(|options| options.cores = Some(vec![1]));
    let before = tasks();
    let session = bench.open("classifier", &SessionOptions { threads: 2, ..SessionOptions::default() });
    run(&session, 0);
    // Other tests start threads too; only those of this session are bound to core 1 alone.
    let bound =
        tasks().into_iter().filter(|task| !before.contains(task) && allowed(task).as_deref() == Some("1")).count();
    assert_eq!(bound, 1);
}

fn tasks() -> Vec<std::path::PathBuf> {
    std::fs::read_dir("/proc/self/task").unwrap().flatten().map(|task| task.path()).collect()
}

fn allowed(task: &std::path::Path) -> Option<String> {
    let status = std::fs::read_to_string(task.join("status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("Cpus_allowed_list:"))?;
    Some(line.split_whitespace().nth(1)?.to_owned())
}

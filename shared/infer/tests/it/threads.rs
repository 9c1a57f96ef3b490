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

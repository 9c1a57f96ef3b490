//! One budget for all models of an engine.
use crate::fixture::{Bench, model, pictures};
use framefleet_infer::{InferError, SessionOptions};

fn options(batch: usize) -> SessionOptions {
    SessionOptions { micro_batch: Some(batch), ..SessionOptions::default() }
}

/// Bytes of three models together, and of the largest.
fn sizes() -> (u64, u64) {
    let bench = Bench::new();
    let each = [1, 2, 3].map(|batch| bench.open("classifier", &options(batch)).report().unwrap().memory.reserved);
    assert_eq!(bench.engine.reserved_bytes(), each.iter().sum::<u64>());
    assert!(each.iter().all(|bytes| *bytes > 0));
    (each.iter().sum(), each.into_iter().max().unwrap())
}

#[test]
fn the_least_recently_used_idle_model_goes() {
    let (all, largest) = sizes();
    let bench = Bench::with(|options| options.memory_budget = Some(all - largest / 2));
    let one = bench.open("classifier", &options(1));
    let two = bench.open("classifier", &options(2));
    let run =
        |session: &framefleet_infer::Session, batch| session.run(&[("pixels", (&pictures(batch)).into())]).unwrap();
    let before = run(&two, 2);
    run(&one, 1);
    bench.open("classifier", &options(3));
    assert_eq!(bench.engine.loaded().len(), 2);
    assert!(bench.engine.reserved_bytes() <= all - largest / 2);
    // Two was used longest ago. It loads again by itself, and says the same.
    assert_eq!(run(&two, 2), before);
    assert_eq!(bench.engine.loaded().len(), 2);
}

#[test]
fn a_running_model_stays_and_what_does_not_fit_is_refused_with_the_numbers() {
    let (_, largest) = sizes();
    let bench = Bench::with(|options| options.memory_budget = Some(largest + largest / 2));
    let one = bench.open("classifier", &options(1));
    let error = one
        .run_with(&[("pixels", (&pictures(1)).into())], |_| {
            bench.engine.open(&model("classifier"), &options(2)).unwrap_err()
        })
        .unwrap();
    let InferError::Budget { needed, budget, busy, .. } = error else { panic!("{error}") };
    assert!(needed + busy > budget && busy > 0);
    bench.open("classifier", &options(2));
    let tiny = Bench::with(|options| options.memory_budget = Some(10));
    assert!(matches!(tiny.engine.open(&model("classifier"), &options(1)), Err(InferError::Budget { .. })));
    assert!(tiny.engine.loaded().is_empty());
}

#[test]
fn sessions_share_their_weights() {
    let bench = Bench::new();
    let report = bench.open("classifier", &options(1)).report().unwrap();
    assert!(report.memory.shared > 0, "{:?}", report.memory);
}

//! One budget for all models of an engine.
use crate::fixture::{Bench, model, pictures};
use framefleet_infer::ndarray::Axis;
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

/// Bytes of an arena in which a micro-batch of 4 fits and one of 256 does not.
const TINY: u64 = 1 << 20;

#[test]
fn a_run_that_is_out_of_memory_goes_on_with_half_the_micro_batch() {
    let bench = Bench::with(|options| options.arena_limit = Some(TINY));
    let (pixels, truth) = (pictures(300), Bench::new().open("classifier", &options(4)));
    let session = bench.open("classifier", &options(256));
    let scores = |session: &framefleet_infer::Session| {
        let mut scores = Vec::new();
        let fill = |item: usize, inputs: &mut framefleet_infer::ItemInputs<'_, '_>| {
            inputs.input::<f32>("pixels")?.assign(&pixels.index_axis(Axis(0), item));
            Ok::<_, InferError>(())
        };
        let take = |item: usize, outputs: &framefleet_infer::ItemOutputs<'_, '_>| {
            assert_eq!(item, scores.len(), "every item has its outputs once, in order");
            scores.push(outputs.output::<f32>("scores")?.to_owned());
            Ok(())
        };
        session.run_batches(300, &[], fill, take).unwrap();
        scores
    };
    let (found, wanted) = (scores(&session), scores(&truth));
    let difference = found.iter().zip(&wanted).flat_map(|(a, b)| (a - b).into_iter().map(f32::abs)).fold(0.0, f32::max);
    assert!(found.len() == 300 && difference <= 1e-5, "{difference}");
    let report = session.report().unwrap();
    assert!(report.out_of_memory > 0 && report.micro_batch < 256, "{report:?}");
    assert!(report.class.ends_with(&format!("-b{}", report.micro_batch)), "the class says what ran: {}", report.class);
    assert!(report.notes.iter().any(|note| note.contains("instead of 256")), "{:?}", report.notes);
}

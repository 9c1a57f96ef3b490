//! Micro-batches give what item by item gives, for any number of items.
use crate::fixture::{Bench, pictures};
use framefleet_infer::ndarray::{Array1, Array3, ArrayD, Axis};
use framefleet_infer::{InferError, Session, SessionOptions};
use proptest::prelude::*;

/// Largest difference between a micro-batch and item by item: convolutions may sum in another order.
const TOLERANCE: f32 = 1e-5;

fn batched(batch: usize) -> SessionOptions {
    SessionOptions { micro_batch: Some(batch), ..SessionOptions::default() }
}

fn scores(session: &Session, count: usize) -> Vec<ArrayD<f32>> {
    let pictures = pictures(count);
    let mut scores = Vec::new();
    let fill = |item: usize, inputs: &mut framefleet_infer::ItemInputs<'_, '_>| {
        inputs.input::<f32>("pixels")?.assign(&pictures.index_axis(Axis(0), item));
        Ok::<_, InferError>(())
    };
    session
        .run_batches(count, &[], fill, |item, outputs| {
            assert_eq!(item, scores.len());
            scores.push(outputs.output::<f32>("scores")?.to_owned());
            Ok(())
        })
        .unwrap();
    scores
}

fn largest_difference(one: &[ArrayD<f32>], other: &[ArrayD<f32>]) -> f32 {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).flat_map(|(a, b)| (a - b).into_iter().map(f32::abs)).fold(0.0, f32::max)
}

#[test]
fn one_seven_thirty_two_and_thirty_three_items() {
    let bench = Bench::new();
    let single = bench.open("classifier", &batched(1));
    for (batch, counts) in [(32, [1, 7, 32, 33]), (8, [1, 7, 32, 33])] {
        let session = bench.open("classifier", &batched(batch));
        for count in counts {
            let difference = largest_difference(&scores(&session, count), &scores(&single, count));
            assert!(difference <= TOLERANCE, "batch {batch}, {count} items: {difference}");
        }
        assert_eq!(session.inputs().unwrap()[0].shape_text(), format!("[{batch}, 3, 16, 16]"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_count_in_any_batch(batch in 1usize..12, count in 0usize..40) {
        let bench = Bench::with(|options| options.cache_use = framefleet_infer::CacheUse::Off);
        let one_by_one = scores(&bench.open("classifier", &batched(1)), count);
        prop_assert!(largest_difference(&scores(&bench.open("classifier", &batched(batch)), count), &one_by_one) <= TOLERANCE);
    }
}

#[test]
fn a_model_of_batch_one_is_looped() {
    let bench = Bench::new();
    let fixed = bench.open("classifier_one", &batched(8));
    assert_eq!(fixed.micro_batch().unwrap(), 1);
    let open = bench.open("classifier", &batched(1));
    assert!(largest_difference(&scores(&fixed, 7), &scores(&open, 7)) <= TOLERANCE);
}

#[test]
fn what_all_items_share_is_given_once() {
    let dims = [("height".to_owned(), 8), ("width".to_owned(), 8)].into();
    let session = Bench::new().open("blur", &SessionOptions { dims, ..batched(4) });
    for strength in [3.0f32, 5.0] {
        let mut seen = Vec::new();
        session
            .run_batches::<InferError>(
                6,
                &[("strength", (&Array1::from_elem(1, strength)).into())],
                |item, inputs| {
                    inputs.input::<f32>("pixels")?.assign(&Array3::from_elem((3, 8, 8), item as f32));
                    Ok(())
                },
                |_, outputs| {
                    seen.push(outputs.output::<f32>("out")?[[0, 4, 4]]);
                    Ok(())
                },
            )
            .unwrap();
        let expected: Vec<f32> = (0..6).map(|item| item as f32 * strength).collect();
        assert!(seen.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-4), "{seen:?}");
    }
}

#[test]
fn open_sizes_and_wrong_names_are_errors_and_a_callers_error_comes_back() {
    let bench = Bench::new();
    let open = bench.open("blur", &batched(4));
    let error = open.run_batches::<InferError>(1, &[], |_, _| Ok(()), |_, _| Ok(())).unwrap_err().to_string();
    assert!(error.contains("height") && error.contains("dims"), "{error}");
    let session = bench.open("classifier", &batched(4));
    let wrong = |_: usize, inputs: &mut framefleet_infer::ItemInputs<'_, '_>| inputs.input::<f32>("pixel").map(drop);
    assert!(matches!(session.run_batches(1, &[], wrong, |_, _| Ok(())), Err(InferError::UnknownInput { .. })));
    let kind = |_: usize, inputs: &mut framefleet_infer::ItemInputs<'_, '_>| inputs.input::<u8>("pixels").map(drop);
    assert!(matches!(session.run_batches(1, &[], kind, |_, _| Ok(())), Err(InferError::Type { .. })));
    let stop = |item: usize| if item == 5 { Err(InferError::Setting("enough".to_owned())) } else { Ok(()) };
    let mut taken = 0;
    let result = session.run_batches(
        9,
        &[],
        |_, _| Ok(()),
        |item, _| {
            taken += 1;
            stop(item)
        },
    );
    assert!(result.unwrap_err().to_string() == "enough" && taken == 6);
    assert_eq!(scores(&session, 3).len(), 3);
}

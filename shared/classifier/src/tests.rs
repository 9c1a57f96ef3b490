//! Against scikit-learn (tools/parity/classifier.py), and with known truth.
use crate::calibration::{at_temperature, expected_calibration_error, fit_temperature};
use crate::scores::{Prediction, accuracy, coverage_curve, macro_f1};
use crate::{ClassifierError, DEFAULT_GRID, Examples, Probe, cross_validate};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    c: f64,
    trained: Vec<Vec<f32>>,
    labels: Vec<usize>,
    tested: Vec<Vec<f32>>,
    truth: Vec<usize>,
    coefficients: Vec<Vec<f64>>,
    intercepts: Vec<f64>,
    probabilities: Vec<Vec<f64>>,
    accuracy: f64,
    macro_f1: f64,
    temperature: f64,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../tests/parity/classifier.json")).unwrap()
}

fn examples(rows: &[Vec<f32>], labels: &[usize]) -> Examples {
    let mut examples = Examples::new(rows[0].len());
    for (row, label) in rows.iter().zip(labels) {
        examples.push(row, format!("class {label}")).unwrap();
    }
    examples
}

/// Unit vectors around one random direction per class; the larger `spread`, the more they mix.
fn around(classes: usize, each: usize, dimension: usize, spread: f32, seed: u64) -> (Vec<Vec<f32>>, Vec<usize>) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut normal = || (0..12).map(|_| random.f32()).sum::<f32>() - 6.0;
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for label in 0..classes {
        let centre: Vec<f32> = (0..dimension).map(|_| normal()).collect();
        for _ in 0..each {
            let row: Vec<f32> = centre.iter().map(|value| value + spread * normal()).collect();
            let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
            rows.push(row.into_iter().map(|value| value / length).collect());
            labels.push(label);
        }
    }
    (rows, labels)
}

#[test]
fn coefficients_probabilities_and_scores_are_those_of_the_reference() {
    let cases = cases();
    assert_eq!(cases.len(), 4);
    for (number, case) in cases.iter().enumerate() {
        let probe = Probe::fit(&examples(&case.trained, &case.labels), "net", case.c).unwrap();
        let binary = case.coefficients.len() == 1;
        for (class, (weights, intercept)) in case.coefficients.iter().zip(&case.intercepts).enumerate() {
            // The reference has one vector for two classes, the difference of our two.
            let (ours, others) = (probe.coefficients(if binary { 1 } else { class }), probe.coefficients(0));
            let less = |value: f64, other: f64| if binary { value - other } else { value };
            for (place, weight) in weights.iter().enumerate() {
                let found = less(ours.0[place], others.0[place]);
                assert!((found - weight).abs() < 2e-3 * weight.abs().max(1.0), "{number}: {found} {weight}");
            }
            let found = less(ours.1, others.1);
            assert!((found - intercept).abs() < 2e-3 * intercept.abs().max(1.0), "{number}: {found} {intercept}");
        }
        let mut logs = Vec::new();
        for (row, expected) in case.tested.iter().zip(&case.probabilities) {
            let found = probe.probabilities(row).unwrap();
            let difference = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(difference < 1e-4, "{number}: {found:?} {expected:?}");
            logs.push(found.into_iter().map(f64::ln).collect());
        }
        let predictions = Prediction::all(&logs, &case.truth);
        assert!((accuracy(&predictions) - case.accuracy).abs() < 1e-9, "{number}");
        assert!((macro_f1(&predictions) - case.macro_f1).abs() < 1e-9, "{number}");
        let temperature = fit_temperature(&logs, &case.truth).unwrap();
        assert!((temperature / case.temperature - 1.0).abs() < 1e-3, "{number}: {temperature} {}", case.temperature);
    }
}

#[test]
fn cross_validation_says_what_unseen_examples_get() {
    let (rows, labels) = around(4, 30, 16, 1.2, 7);
    let (seen, unseen): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|place| place % 2 == 0);
    let pick = |places: &[usize]| -> Examples {
        let rows: Vec<Vec<f32>> = places.iter().map(|place| rows[*place].clone()).collect();
        examples(&rows, &places.iter().map(|place| labels[*place]).collect::<Vec<_>>())
    };
    let known = pick(&seen);
    let found = cross_validate(&known, 5, &DEFAULT_GRID).unwrap();
    assert_eq!(found.trials.len(), 5);
    assert!(found.trials.iter().all(|trial| trial.loss >= found.best.loss));
    let probe = Probe::fit(&known, "net", found.best.strength).unwrap();
    let right = unseen.iter().filter(|place| {
        let probabilities = probe.probabilities(&rows[**place]).unwrap();
        (0..4).all(|class| probabilities[class] <= probabilities[labels[**place]])
    });
    let truly = right.count() as f64 / unseen.len() as f64;
    assert!((truly - found.best.accuracy).abs() < 0.1, "{truly} {:?}", found.best);
    assert!(found.best.accuracy > 0.5 && found.best.accuracy < 1.0, "or it shows nothing: {:?}", found.best);
}

#[test]
fn random_labels_are_seen_through() {
    let (rows, _) = around(1, 80, 64, 1.0, 3);
    let labels: Vec<usize> = (0..80).map(|place| place % 4).collect();
    let found = cross_validate(&examples(&rows, &labels), 4, &[100.0]).unwrap();
    assert!(found.best.accuracy < 0.45, "chance is a quarter: {:?}", found.best);
    // Trained and tested with the same, it would look perfect.
    let probe = Probe::fit(&examples(&rows, &labels), "net", 100.0).unwrap();
    let right = rows.iter().zip(&labels).filter(|(row, label)| {
        let probabilities = probe.probabilities(row).unwrap();
        (0..4).all(|class| probabilities[class] <= probabilities[**label])
    });
    assert_eq!(right.count(), 80);
}

#[test]
fn the_order_of_the_classes_and_the_threads_do_not_matter() {
    let (rows, labels) = around(3, 12, 8, 1.0, 5);
    let known = examples(&rows, &labels);
    let once = cross_validate(&known, 3, &[1.0, 10.0]).unwrap();
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let again = one.install(|| cross_validate(&known, 3, &[10.0, 1.0]).unwrap());
    assert_eq!(once.log_probabilities, again.log_probabilities);
    let first = Probe::fit(&known, "net", 1.0).unwrap();
    assert_eq!(first.to_bytes(), Probe::fit(&known, "net", 1.0).unwrap().to_bytes());
    assert_eq!(first.classes(), ["class 0", "class 1", "class 2"]);
}

#[test]
fn examples_that_teach_nothing_are_refused_by_name() {
    let mut known = Examples::new(2);
    known.push(&[1.0, 0.0], "car").unwrap();
    known.push(&[0.9, 0.1], "car").unwrap();
    let refused = known.push(&[1.0], "car").unwrap_err();
    assert_eq!(refused.to_string(), "a vector of 1 values, but 2 are expected: it comes from another model");
    assert!(matches!(known.push(&[0.0, f32::NAN], "car"), Err(ClassifierError::NotFinite { index: 1, .. })));
    assert!(matches!(Probe::fit(&known, "net", 1.0), Err(ClassifierError::TooFewClasses(1))));
    known.push(&[0.0, 1.0], "none").unwrap();
    let refused = cross_validate(&known, 2, &[1.0]).unwrap_err();
    assert!(refused.to_string().starts_with("class `none` has 1 of at least 2 examples"), "{refused}");
    assert!(matches!(cross_validate(&known, 1, &[1.0]), Err(ClassifierError::Folds(1))));
    assert!(matches!(Probe::fit(&known, "net", 0.0), Err(ClassifierError::Strength(_))));
    known.push(&[0.0, 0.9], "none").unwrap();
    assert!(matches!(cross_validate(&known, 2, &[]), Err(ClassifierError::NoStrength)));
}

#[test]
fn near_identical_examples_count_once_in_their_class() {
    let mut known = Examples::new(2);
    for (vector, class) in
        [([1.0, 0.0], "car"), ([2.0, 0.01], "car"), ([1.0, 0.0], "none"), ([0.6, 0.8], "car"), ([0.6, 0.8], "car")]
    {
        known.push(&vector, class).unwrap();
    }
    let (rest, dropped) = known.without_near_identical(0.99);
    assert_eq!(dropped, [1, 4]);
    assert_eq!((0..rest.len()).map(|place| rest.class(place)).collect::<Vec<_>>(), ["car", "none", "car"]);
    assert_eq!(rest.vector(2), [0.6, 0.8]);
}

#[test]
fn a_file_gives_the_same_probe_and_says_what_is_wrong_with_it() {
    let case = &cases()[0];
    let probe = Probe::fit(&examples(&case.trained, &case.labels), "net 7", case.c).unwrap();
    let probe = probe.with_temperature(1.7).unwrap();
    let bytes = probe.to_bytes();
    let again = Probe::from_bytes(&bytes).unwrap();
    assert_eq!(again, probe);
    assert_eq!((again.model(), again.dimension(), again.temperature()), ("net 7", 6, Some(1.7)));
    let says = |bytes: &[u8], what: &str| {
        let error = Probe::from_bytes(bytes).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    };
    says(b"PK\x03\x04\n", "does not begin with `framefleet-probe 1`");
    says(b"", "first line");
    says(b"framefleet-probe 2\n{}\n", "version 2");
    says(b"framefleet-probe 1\n{}\n", "header cannot be read");
    says(&bytes[..bytes.len() - 3], "do not fit 4 classes of 6 values");
    let mut bad = bytes.clone();
    let last = bad.len() - 8;
    bad[last..].copy_from_slice(&f64::NAN.to_le_bytes());
    says(&bad, "weight 27 is NaN");
    let swapped = String::from_utf8_lossy(&bytes[..120]).replace("class 0", "class 9").into_bytes();
    says(&[&swapped[..], &bytes[120..]].concat(), "in order");
    assert!(matches!(probe.with_temperature(-1.0), Err(ClassifierError::Temperature(_))));
}

#[test]
fn a_temperature_is_found_again() {
    // Labels drawn with the probabilities themselves: their temperature is 1, and that of doubled scores is 2.
    let mut random = fastrand::Rng::with_seed(4);
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..6000 {
        let row: Vec<f64> = (0..5).map(|_| 3.0 * random.f64()).collect();
        let sum: f64 = row.iter().map(|score| score.exp()).sum();
        let mut left = random.f64() * sum;
        labels.push(
            row.iter()
                .position(|score| {
                    left -= score.exp();
                    left <= 0.0
                })
                .unwrap_or(4),
        );
        scores.push(row.into_iter().map(|score| 2.0 * score).collect::<Vec<f64>>());
    }
    let temperature = fit_temperature(&scores, &labels).unwrap();
    assert!((temperature - 2.0).abs() < 0.1, "{temperature}");
    let error =
        |temperature| expected_calibration_error(&Prediction::all(&at_temperature(&scores, temperature), &labels));
    assert!(error(1.0) > 0.1 && error(temperature) < 0.03, "{} {}", error(1.0), error(temperature));
    assert_eq!(fit_temperature(&[], &[]), None);
    assert_eq!(fit_temperature(&[vec![0.0, 1.0]], &[1]), Some(0.01));
    assert_eq!(fit_temperature(&[vec![0.0, 1.0]], &[0]), Some(100.0));
}

#[test]
fn the_calibration_error_and_the_curve_of_known_predictions() {
    let of = |confidence, right: bool| Prediction { truth: 0, found: usize::from(!right), confidence };
    // Two at .9 of which one is right, two at .6 that are both right: (2 · .4 + 2 · .4) / 4.
    let predictions = [of(0.9, true), of(0.6, true), of(0.9, false), of(0.6, true)];
    assert!((expected_calibration_error(&predictions) - 0.4).abs() < 1e-12);
    let curve: Vec<[f64; 3]> =
        coverage_curve(&predictions).iter().map(|at| [at.threshold, at.coverage, at.accuracy]).collect();
    assert_eq!(curve, [[0.9, 0.5, 0.5], [0.6, 1.0, 0.75]]);
    assert_eq!((expected_calibration_error(&[]), accuracy(&[]), macro_f1(&[])), (0.0, 0.0, 0.0));
    // Class 0: 3 of 3 found with one too many; class 1 never found right.
    assert!((macro_f1(&predictions[..3]) - (0.8 + 0.0) / 2.0).abs() < 1e-12);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn probabilities_add_up_and_follow_the_vectors(seed in 0u64..1000, strength in 0.01f64..100.0) {
        let (rows, labels) = around(3, 6, 5, 1.0, seed);
        let probe = Probe::fit(&examples(&rows, &labels), "net", strength).unwrap();
        for row in &rows {
            prop_assert!((probe.probabilities(row).unwrap().iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
        // At the optimum the mean probability of a class is its share: the intercepts are free.
        for class in 0..3 {
            let mean = rows.iter().map(|row| probe.probabilities(row).unwrap()[class]).sum::<f64>() / rows.len() as f64;
            prop_assert!((mean - 1.0 / 3.0).abs() < 1e-4, "{mean}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let headed = [b"framefleet-probe 1\n".as_slice(), &bytes].concat();
        prop_assert!(Probe::from_bytes(&bytes).is_err() && Probe::from_bytes(&headed).is_err());
    }
}

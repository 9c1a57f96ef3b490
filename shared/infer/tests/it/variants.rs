//! 16-bit and 8-bit variants run on the CPU, give nearly the same, and the report says what computed.
use crate::fixture::{Bench, model, pictures};
use framefleet_infer::{InferError, Model, Optimisation, Precision, SessionOptions, SessionReport};

fn variant(precision: Precision) -> Model {
    model(&format!("classifier_{precision}"))
}

/// Largest difference from the original's scores, and the report.
fn difference(precision: Precision) -> (f32, SessionReport) {
    let bench = Bench::new();
    let pixels = pictures(8);
    let original = bench.open("classifier", &SessionOptions::default());
    let session =
        bench.engine.open(&variant(precision), &SessionOptions { precision, ..SessionOptions::default() }).unwrap();
    let inputs = [("pixels", (&pixels).into())];
    let scores = |session: &framefleet_infer::Session| session.run(&inputs).unwrap().get::<f32>("scores").unwrap();
    let difference = (scores(&session) - scores(&original)).into_iter().map(f32::abs).fold(0.0, f32::max);
    (difference, session.report().unwrap())
}

#[test]
fn sixteen_bits_differ_a_little_and_the_cpu_computes_them_in_thirty_two() {
    let (difference, report) = difference(Precision::Fp16);
    assert!(difference > 0.0 && difference < 0.01, "{difference}");
    assert_eq!(report.precision, Precision::Fp16);
    assert!(report.class.contains("-fp16-"));
    // Casts around 32-bit kernels: the file is fp16, the arithmetic of this CPU is not, and the report shows it.
    assert!(report.arithmetic.contains_key("float"), "{:?}", report.arithmetic);
}

#[test]
fn eight_bits_differ_more_and_really_run() {
    let (difference, report) = difference(Precision::Int8);
    assert!(difference > 0.0 && difference < 0.3, "{difference}");
    assert!(report.arithmetic.contains_key("uint8"), "{:?}", report.arithmetic);
}

#[test]
fn a_variant_runs_only_as_what_it_is() {
    let bench = Bench::new();
    let refused = bench.engine.open(&variant(Precision::Int8), &SessionOptions::default());
    assert!(matches!(refused, Err(InferError::Precision { have: Precision::Int8, wanted: Precision::Fp32, .. })));
}

#[test]
fn a_file_is_what_its_graph_computes_and_not_what_it_is_called() {
    let bench = Bench::new();
    let open = |name: &str, precision| {
        bench.engine.open(&model(name), &SessionOptions { precision, ..SessionOptions::default() })
    };
    for (name, have, wanted) in [
        ("classifier", Precision::Fp32, Precision::Int8),
        ("classifier", Precision::Fp32, Precision::Fp16),
        ("classifier_fp16", Precision::Fp16, Precision::Int8),
        ("classifier_fp16", Precision::Fp16, Precision::Fp32),
    ] {
        let refused = open(name, wanted).unwrap_err();
        assert!(
            matches!(refused, InferError::Precision { have: h, wanted: w, .. } if (h, w) == (have, wanted)),
            "{refused}"
        );
    }
}

#[test]
fn eight_bits_that_the_runtime_computes_in_thirty_two_are_refused() {
    let bench = Bench::new();
    // Without rewriting, the runtime converts to 32 bits before every product.
    let options =
        SessionOptions { precision: Precision::Int8, optimisation: Optimisation::Off, ..SessionOptions::default() };
    let refused = bench.engine.open(&variant(Precision::Int8), &options).unwrap_err();
    assert!(
        matches!(&refused, InferError::NotComputed { wanted: Precision::Int8, ran, .. } if ran.contains("float")),
        "{refused}"
    );
    // Known before the first run only with a warm-up; else the second says it.
    let cold = SessionOptions { warm_up: 0, ..options };
    let session = bench.engine.open(&variant(Precision::Int8), &cold).unwrap();
    let pixels = pictures(1);
    session.run(&[("pixels", (&pixels).into())]).unwrap();
    let second = session.run(&[("pixels", (&pixels).into())]).unwrap_err();
    assert!(matches!(second, InferError::NotComputed { .. }), "{second}");
}

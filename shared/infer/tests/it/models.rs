//! Inputs and outputs are checked against the model; broken files are refused.
use crate::fixture::{Bench, model, model_at, pictures};
use framefleet_infer::ndarray::{Array1, Array2, Array4, array};
use framefleet_infer::{Dim, ElementType, InferError, Precision, SessionOptions, f16};

#[test]
fn a_model_says_what_it_takes_and_gives() {
    let session = Bench::new().open("classifier", &SessionOptions::default());
    let inputs = session.inputs().unwrap();
    assert_eq!(inputs[0].to_string(), "pixels f32 [N, 3, 16, 16]");
    assert_eq!(inputs[0].shape[0], Dim::Open("N".to_owned()));
    assert_eq!(session.outputs().unwrap().len(), 2);
    let outputs = session.run(&[("pixels", (&pictures(3)).into())]).unwrap();
    assert_eq!(outputs.get::<f32>("scores").unwrap().shape(), [3, 5]);
    assert!(outputs.get::<f32>("scores").unwrap().iter().any(|score| *score != 0.0));
}

#[test]
fn wrong_inputs_are_named_with_wanted_and_got() {
    let session = Bench::new().open("classifier", &SessionOptions::default());
    let right = pictures(2);
    let refused = |inputs: &[(&str, framefleet_infer::TensorView<'_>)]| session.run(inputs).unwrap_err().to_string();
    let name = refused(&[("pixel", (&right).into())]);
    assert!(name.contains("no input \"pixel\"") && name.contains("pixels f32 [N, 3, 16, 16]"), "{name}");
    let shape = refused(&[("pixels", (&Array4::<f32>::zeros((2, 3, 16, 17))).into())]);
    assert!(shape.contains("[N, 3, 16, 16]") && shape.contains("[2, 3, 16, 17]"), "{shape}");
    let rank = refused(&[("pixels", (&Array2::<f32>::zeros((2, 3))).into())]);
    assert!(rank.contains("got [2, 3]"), "{rank}");
    let kind = refused(&[("pixels", (&Array4::<u8>::zeros((2, 3, 16, 16))).into())]);
    assert!(kind.contains("holds f32, got u8"), "{kind}");
    let missing = refused(&[]);
    assert!(missing.contains("input pixels f32") && missing.contains("missing"), "{missing}");
    let outputs = session.run(&[("pixels", (&right).into())]).unwrap();
    assert!(matches!(outputs.get::<f32>("score"), Err(InferError::UnknownOutput { .. })));
    let kind = outputs.get::<i64>("scores").unwrap_err();
    assert!(matches!(kind, InferError::Type { wanted: ElementType::F32, got: ElementType::I64, .. }), "{kind}");
}

#[test]
fn every_type_goes_in_and_comes_out() {
    let session = Bench::new().open("types", &SessionOptions::default());
    let halves = array![[f16::from_f32(0.5), f16::from_f32(-2.0), f16::ONE], [f16::ZERO, f16::MAX, f16::MIN]];
    let (bytes, small) = (array![[1u8, 2, 3], [4, 5, 255]], array![[-1i32, i32::MAX, 3], [4, 5, 6]]);
    let (large, floats) = (array![[1i64, i64::MIN, 3], [4, 5, 6]], array![[1.5f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let inputs = [
        ("u8_in", (&bytes).into()),
        ("f16_in", (&halves).into()),
        ("i32_in", (&small).into()),
        ("i64_in", (&large).into()),
        ("f32_in", (&floats).into()),
    ];
    let outputs = session.run(&inputs).unwrap();
    let twice = |rows: usize| rows / 2;
    assert_eq!(outputs.get::<f16>("f16_out").unwrap()[[2, 1]], halves[[0, 1]]);
    assert_eq!(outputs.get::<u8>("u8_out").unwrap()[[3, 2]], 255);
    assert_eq!(outputs.get::<i32>("i32_out").unwrap()[[0, 1]], i32::MAX);
    assert_eq!(outputs.get::<i64>("i64_out").unwrap()[[2, 1]], i64::MIN);
    assert_eq!(outputs.get::<f32>("f32_out").unwrap().shape()[0], 2 * twice(4));
}

#[test]
fn arrays_that_are_not_contiguous_give_the_same_answer() {
    let session = Bench::new().open("classifier", &SessionOptions::default());
    let plain = pictures(4);
    let turned = plain.clone().permuted_axes([0, 1, 3, 2]).as_standard_layout().into_owned();
    let turned_view = turned.view().permuted_axes([0, 1, 3, 2]);
    let one = session.run(&[("pixels", (&plain).into())]).unwrap();
    let other = session.run(&[("pixels", turned_view.into())]).unwrap();
    assert_eq!(one, other);
}

#[test]
fn damaged_and_false_files_are_refused_by_name() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(model("classifier").path).unwrap();
    let mut flipped = whole.clone();
    flipped[700] ^= 1;
    let cases = [
        ("truncated", whole[..900].to_vec()),
        ("noise", (0..5000).map(|n| (n * 37 % 251) as u8).collect()),
        ("empty", Vec::new()),
    ];
    for (name, bytes) in cases {
        let path = folder.path().join(format!("{name}.onnx"));
        std::fs::write(&path, bytes).unwrap();
        let error = bench.engine.open(&model_at(&path), &SessionOptions::default()).unwrap_err();
        assert!(matches!(error, InferError::Load { .. }) && error.to_string().contains(name), "{error}");
    }
    let path = folder.path().join("flipped.onnx");
    std::fs::write(&path, flipped).unwrap();
    let mut claimed = model("classifier");
    claimed.path = path;
    let error = bench.engine.open(&claimed, &SessionOptions::default()).unwrap_err().to_string();
    assert!(error.contains("flipped.onnx") && error.contains("sha256") && error.contains(&claimed.sha256), "{error}");
    claimed.path = folder.path().join("missing.onnx");
    assert!(bench.engine.open(&claimed, &SessionOptions::default()).unwrap_err().to_string().contains("missing.onnx"));
    assert!(bench.engine.loaded().is_empty());
}

#[test]
fn a_precision_that_the_file_does_not_have_is_refused() {
    let options = SessionOptions { precision: Precision::Fp16, ..SessionOptions::default() };
    let error = Bench::new().engine.open(&model("classifier"), &options).unwrap_err().to_string();
    assert!(
        error.contains("is fp32")
            && error.contains("fp16")
            && error.contains("framefleet models quantise classifier --precision fp16"),
        "{error}"
    );
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let bench = Bench::new();
    for options in [
        SessionOptions { threads: 0, ..SessionOptions::default() },
        SessionOptions { pool: 0, ..SessionOptions::default() },
        SessionOptions { micro_batch: Some(0), ..SessionOptions::default() },
    ] {
        assert!(matches!(bench.engine.open(&model("classifier"), &options), Err(InferError::Setting(_))));
    }
}

#[test]
fn dimensions_are_fixed_by_name() {
    let dims = [("height".to_owned(), 20), ("width".to_owned(), 30)].into();
    let options = SessionOptions { dims, micro_batch: Some(2), ..SessionOptions::default() };
    let session = Bench::new().open("blur", &options);
    assert_eq!(session.inputs().unwrap()[0].shape_text(), "[2, 3, 20, 30]");
    let (pixels, strength) = (Array4::<f32>::ones((2, 3, 20, 30)), Array1::from_elem(1, 2.0f32));
    let out = session.run(&[("strength", (&strength).into()), ("pixels", (&pixels).into())]).unwrap();
    assert!((out.get::<f32>("out").unwrap()[[1, 2, 10, 10]] - 2.0).abs() < 1e-5);
    let other =
        session.run(&[("strength", (&strength).into()), ("pixels", (&Array4::<f32>::ones((2, 3, 20, 31))).into())]);
    assert!(matches!(other, Err(InferError::Shape { .. })));
}

//! TorchScript gives what ONNX Runtime gives on the same weights (`make torch`).
#![cfg(test)]
#![cfg(feature = "torch")]
#[path = "it/fixture.rs"]
mod fixture;

use fixture::{Bench, model, model_at, pictures};
use framefleet_infer::ndarray::Axis;
use framefleet_infer::{Dim, ElementType, InferError, Model, SessionOptions, Signature, TensorSpec};

fn module() -> Model {
    model_at(&model("classifier").path.with_extension("pt"))
}

fn signature(element: ElementType) -> Signature {
    let spec = |name: &str, shape: &[usize]| {
        let open = Dim::Open("N".to_owned());
        let shape = std::iter::once(open).chain(shape.iter().copied().map(Dim::Fixed)).collect();
        TensorSpec { name: name.to_owned(), element, shape }
    };
    Signature {
        inputs: vec![spec("pixels", &[3, 16, 16])],
        outputs: vec![spec("scores", &[5]), spec("features", &[8])],
    }
}

#[test]
fn both_backends_give_the_same_one_by_one_and_in_batches() {
    let bench = Bench::new();
    let options = SessionOptions { micro_batch: Some(4), pool: 2, ..SessionOptions::default() };
    let torch = bench.engine.open_torchscript(&module(), signature(ElementType::F32), &options).unwrap();
    assert_eq!(std::fs::read_dir(bench.cache.path()).unwrap().count(), 0, "nothing of it is compiled beforehand");
    let onnx = bench.open("classifier", &SessionOptions::default());
    let pixels = pictures(7);
    let expected = onnx.run(&[("pixels", (&pixels).into())]).unwrap();
    let found = torch.run(&[("pixels", (&pixels).into())]).unwrap();
    for output in ["scores", "features"] {
        let difference = found.get::<f32>(output).unwrap() - expected.get::<f32>(output).unwrap();
        assert!(difference.iter().all(|difference| difference.abs() < 1e-5), "{output}: {difference}");
    }
    let scores = expected.get::<f32>("scores").unwrap();
    let mut items = 0;
    torch
        .run_batches::<InferError>(
            7,
            &[],
            |item, inputs| {
                inputs.input::<f32>("pixels")?.assign(&pixels.index_axis(Axis(0), item));
                Ok(())
            },
            |item, outputs| {
                let difference = &outputs.output::<f32>("scores")? - &scores.index_axis(Axis(0), item);
                assert!(difference.iter().all(|difference| difference.abs() < 1e-5), "item {item}: {difference}");
                items += 1;
                Ok(())
            },
        )
        .unwrap();
    assert_eq!(items, 7);
    let report = torch.report().unwrap();
    assert!(report.class.starts_with("torchscript-") && report.class.ends_with("-fp32-b4"), "{}", report.class);
    assert!(report.warm_up_ms.unwrap() > 0.0 && !report.cache_hit && report.memory.sessions > 0);
}

#[test]
fn broken_modules_and_false_signatures_are_refused() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise.pt");
    std::fs::write(&path, [7; 3000]).unwrap();
    let open =
        |model: &Model, element| bench.engine.open_torchscript(model, signature(element), &SessionOptions::default());
    assert!(matches!(open(&model_at(&path), ElementType::F32), Err(InferError::Load { .. })));
    let wrong = open(&module(), ElementType::F32).unwrap().run(&[("pixel", (&pictures(1)).into())]);
    assert!(matches!(wrong, Err(InferError::UnknownInput { .. })));
    let mut one = signature(ElementType::F32);
    one.outputs.pop();
    let session = bench.engine.open_torchscript(&module(), one, &SessionOptions::default()).unwrap();
    let error = session.run(&[("pixels", (&pictures(1)).into())]).unwrap_err().to_string();
    assert!(error.contains("forward gives 2 tensors, the signature says 1"), "{error}");
}

//! Reports say what happened: something is changed on purpose, and the report changes.
use crate::fixture::{Bench, library, model, runtime};
use framefleet_infer::{Device, DeviceChoice, Engine, EngineOptions, InferError, Precision, Provider, SessionOptions};
use std::time::Duration;

#[test]
fn the_report_counts_what_ran_and_times_what_took_time() {
    let bench = Bench::new();
    let session = bench.open("classifier", &SessionOptions { micro_batch: Some(4), ..SessionOptions::default() });
    let report = session.report().unwrap();
    assert_eq!(report.provider, Some(Provider::Cpu));
    assert!(report.nodes["CPUExecutionProvider"] >= 3 && report.nodes.len() == 1, "{:?}", report.nodes);
    assert!(report.arithmetic["float"] >= 3, "{:?}", report.arithmetic);
    assert!(report.load_ms > 0.0 && report.compile_ms > 0.0 && report.warm_up_ms.unwrap() > 0.0);
    assert!(report.class.starts_with("cpu-") && report.class.ends_with("-fp32-b4"), "{}", report.class);
    assert_eq!(report.class, bench.engine.execution_class(Precision::Fp32, 4));
    assert!(!report.class.contains(['.', ' ', '*', '>']), "a class is one token of a subject");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["device"], "cpu");
    assert!(json["speed_up"].is_null());
}

#[test]
fn without_warm_up_nothing_is_known_until_the_first_run() {
    let bench = Bench::new();
    let session = bench.open("classifier", &SessionOptions { warm_up: 0, ..SessionOptions::default() });
    let report = session.report().unwrap();
    assert!(report.warm_up_ms.is_none() && report.provider.is_none() && report.nodes.is_empty());
    session.run(&[("pixels", (&crate::fixture::pictures(1)).into())]).unwrap();
    assert_eq!(session.report().unwrap().provider, Some(Provider::Cpu));
}

#[test]
fn a_warm_up_that_cannot_be_is_told() {
    let report = Bench::new().open("blur", &SessionOptions::default()).report().unwrap();
    assert!(report.warm_up_ms.is_none());
    assert!(
        report.notes.iter().any(|note| note.contains("no warm-up") && note.contains("height")),
        "{:?}",
        report.notes
    );
}

#[test]
fn a_speed_up_is_measured_and_kept() {
    let session =
        Bench::new().open("classifier", &SessionOptions { micro_batch: Some(8), ..SessionOptions::default() });
    let ratio = session.measure_speed_up(Duration::from_millis(100)).unwrap();
    assert!(ratio.is_finite() && ratio > 0.05 && ratio < 100.0, "{ratio}");
    assert_eq!(session.report().unwrap().speed_up, Some(ratio));
}

#[test]
fn a_gpu_that_is_not_there_is_an_error_that_says_what_was_found() {
    if framefleet_infer::device::driver().is_ok() {
        return; // Another test's business: this machine has a gpu.
    }
    let options = EngineOptions { device: DeviceChoice::Cuda(0), ..EngineOptions::new("/nowhere") };
    let error = Engine::new(&runtime(), options).unwrap_err();
    assert!(matches!(error, InferError::Device { .. }));
    let text = error.to_string();
    for part in [
        "cuda:0 was asked for",
        "libnvidia-ml.so.1",
        "libonnxruntime_providers_cuda.so",
        "libonnxruntime_providers_tensorrt.so",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

#[test]
fn auto_falls_back_and_says_why() {
    if framefleet_infer::device::driver().is_ok() {
        return;
    }
    let cache = tempfile::tempdir().unwrap();
    let engine = Engine::new(&runtime(), EngineOptions::new(cache.path())).unwrap();
    assert_eq!(engine.device(), Device::Cpu);
    let report = engine.open(&model("classifier"), &SessionOptions::default()).unwrap().report().unwrap();
    assert!(report.notes.iter().any(|note| note.contains("no NVIDIA driver")), "{:?}", report.notes);
}

#[test]
fn devices_are_read_from_text() {
    assert_eq!("cuda:3".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(3));
    assert_eq!("cuda".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(0));
    assert!("gpu".parse::<DeviceChoice>().unwrap_err().to_string().contains("cuda:N"));
    assert!(library().is_file());
}

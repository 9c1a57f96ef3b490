//! The search for a batch size ends for the reason that it says, and is found again.
use crate::fixture::{Bench, library, model};
use framefleet_infer::{Device, Doctor, InferError, Precision, SessionOptions, Stopped, TuneOptions, Tuned};
use std::time::Duration;

fn options() -> TuneOptions {
    TuneOptions { time: Duration::from_millis(20), largest: 8, ..TuneOptions::default() }
}

#[test]
fn the_choice_is_one_of_the_trials_and_is_stored() {
    let bench = Bench::new();
    let model = model("classifier");
    assert!(Tuned::load(bench.cache.path(), &model.sha256, Device::Cpu, Precision::Fp32).unwrap().is_none());
    let tuned = Tuned::search(&bench.engine, &model, &options()).unwrap();
    let batches: Vec<usize> = tuned.trials.iter().map(|trial| trial.batch).collect();
    assert!(batches.iter().zip([1, 2, 4, 6, 8]).all(|(tried, step)| *tried == step), "{batches:?}");
    assert!(batches.contains(&tuned.micro_batch));
    assert!(matches!(tuned.stopped, Stopped::Throughput | Stopped::Largest));
    assert!(tuned.trials.iter().all(|trial| trial.items_per_second > 0.0 && trial.bytes > 0));
    assert!(tuned.class.ends_with(&format!("-b{}", tuned.micro_batch)));
    let found = Tuned::load(bench.cache.path(), &model.sha256, Device::Cpu, Precision::Fp32).unwrap().unwrap();
    assert_eq!((found.micro_batch, found.trials.len()), (tuned.micro_batch, tuned.trials.len()));
    assert!(Tuned::load(bench.cache.path(), &model.sha256, Device::Cpu, Precision::Int8).unwrap().is_none());
}

#[test]
fn memory_ends_the_search() {
    let bench = Bench::new();
    let one = SessionOptions { micro_batch: Some(1), ..SessionOptions::default() };
    let bytes = bench.open("classifier", &one).report().unwrap().memory.reserved;
    let tuned =
        Tuned::search(&bench.engine, &model("classifier"), &TuneOptions { memory: Some(bytes * 3 / 2), ..options() })
            .unwrap();
    assert_eq!((tuned.stopped, tuned.micro_batch), (Stopped::Memory, 1));
    let none = Tuned::search(&bench.engine, &model("classifier"), &TuneOptions { memory: Some(1), ..options() });
    assert!(matches!(none, Err(InferError::Budget { .. })));
}

#[test]
fn a_fixed_batch_is_not_searched() {
    let tuned = Tuned::search(&Bench::new().engine, &model("classifier_one"), &options()).unwrap();
    assert_eq!(tuned.micro_batch, 1);
    assert_eq!((tuned.trials.len(), tuned.stopped), (1, Stopped::Fixed));
}

#[test]
fn items_that_do_not_go_together_are_found_out() {
    for name in ["reshapes_to_one", "centres_the_batch"] {
        let tuned = Tuned::search(&Bench::new().engine, &model(name), &options()).unwrap();
        assert_eq!((tuned.micro_batch, tuned.trials.len(), tuned.stopped), (1, 1, Stopped::Dependent), "{name}");
    }
}

#[test]
fn the_doctor_says_what_is_there_and_what_mends_what_is_not() {
    let found = Doctor::examine(&library());
    let runtime = found.runtime.unwrap();
    assert_eq!(runtime.version, "1.31.1");
    assert_eq!(found.providers.len(), 3);
    assert!(found.providers[2].usable, "the CPU");
    if found.driver.is_none() {
        assert_eq!(found.auto, Device::Cpu);
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        assert!(found.providers[1].missing.contains(&"libonnxruntime_providers_cuda.so".to_owned()));
        assert!(!found.providers[1].usable);
    }
    // The other library is not there, and one is loaded already: said, with the command.
    let lost = Doctor::examine("/nowhere/lib.so".as_ref());
    assert!(lost.runtime.is_none() && !lost.providers[2].usable);
    assert!(
        lost.problems[0].what.contains("/nowhere/lib.so")
            && lost.problems[0].fix == "framefleet models pull onnxruntime"
    );
}

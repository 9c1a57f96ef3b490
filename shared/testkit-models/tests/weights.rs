//! The packed weights of a real model: a bit that flips on the disk is found before they are mapped.
#![cfg(test)]
use framefleet_infer::ndarray::Array4;
use framefleet_infer::runtime::LIBRARY_NAME;
use framefleet_infer::{CacheUse, DeviceChoice, Engine, EngineOptions, Outputs, Runtime, SessionOptions};
use framefleet_testkit_models::{cache_folder, model};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

fn engine(cache: &Path) -> Engine {
    let runtime = Runtime::open(&cache_folder().join("onnxruntime/capi").join(LIBRARY_NAME)).unwrap();
    let options = EngineOptions { device: DeviceChoice::Cpu, cache_use: CacheUse::On, ..EngineOptions::new(cache) };
    Engine::new(&runtime, options).unwrap()
}

/// A face's embedding, whether the compiled model was there, and what the report notes.
fn answer(cache: &Path) -> (Outputs, bool, Vec<String>) {
    let options = SessionOptions { micro_batch: Some(1), ..SessionOptions::default() };
    let session = engine(cache).open(&model("sface-2021dec").unwrap(), &options).unwrap();
    let face = Array4::from_shape_fn((1, 3, 112, 112), |(_, c, y, x)| ((c * 31 + y * 7 + x * 3) % 255) as f32);
    let name = session.inputs().unwrap()[0].name.clone();
    let outputs = session.run(&[(&name, (&face).into())]).unwrap();
    let report = session.report().unwrap();
    (outputs, report.cache_hit, report.notes)
}

fn weights(cache: &Path) -> PathBuf {
    let entry = std::fs::read_dir(cache.join("graphs")).unwrap().flatten().find(|entry| entry.path().is_dir()).unwrap();
    entry.path().join("weights.bin")
}

#[test]
fn a_flipped_bit_in_mapped_weights_is_found_by_the_next_process() {
    let cache = tempfile::tempdir().unwrap();
    let (before, hit, _) = answer(cache.path());
    assert!(!hit);
    let path = weights(cache.path());
    let made = std::fs::read(&path).unwrap();
    assert!(made.len() > 10 << 20, "{} bytes of weights", made.len());
    let (again, hit, notes) = answer(cache.path());
    assert!(hit && again == before, "{notes:?}");

    // The highest bit of an exponent, in the middle.
    let place = (made.len() / 8 * 4 + 3) as u64;
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[made[place as usize] ^ 0x40], place).unwrap();
    let (repaired, hit, notes) = answer(cache.path());
    assert!(!hit && notes.iter().any(|note| note.contains("weights.bin is not what was written")), "{notes:?}");
    assert_eq!(repaired, before);

    let file = std::fs::File::options().write(true).open(weights(cache.path())).unwrap();
    file.set_len(made.len() as u64 - 4096).unwrap();
    let (repaired, hit, notes) = answer(cache.path());
    assert!(!hit && notes.iter().any(|note| note.contains("weights.bin has")), "{notes:?}");
    assert_eq!(repaired, before);
    assert!(answer(cache.path()).1);
}

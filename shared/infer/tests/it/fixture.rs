//! The runtime, the small models of `tools/infer_fixtures.py`, and numbers to put in.
use framefleet_infer::ndarray::Array4;
use framefleet_infer::{Device, DeviceChoice, Engine, EngineOptions, Model, Runtime, Session, SessionOptions};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub fn library() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/onnxruntime/capi");
    let path = folder.join(framefleet_infer::runtime::LIBRARY_NAME);
    assert!(path.is_file(), "{} is missing: tools/onnxruntime.sh .cache/onnxruntime", path.display());
    path
}

pub fn runtime() -> Runtime {
    Runtime::open(&library()).unwrap()
}

pub fn model(name: &str) -> Model {
    model_at(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(format!("{name}.onnx")))
}

pub fn model_at(path: &Path) -> Model {
    let digest = Sha256::digest(std::fs::read(path).unwrap());
    Model {
        name: path.file_stem().unwrap().to_string_lossy().into_owned(),
        path: path.to_owned(),
        sha256: hex::encode(digest),
    }
}

/// An engine on the CPU with a cache of its own.
pub struct Bench {
    pub engine: Engine,
    pub cache: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut EngineOptions)) -> Self {
        let cache = tempfile::tempdir().unwrap();
        let mut options = EngineOptions { device: DeviceChoice::Cpu, ..EngineOptions::new(cache.path()) };
        change(&mut options);
        let engine = Engine::new(&runtime(), options).unwrap();
        assert_eq!(engine.device(), Device::Cpu);
        Self { engine, cache }
    }

    pub fn open(&self, name: &str, options: &SessionOptions) -> Session {
        self.engine.open(&model(name), options).unwrap()
    }
}

/// Pictures of fixed noise: `count` of 3 × 16 × 16, values in −1…1.
pub fn pictures(count: usize) -> Array4<f32> {
    Array4::from_shape_fn((count, 3, 16, 16), |(n, c, y, x)| {
        let mixed = (n * 7919 + c * 104_729 + y * 1_299_709 + x * 15_485_863 + 1).wrapping_mul(2_654_435_761) >> 8;
        (mixed % 2001) as f32 / 1000.0 - 1.0
    })
}

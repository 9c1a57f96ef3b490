//! Whether devices compute what they should: a small net with fixed weights on fixed numbers, against outputs that are stored here.
use crate::device::{self, Device};
use crate::options::{CacheUse, DeviceChoice, EngineOptions, Model, SessionOptions};
use crate::precision::Precision;
use crate::provider::Provider;
use crate::runtime::Runtime;
use crate::{Engine, InferError};
use ndarray::Array4;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A convolutional classifier of 3 × 16 × 16 numbers with random weights (`tools/infer_fixtures.py`).
const NET: &[u8] = include_bytes!("self_check.onnx");
const ITEMS: usize = 2;
/// Its outputs for [`numbers`], item by item, by ONNX Runtime 1.31.1 on the CPU in 32 bits.
const SCORES: &[f32] = &[
    -0.40260828,
    -0.18148008,
    0.0015522003,
    -0.04835773,
    -0.124589995,
    -0.38739407,
    -0.17556924,
    0.005215251,
    -0.033270016,
    -0.11595976,
];

/// What came of a check.
#[derive(Debug, Clone, Serialize)]
pub struct SelfCheck {
    /// The device.
    pub device: Device,
    /// What was to run the net.
    pub provider: Provider,
    /// In this arithmetic.
    pub precision: Precision,
    /// Largest difference from the stored outputs; `None` if it did not run.
    pub difference: Option<f32>,
    /// Largest difference that is still right: GPUs multiply in fewer bits (TF32), and sum in another order.
    pub tolerance: f32,
    /// Whether it ran, on that provider, and is right.
    pub passed: bool,
    /// What happened instead.
    pub reason: Option<String>,
}

/// Runs the net on a device by a provider.
pub(super) fn run(runtime: &Runtime, device: Device, provider: Provider, precision: Precision) -> SelfCheck {
    let tolerance = match (device, precision) {
        (Device::Cpu, _) => 1e-5,
        (_, Precision::Fp32) => 2e-3,
        _ => 2e-2,
    };
    let ran = scores(runtime, device, provider, precision);
    let check = SelfCheck { device, provider, precision, difference: None, tolerance, passed: false, reason: None };
    match ran {
        Ok(found) => judge(check, &found),
        Err(error) => SelfCheck { reason: Some(error.to_string()), ..check },
    }
}

fn judge(check: SelfCheck, found: &[f32]) -> SelfCheck {
    // NaN is no difference that `max` would keep.
    let apart = |(found, wanted): (&f32, &f32)| if found.is_finite() { (found - wanted).abs() } else { f32::INFINITY };
    let difference = found.iter().zip(SCORES).map(apart).fold(0.0, f32::max);
    let passed = found.len() == SCORES.len() && difference <= check.tolerance;
    let reason = (!passed)
        .then(|| format!("outputs differ by {difference} from the stored ones, at most {} is right", check.tolerance));
    SelfCheck { difference: Some(difference), passed, reason, ..check }
}

fn scores(runtime: &Runtime, device: Device, provider: Provider, precision: Precision) -> Result<Vec<f32>, InferError> {
    let folder = tempfile::tempdir().map_err(InferError::cache(&std::env::temp_dir()))?;
    let path = folder.path().join("self-check.onnx");
    std::fs::write(&path, NET).map_err(InferError::cache(&path))?;
    let model = Model { name: "self-check".to_owned(), path, sha256: hex::encode(Sha256::digest(NET)) };
    let choice = match device {
        Device::Cpu => DeviceChoice::Cpu,
        Device::Cuda(number) => DeviceChoice::Cuda(number),
    };
    let options = EngineOptions {
        device: choice,
        providers: vec![provider],
        cache_use: CacheUse::Off,
        ..EngineOptions::new(folder.path())
    };
    let engine = Engine::new(runtime, options)?;
    let session =
        engine.open(&model, &SessionOptions { micro_batch: Some(ITEMS), precision, ..SessionOptions::default() })?;
    let outputs = session.run(&[("pixels", (&numbers()).into())])?;
    match session.report()?.provider {
        Some(ran) if ran == provider => Ok(outputs.get::<f32>("scores")?.iter().copied().collect()),
        ran => Err(InferError::Device {
            asked: provider.to_string(),
            found: format!("the net ran on {}", ran.map_or_else(|| "nothing".to_owned(), |ran| ran.to_string())),
        }),
    }
}

/// Numbers between −1 and 1, the same everywhere.
fn numbers() -> Array4<f32> {
    Array4::from_shape_fn((ITEMS, 3, 16, 16), |(item, channel, y, x)| {
        let at = ((item * 3 + channel) * 16 + y) * 16 + x;
        ((at * 7919) % 2001) as f32 / 1000.0 - 1.0
    })
}

/// What can be checked here.
pub(super) fn run_all(runtime: &Runtime, driver: Option<&device::Driver>, usable: &[Provider]) -> Vec<SelfCheck> {
    let mut checks = vec![run(runtime, Device::Cpu, Provider::Cpu, Precision::Fp32)];
    for gpu in driver.iter().flat_map(|driver| &driver.gpus) {
        let device = Device::Cuda(gpu.number);
        for provider in usable.iter().copied().filter(|provider| *provider != Provider::Cpu) {
            checks.push(run(runtime, device, provider, Precision::Fp32));
            if provider == Provider::TensorRt {
                checks.push(run(runtime, device, provider, Precision::Fp16));
            }
        }
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check() -> SelfCheck {
        SelfCheck {
            device: Device::Cpu,
            provider: Provider::Cpu,
            precision: Precision::Fp32,
            difference: None,
            tolerance: 1e-5,
            passed: false,
            reason: None,
        }
    }

    #[test]
    fn a_wrong_number_a_missing_one_and_one_that_is_none_are_seen() {
        assert!(judge(check(), SCORES).passed);
        let mut wrong = SCORES.to_vec();
        wrong[3] += 2e-5;
        let found = judge(check(), &wrong);
        assert!(!found.passed && found.reason.unwrap().contains("differ by"));
        wrong[3] = f32::NAN;
        assert!(!judge(check(), &wrong).passed);
        assert!(!judge(check(), &SCORES[1..]).passed);
    }

    #[test]
    #[ignore = "prints the outputs that are stored above"]
    fn outputs() {
        let library = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../.cache/onnxruntime/capi/libonnxruntime.so.1.31.1");
        let runtime = Runtime::open(&library).unwrap();
        println!("{:?}", scores(&runtime, Device::Cpu, Provider::Cpu, Precision::Fp32).unwrap());
    }
}

//! Running models: a file in, typed tensors out. Devices, providers, precision, compiled models, memory and micro-batches are settled here once.
//!
//! A [`Runtime`] is the inference library of this process, an [`Engine`] a device with a memory budget, a [`Session`] a model that any
//! thread may run. Callers give a file and its digest; this crate knows no catalogue and no network.
//!
//! ```no_run
//! # use framefleet_infer::{Engine, EngineOptions, InferError, Model, Runtime, SessionOptions};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::open("libonnxruntime.so.1.31.1".as_ref())?;
//! let engine = Engine::new(&runtime, EngineOptions::new(".cache/infer"))?;
//! let model = Model { name: "classifier".into(), path: "classifier.onnx".into(), sha256: "…".into() };
//! let session = engine.open(&model, &SessionOptions { micro_batch: Some(8), ..SessionOptions::default() })?;
//! let pictures = vec![ndarray::Array3::<f32>::zeros((3, 16, 16)); 33];
//! let mut scores = Vec::new();
//! session.run_batches::<InferError>(
//!     pictures.len(),
//!     &[],
//!     |item, inputs| { inputs.input::<f32>("pixels")?.assign(&pictures[item]); Ok(()) },
//!     |_, outputs| { scores.push(outputs.output::<f32>("scores")?.to_owned()); Ok(()) },
//! )?;
//! println!("{}", serde_json::to_string_pretty(&session.report()?)?);
//! # Ok(())
//! # }
//! ```

mod batch;
pub mod budget;
mod cache;
pub mod device;
mod device_time;
mod digests;
mod doctor;
mod engine;
mod error;
mod file_precision;
mod independence;
mod loaded_model;
mod loader;
mod onnx;
mod options;
mod pool;
mod precision;
mod profile;
mod provider;
mod ran;
mod recorder;
mod report;
mod resident;
pub mod runtime;
mod session;
mod spec;
mod step_models;
pub mod tensor;
#[cfg(feature = "torch")]
mod torchscript;
mod trouble;
mod tune;
mod values;
mod version;

pub use batch::{ItemInputs, ItemOutputs};
pub use device::{Device, Driver, Gpu};
pub use device_time::device_seconds;
pub use doctor::{Cpu, DeviceState, Doctor, NvidiaVersions, Problem, ProviderState, RuntimeFound, SelfCheck};
pub use engine::Engine;
pub use error::InferError;
pub use options::{CacheUse, DeviceChoice, EngineOptions, Model, Optimisation, SessionOptions};
pub use precision::Precision;
pub use provider::Provider;
pub use recorder::Recorder;
pub use report::{Memory, SessionReport};
pub use runtime::{Runtime, RuntimeError};
pub use session::{OutputViews, Outputs, Session};
pub use spec::{Dim, TensorSpec};
pub use step_models::{StepModel, StepModels};
pub use tensor::{Element, ElementType, Tensor, TensorView, TensorViewMut};
#[cfg(feature = "torch")]
pub use torchscript::Signature;
pub use tune::{Stopped, Trial, TuneOptions, Tuned};
pub use version::Version;

/// 16-bit floating point numbers, as this crate takes and gives them.
pub use half::f16;
/// Arrays, as this crate takes and gives them.
pub use ndarray;

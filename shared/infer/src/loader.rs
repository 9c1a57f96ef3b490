//! From a model's file to sessions: digest, compiled model, options of the runtime.
use crate::InferError;
use crate::cache::{self, Key, Origin};
use crate::device::{Device, Resolved};
use crate::device_time::DeviceTime;
use crate::file_precision;
use crate::loaded_model::LoadedModel;
use crate::onnx::OnnxSession;
use crate::options::{CacheUse, EngineOptions, Model, Optimisation, SessionOptions};
use crate::precision::Precision;
use crate::provider::Provider;
use crate::report::execution_class;
use crate::runtime::Runtime;
use crate::spec::Dim;
use crate::trouble::DeviceState;
use crate::values::specs;
use ort::ep::{self, ExecutionProviderDispatch};
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use sha2::{Digest, Sha256};
use std::fmt::Display;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Weights from this size on lie in a file of their own, which all sessions map.
const MAPPED_FROM_BYTES: usize = 1024;
/// Names inside an entry of the cache.
const GRAPH: &str = "model.onnx";
const WEIGHTS: &str = "weights.bin";

/// What kind of file a model is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Format {
    Onnx,
    #[cfg(feature = "torch")]
    TorchScript(crate::torchscript::Signature),
}

/// Everything that sessions of one model are made with.
#[derive(Clone)]
pub(crate) struct Loader {
    pub runtime: Runtime,
    pub engine: EngineOptions,
    pub resolved: Resolved,
    /// How long the device was occupied; `None` on the CPU, whose time is the thread's.
    pub device_time: Option<Arc<DeviceTime>>,
    /// Whether the device is still there.
    pub state: Arc<DeviceState>,
    pub model: Model,
    pub format: Format,
    pub options: SessionOptions,
}

/// A model that is ready to be opened any number of times.
pub(crate) struct Prepared {
    /// Compiled form, or the model's own file.
    source: PathBuf,
    level: Optimisation,
    /// Dimensions to fix while loading, by name.
    dims: Vec<(String, usize)>,
    /// Folder of compiled engines, for TensorRT.
    engines: Option<PathBuf>,
    /// Bytes of weights that all sessions share.
    pub shared_bytes: u64,
    /// How the compiled model came to be there; `None` where there is none.
    pub origin: Option<Origin>,
    /// Time to make it.
    pub compile: Duration,
}

impl Loader {
    /// Checks the file and sees that the compiled model is there.
    pub fn prepare(&self, refresh: bool) -> Result<Prepared, InferError> {
        verify(&self.model)?;
        self.check_precision()?;
        let began = Instant::now();
        let mut prepared = Prepared {
            source: self.model.path.clone(),
            level: self.options.optimisation,
            dims: self.options.dims.iter().map(|(name, size)| (name.clone(), *size)).collect(),
            engines: None,
            shared_bytes: 0,
            origin: None,
            compile: Duration::ZERO,
        };
        if self.format != Format::Onnx {
            return Ok(prepared);
        }
        if self.engine.cache_use == CacheUse::Off {
            prepared.dims.extend(self.batch_dimension()?);
        } else if self.resolved.device == Device::Cpu {
            let make = |folder: &Path| self.optimise(&prepared, folder);
            let (place, origin) = cache::entry(&self.engine.cache, "graphs", &self.key(), refresh, make)?;
            prepared.shared_bytes = cache::folder_bytes(&place);
            prepared.source = place.join(GRAPH);
            prepared.level = Optimisation::Off;
            prepared.dims.clear();
            prepared.origin = Some(origin);
        } else {
            prepared.dims.extend(self.batch_dimension()?);
            if self.resolved.providers.contains(&Provider::TensorRt) {
                let make = |folder: &Path| self.build_engines(&prepared, folder);
                let (place, origin) = cache::entry(&self.engine.cache, "engines", &self.key(), refresh, make)?;
                prepared.engines = Some(place);
                prepared.origin = Some(origin);
            }
        }
        if self.engine.cache_use != CacheUse::Off && prepared.origin != Some(Origin::Found) {
            prepared.compile = began.elapsed();
        }
        Ok(prepared)
    }

    /// One session. The first of a pool is profiled during its first run.
    pub fn open(&self, prepared: &Prepared, profiled: bool) -> Result<Box<dyn LoadedModel>, InferError> {
        #[cfg(feature = "torch")]
        if let Format::TorchScript(signature) = &self.format {
            let (model, device) = (&self.model, self.resolved.device);
            return Ok(Box::new(crate::torchscript::TorchScript::open(model, device, signature, &self.options)?));
        }
        let mut builder = self.builder(prepared, prepared.engines.as_deref())?;
        let mut folder = None;
        if profiled {
            let made = TempDir::new().map_err(InferError::cache(&std::env::temp_dir()))?;
            builder = self.set(builder.with_profiling(made.path().join("run")))?;
            folder = Some(made);
        }
        let session = self.set(builder.commit_from_file(&prepared.source))?;
        Ok(Box::new(self.session(session, folder)?))
    }

    /// The same model and device without graph optimisation or compiling: what a measured speed-up is measured against.
    pub fn open_plain(&self) -> Result<Box<dyn LoadedModel>, InferError> {
        let mut resolved = self.resolved.clone();
        resolved.providers.retain(|provider| *provider != Provider::TensorRt);
        let options = SessionOptions { optimisation: Optimisation::Off, ..self.options.clone() };
        let engine = EngineOptions { cache_use: CacheUse::Off, ..self.engine.clone() };
        let (runtime, model, format) = (self.runtime.clone(), self.model.clone(), self.format.clone());
        let state = self.state.clone();
        let plain = Self { runtime, engine, resolved, device_time: None, state, model, format, options };
        plain.open(&plain.prepare(false)?, false)
    }

    /// Execution class of its sessions.
    pub fn class(&self, micro_batch: usize) -> String {
        let (architecture, precision) = (&self.resolved.architecture, self.options.precision);
        match &self.format {
            Format::Onnx => execution_class(self.resolved.offered(), architecture, precision, micro_batch),
            #[cfg(feature = "torch")]
            Format::TorchScript(_) => execution_class("torchscript", architecture, precision, micro_batch),
        }
    }

    fn set<T, E: Display>(&self, result: Result<T, E>) -> Result<T, InferError> {
        result.map_err(|error| {
            let (words, batch) = (error.to_string(), self.options.micro_batch.unwrap_or(1));
            let judged = self.state.judge(&self.model.name, self.resolved.device, batch, &words);
            judged.unwrap_or_else(|| InferError::Load { model: self.model.name.clone(), reason: words })
        })
    }

    fn session(&self, session: Session, profiling: Option<TempDir>) -> Result<OnnxSession, InferError> {
        let (device, batch) = (self.resolved.device, self.options.micro_batch);
        OnnxSession::new(&self.model.name, device, self.state.clone(), session, batch, profiling)
    }

    fn builder(&self, prepared: &Prepared, engines: Option<&Path>) -> Result<SessionBuilder, InferError> {
        let mut builder = self.set(SessionBuilder::new(self.runtime.environment()))?;
        builder = self.set(builder.with_optimization_level(level(prepared.level)))?;
        builder = self.set(builder.with_intra_threads(self.options.threads))?;
        builder = self.set(builder.with_inter_threads(1))?;
        if let (Device::Cpu, Some(limit)) = (self.resolved.device, self.engine.arena_limit) {
            self.set(self.runtime.limit_arena(limit))?;
            builder = self.set(builder.with_env_allocators())?;
        }
        for (name, size) in &prepared.dims {
            builder = self.set(builder.with_dimension_override(name, *size as i64))?;
        }
        self.set(builder.with_execution_providers(self.execution_providers(engines)))
    }

    fn execution_providers(&self, engines: Option<&Path>) -> Vec<ExecutionProviderDispatch> {
        let Device::Cuda(number) = self.resolved.device else { return Vec::new() };
        let number = number as i32;
        let provider = |provider: &Provider| match provider {
            Provider::TensorRt => {
                let mut options = ep::TensorRT::default()
                    .with_device_id(number)
                    .with_fp16(self.options.precision == Precision::Fp16)
                    .with_int8(self.options.precision == Precision::Int8);
                if let Some(limit) = self.engine.arena_limit {
                    options = options.with_max_workspace_size(limit as usize);
                }
                if let Some(folder) = engines {
                    let folder = folder.display();
                    options = options.with_engine_cache(true).with_engine_cache_path(&folder);
                    options = options.with_timing_cache(true).with_timing_cache_path(&folder);
                }
                Some(options.build().error_on_failure())
            }
            Provider::Cuda => {
                let mut options = ep::CUDA::default().with_device_id(number);
                if let Some(limit) = self.engine.arena_limit {
                    // By what is asked for: doubling would overshoot the limit long before it is reached.
                    options = options.with_memory_limit(limit as usize);
                    options = options.with_arena_extend_strategy(ep::ArenaExtendStrategy::SameAsRequested);
                }
                Some(options.build().error_on_failure())
            }
            Provider::Cpu => None,
        };
        self.resolved.providers.iter().filter_map(provider).collect()
    }

    /// The graph as the runtime rewrites it, its weights packed for the kernels, in files that sessions map: they then share them.
    fn optimise(&self, prepared: &Prepared, folder: &Path) -> Result<(), InferError> {
        let mut builder = self.builder(prepared, None)?;
        if let Some((name, size)) = self.batch_dimension()? {
            builder = self.set(builder.with_dimension_override(name, size as i64))?;
        }
        builder = self.set(builder.with_optimized_model_path(folder.join(GRAPH)))?;
        let entries = [
            ("session.optimized_model_external_initializers_file_name", WEIGHTS.to_owned()),
            ("session.optimized_model_external_initializers_min_size_in_bytes", MAPPED_FROM_BYTES.to_string()),
            ("session.save_external_prepacked_constant_initializers", "1".to_owned()),
        ];
        for (key, value) in entries {
            builder = self.set(builder.with_config_entry(key, value))?;
        }
        self.set(builder.commit_from_file(&prepared.source))?;
        Ok(())
    }

    /// TensorRT compiles when a session is made, or at its first run where shapes were open.
    fn build_engines(&self, prepared: &Prepared, folder: &Path) -> Result<(), InferError> {
        let mut builder = self.builder(prepared, Some(folder))?;
        let session = self.set(builder.commit_from_file(&prepared.source))?;
        let mut session = self.session(session, None)?;
        match session.run_buffers(&mut |_| Ok(())) {
            Err(InferError::OpenShape { .. }) => Ok(()),
            other => other,
        }
    }

    /// The open first axis of the first input, if a micro-batch is to fill it.
    fn batch_dimension(&self) -> Result<Option<(String, usize)>, InferError> {
        let Some(batch) = self.options.micro_batch else { return Ok(None) };
        let mut builder = self.set(SessionBuilder::new(self.runtime.environment()))?;
        builder = self.set(builder.with_optimization_level(GraphOptimizationLevel::Disable))?;
        let session = self.set(builder.commit_from_file(&self.model.path))?;
        let inputs = specs(&self.model.name, session.inputs())?;
        Ok(match inputs.first().and_then(|spec| spec.shape.first()) {
            Some(Dim::Open(name)) if !name.is_empty() && !self.options.dims.contains_key(name) => {
                Some((name.clone(), batch))
            }
            _ => None,
        })
    }

    /// What a compiled model depends on.
    fn key(&self) -> String {
        let mut key = Key::new()
            .with("model", &self.model.sha256)
            .with("runtime", self.runtime.version())
            .with("architecture", &self.resolved.architecture)
            .with("precision", self.options.precision)
            .with("optimisation", self.options.optimisation)
            .with("batch", self.options.micro_batch.unwrap_or(0));
        for provider in &self.resolved.providers {
            key = key.with("provider", provider);
        }
        for (name, size) in &self.options.dims {
            key = key.with("dimension", name).with("size", size);
        }
        key.text()
    }

    /// Whether the file, or what the first provider makes of it, is what was asked for.
    fn check_precision(&self) -> Result<(), InferError> {
        let wanted = self.options.precision;
        let have = match &self.format {
            Format::Onnx => file_precision::of_file(&self.model.name, &self.model.path)?.unwrap_or(wanted),
            #[cfg(feature = "torch")]
            Format::TorchScript(_) => Precision::Fp32,
        };
        let first = self.resolved.offered();
        let fits =
            have == wanted || (first == Provider::TensorRt && have == Precision::Fp32 && wanted == Precision::Fp16);
        if fits {
            Ok(())
        } else {
            Err(InferError::Precision { model: self.model.name.clone(), have, wanted, provider: first })
        }
    }
}

fn level(level: Optimisation) -> GraphOptimizationLevel {
    match level {
        Optimisation::Off => GraphOptimizationLevel::Disable,
        Optimisation::Basic => GraphOptimizationLevel::Level1,
        Optimisation::Extended => GraphOptimizationLevel::Level2,
        Optimisation::All => GraphOptimizationLevel::All,
    }
}

/// The bytes are those that were asked for.
fn verify(model: &Model) -> Result<(), InferError> {
    let problem = |source| InferError::File { path: model.path.clone(), source };
    let mut file = std::fs::File::open(&model.path).map_err(problem)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).map_err(problem)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    let found = hex::encode(hash.finalize());
    if found.eq_ignore_ascii_case(&model.sha256) {
        return Ok(());
    }
    Err(InferError::Digest { path: model.path.clone(), wanted: model.sha256.clone(), found })
}

//! All models of a process on one device, under one memory budget.
use crate::InferError;
use crate::device::{self, Resolved};
use crate::device_time::DeviceTime;
use crate::loader::{Format, Loader};
use crate::options::{EngineOptions, Model, SessionOptions};
use crate::precision::Precision;
use crate::provider::Provider;
use crate::report::{SessionReport, execution_class};
use crate::resident::{Resident, Residents};
use crate::runtime::Runtime;
use crate::session::Session;
use crate::trouble::DeviceState;
use std::sync::Arc;

/// Opens models on one device. Clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    runtime: Runtime,
    options: EngineOptions,
    resolved: Resolved,
    device_time: Option<Arc<DeviceTime>>,
    residents: Arc<Residents>,
    state: Arc<DeviceState>,
}

impl Engine {
    /// Finds the device. A GPU that was asked for and cannot be used is an error; `auto` falls back to the CPU, see [`Engine::notes`].
    pub fn new(runtime: &Runtime, options: EngineOptions) -> Result<Self, InferError> {
        let resolved = device::resolve(options.device, &options.providers, runtime.library())?;
        let runtime = runtime.clone();
        let device_time = (resolved.device != device::Device::Cpu).then(Arc::default);
        let residents = Arc::new(Residents::new(&options));
        Ok(Self(Arc::new(Inner { runtime, options, resolved, device_time, residents, state: Arc::default() })))
    }

    /// The device that was found.
    pub fn device(&self) -> device::Device {
        self.0.resolved.device
    }

    /// Providers that are offered the nodes, the first one first.
    pub fn providers(&self) -> &[Provider] {
        &self.0.resolved.providers
    }

    /// Why `auto` is the CPU, and which providers were left out.
    pub fn notes(&self) -> &[String] {
        &self.0.resolved.notes
    }

    /// Folder of compiled models and tuning results.
    pub fn cache(&self) -> &std::path::Path {
        &self.0.options.cache
    }

    /// The execution class that a session would have; nothing is loaded.
    pub fn execution_class(&self, precision: Precision, micro_batch: usize) -> String {
        execution_class(self.0.resolved.offered(), &self.0.resolved.architecture, precision, micro_batch)
    }

    /// Opens a model, or gives the session of the same model and options that is open already. Its file is checked and loaded now.
    pub fn open(&self, model: &Model, options: &SessionOptions) -> Result<Session, InferError> {
        self.open_as(Format::Onnx, model, options)
    }

    /// Opens a TorchScript module. Nothing of it is compiled beforehand or cached, and every session has weights of its own.
    #[cfg(feature = "torch")]
    pub fn open_torchscript(
        &self,
        model: &Model,
        signature: crate::Signature,
        options: &SessionOptions,
    ) -> Result<Session, InferError> {
        self.open_as(Format::TorchScript(signature), model, options)
    }

    fn open_as(&self, format: Format, model: &Model, options: &SessionOptions) -> Result<Session, InferError> {
        options.check()?;
        let inner = &self.0;
        let same = |loader: &Loader| {
            loader.model.sha256 == model.sha256 && loader.options == *options && loader.format == format
        };
        let resident = inner.residents.find(same).unwrap_or_else(|| {
            Arc::new(Resident::new(Loader {
                runtime: inner.runtime.clone(),
                engine: inner.options.clone(),
                resolved: inner.resolved.clone(),
                device_time: inner.device_time.clone(),
                state: inner.state.clone(),
                model: model.clone(),
                format: format.clone(),
                options: options.clone(),
            }))
        });
        Session::open(inner.residents.clone(), resident)
    }

    /// Names of the models that are in memory now, in the order of opening.
    pub fn loaded(&self) -> Vec<String> {
        let residents = self.0.residents.all();
        let loaded = residents.iter().filter(|resident| resident.loaded().is_some());
        loaded.map(|resident| resident.loader().model.name.clone()).collect()
    }

    /// What really ran so far, of the models that are in memory now. The order of eviction stays.
    pub fn reports(&self) -> Vec<SessionReport> {
        let residents = self.0.residents.all();
        residents.iter().filter_map(|resident| Some(resident.report(&*resident.loaded()?))).collect()
    }

    /// Bytes that the budget reckons with now.
    pub fn reserved_bytes(&self) -> u64 {
        self.0.residents.bytes()
    }

    /// Why the device failed for good; nothing runs on it any more.
    pub fn lost(&self) -> Option<&str> {
        self.0.state.lost()
    }

    /// Bytes that models may occupy.
    pub fn memory_budget(&self) -> Option<u64> {
        self.0.options.memory_budget
    }

    /// Unloads every model that nobody runs.
    pub fn evict_idle(&self) {
        self.0.residents.evict_idle();
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "engine on {} with {:?}", self.device(), self.0.runtime)
    }
}

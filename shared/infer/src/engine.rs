//! All models of a process on one device, under one memory budget.
use crate::InferError;
use crate::device::{self, Resolved};
use crate::device_time::DeviceTime;
use crate::loader::{Format, Loader};
use crate::options::{CacheUse, EngineOptions, Model, Precision, SessionOptions};
use crate::pool::Pool;
use crate::provider::Provider;
use crate::report::{SessionReport, execution_class};
use crate::runtime::Runtime;
use crate::session::Session;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Opens models on one device. Clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

pub(crate) struct Shared {
    runtime: Runtime,
    options: EngineOptions,
    resolved: Resolved,
    device_time: Option<Arc<DeviceTime>>,
    /// Counts uses, for the order of eviction.
    clock: AtomicU64,
    models: Mutex<Models>,
}

/// Models that were opened. Its lock is held while a model loads: loads wait for each other, running sessions do not.
#[derive(Default)]
struct Models {
    entries: Vec<Arc<Entry>>,
    refreshed: BTreeSet<(String, String)>,
}

/// A model with its options; loaded or evicted.
pub(crate) struct Entry {
    pub loader: Loader,
    pool: RwLock<Option<Arc<Pool>>>,
    last_used: AtomicU64,
    speed_up: Mutex<Option<f64>>,
}

impl Entry {
    pub fn speed_up(&self) -> Option<f64> {
        *self.speed_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_speed_up(&self, ratio: f64) {
        *self.speed_up.lock().unwrap_or_else(PoisonError::into_inner) = Some(ratio);
    }

    fn loaded(&self) -> Option<Arc<Pool>> {
        self.pool.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Bytes that the budget reckons with.
    fn bytes(&self) -> u64 {
        self.loaded().map_or(0, |pool| pool.memory(self.loader.options.pool).reserved)
    }

    /// Unloads the model unless somebody runs it. A pool is only cloned under the read lock, so a count of one stays one here.
    fn evict(&self) -> bool {
        let mut pool = self.pool.write().unwrap_or_else(PoisonError::into_inner);
        let idle = pool.as_ref().is_some_and(|pool| Arc::strong_count(pool) == 1);
        if idle {
            *pool = None;
        }
        idle
    }
}

impl Engine {
    /// Finds the device. A card that was asked for and cannot be used is an error; `auto` falls back to the CPU, see [`Engine::notes`].
    pub fn new(runtime: &Runtime, options: EngineOptions) -> Result<Self, InferError> {
        let resolved = device::resolve(options.device, &options.providers, runtime.library())?;
        let runtime = runtime.clone();
        let device_time = (resolved.device != device::Device::Cpu).then(Arc::default);
        let (clock, models) = (AtomicU64::new(0), Mutex::default());
        Ok(Self(Arc::new(Shared { runtime, options, resolved, device_time, clock, models })))
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

    /// Folder of compiled forms and tuning results.
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
        let same = |entry: &&Arc<Entry>| {
            let loader = &entry.loader;
            loader.model.sha256 == model.sha256 && loader.options == *options && loader.format == format
        };
        let known = self.0.models().entries.iter().find(same).cloned();
        let entry = known.unwrap_or_else(|| {
            let loader = Loader {
                runtime: self.0.runtime.clone(),
                engine: self.0.options.clone(),
                resolved: self.0.resolved.clone(),
                device_time: self.0.device_time.clone(),
                model: model.clone(),
                format: format.clone(),
                options: options.clone(),
            };
            Arc::new(Entry {
                loader,
                pool: RwLock::new(None),
                last_used: AtomicU64::new(0),
                speed_up: Mutex::new(None),
            })
        });
        let session = Session { engine: self.0.clone(), entry };
        session.pool()?;
        Ok(session)
    }

    /// Names of the models that are in memory now, in the order of opening.
    pub fn loaded(&self) -> Vec<String> {
        let models = self.0.models();
        let loaded = models.entries.iter().filter(|entry| entry.loaded().is_some());
        loaded.map(|entry| entry.loader.model.name.clone()).collect()
    }

    /// What really ran so far, of the models that are in memory now.
    pub fn reports(&self) -> Vec<SessionReport> {
        let entries = self.0.models().entries.clone();
        let loaded = entries.into_iter().filter_map(|entry| Some((entry.loaded()?, entry)));
        // To be looked at is no use: the order of eviction stays.
        loaded.map(|(pool, entry)| Session { engine: self.0.clone(), entry }.report_of(&pool)).collect()
    }

    /// Bytes that the budget reckons with now.
    pub fn reserved_bytes(&self) -> u64 {
        self.0.models().entries.iter().map(|entry| entry.bytes()).sum()
    }

    /// Unloads every model that nobody runs.
    pub fn evict_idle(&self) {
        self.0.models().entries.iter().for_each(|entry| {
            entry.evict();
        });
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "engine on {} with {:?}", self.device(), self.0.runtime)
    }
}

impl Shared {
    fn models(&self) -> MutexGuard<'_, Models> {
        // Entries are only added, and evicted ones are marked so by themselves.
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The loaded model; loads it if it is new or was evicted.
    pub fn pool(&self, entry: &Arc<Entry>) -> Result<Arc<Pool>, InferError> {
        entry.last_used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        if let Some(pool) = entry.loaded() {
            return Ok(pool);
        }
        let mut models = self.models();
        if let Some(pool) = entry.loaded() {
            return Ok(pool);
        }
        let least = std::fs::metadata(&entry.loader.model.path).map_or(0, |file| file.len());
        self.make_room(&models, entry, least)?;
        let identity = (entry.loader.model.sha256.clone(), format!("{:?}", entry.loader.options));
        let refresh = self.options.cache_use == CacheUse::Refresh && !models.refreshed.contains(&identity);
        let pool = Arc::new(Pool::open(&entry.loader, refresh)?);
        self.make_room(&models, entry, pool.memory(entry.loader.options.pool).reserved)?;
        models.refreshed.insert(identity);
        if !models.entries.iter().any(|known| Arc::ptr_eq(known, entry)) {
            models.entries.push(entry.clone());
        }
        *entry.pool.write().unwrap_or_else(PoisonError::into_inner) = Some(pool.clone());
        Ok(pool)
    }

    /// Evicts idle models, the least recently used first, until `needed` bytes fit.
    fn make_room(&self, models: &Models, entry: &Arc<Entry>, needed: u64) -> Result<(), InferError> {
        let Some(budget) = self.options.memory_budget else { return Ok(()) };
        let mut others: Vec<&Arc<Entry>> = models.entries.iter().filter(|other| !Arc::ptr_eq(other, entry)).collect();
        others.sort_by_key(|other| other.last_used.load(Ordering::Relaxed));
        let mut used: u64 = others.iter().map(|other| other.bytes()).sum();
        for other in others {
            if used.saturating_add(needed) <= budget {
                break;
            }
            let bytes = other.bytes();
            if other.evict() {
                used = used.saturating_sub(bytes);
            }
        }
        if used.saturating_add(needed) <= budget {
            return Ok(());
        }
        Err(InferError::Budget {
            model: entry.loader.model.name.clone(),
            device: self.resolved.device.to_string(),
            needed,
            budget,
            busy: used,
        })
    }
}

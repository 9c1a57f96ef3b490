//! Models in memory: loaded when somebody runs them, evicted when the device's budget is needed for others.
use crate::InferError;
use crate::loader::Loader;
use crate::options::{CacheUse, EngineOptions};
use crate::pool::Pool;
use crate::report::SessionReport;
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The models that an engine opened, under one budget.
pub(crate) struct Residents {
    /// Bytes that they may reserve together.
    budget: Option<u64>,
    cache_use: CacheUse,
    /// Counts uses, for the order of eviction.
    clock: AtomicU64,
    /// Its lock is held while a model loads: loads wait for each other, running sessions do not.
    models: Mutex<Models>,
}

#[derive(Default)]
struct Models {
    residents: Vec<Arc<Resident>>,
    /// Models whose compiled models were made anew by this process, by digest and options.
    refreshed: BTreeSet<(String, String)>,
}

/// A model with its options; loaded or evicted.
pub(crate) struct Resident {
    loader: Loader,
    pool: RwLock<Option<Arc<Pool>>>,
    last_used: AtomicU64,
    speed_up: Mutex<Option<f64>>,
    shrinking: Mutex<Shrinking>,
}

/// What running out of memory made of a model's micro-batch.
#[derive(Default, Clone, Copy)]
struct Shrinking {
    /// Items of a run since then; `None` while it never happened.
    micro_batch: Option<usize>,
    /// How often it happened.
    times: u32,
}

impl Resident {
    /// A model that is not loaded yet.
    pub fn new(loader: Loader) -> Self {
        Self {
            loader,
            pool: RwLock::default(),
            last_used: AtomicU64::default(),
            speed_up: Mutex::default(),
            shrinking: Mutex::default(),
        }
    }

    /// How it is loaded.
    pub fn loader(&self) -> &Loader {
        &self.loader
    }

    /// How it is loaded now: as it was asked for, but for a micro-batch that did not fit.
    fn current(&self) -> Loader {
        let mut loader = self.loader.clone();
        loader.options.micro_batch = self.shrinking.lock().micro_batch.or(loader.options.micro_batch);
        loader
    }

    /// Halves the micro-batch that ran out of memory, unless another thread has done so already; `false` if it is 1.
    fn halve(&self, micro_batch: usize) -> bool {
        let mut shrinking = self.shrinking.lock();
        if shrinking.micro_batch.is_some_and(|now| now < micro_batch) {
            return true;
        }
        if micro_batch <= 1 {
            return false;
        }
        *shrinking = Shrinking { micro_batch: Some(micro_batch / 2), times: shrinking.times + 1 };
        tracing::warn!(
            model = self.loader.model.name,
            from = micro_batch,
            to = micro_batch / 2,
            "out of memory: the micro-batch is halved"
        );
        true
    }

    /// How much faster than the plain model it was measured to be.
    pub fn speed_up(&self) -> Option<f64> {
        *self.speed_up.lock()
    }

    /// Notes what was measured.
    pub fn set_speed_up(&self, ratio: f64) {
        *self.speed_up.lock() = Some(ratio);
    }

    /// Its sessions, if it is in memory.
    pub fn loaded(&self) -> Option<Arc<Pool>> {
        self.pool.read().clone()
    }

    /// What it really ran so far, while it is loaded as `pool`.
    pub fn report(&self, pool: &Pool) -> SessionReport {
        let (loader, facts) = (&self.loader, pool.facts());
        let profile = facts.profile.unwrap_or_default();
        let ran = |name: &str| profile.nodes.get(name).is_some_and(|count| *count > 0);
        let provider = loader.resolved.providers.iter().copied().find(|provider| ran(provider.runtime_name()));
        let offered = loader.resolved.offered();
        let mut notes = loader.resolved.notes.clone();
        notes.extend(facts.notes);
        let shrinking = *self.shrinking.lock();
        if shrinking.micro_batch.is_some() {
            let asked = loader.options.micro_batch.unwrap_or(1);
            notes.push(format!("out of memory: the micro-batch is {} instead of {asked}", pool.batch));
        }
        if provider.is_some_and(|provider| provider != offered) {
            notes.push(format!("provider {offered} was offered the graph and ran none of it"));
        }
        SessionReport {
            model: loader.model.name.clone(),
            sha256: loader.model.sha256.clone(),
            device: loader.resolved.device,
            class: loader.class(pool.batch),
            provider,
            nodes: profile.nodes,
            arithmetic: profile.arithmetic,
            precision: loader.options.precision,
            optimisation: loader.options.optimisation,
            micro_batch: pool.batch,
            out_of_memory: shrinking.times,
            threads: loader.options.threads,
            sessions: facts.sessions,
            load_ms: milliseconds(facts.load),
            compile_ms: milliseconds(facts.compile),
            warm_up_ms: facts.warm_up.map(milliseconds),
            cache_hit: facts.cache_hit,
            speed_up: self.speed_up(),
            memory: pool.memory(loader.options.pool),
            notes,
        }
    }

    /// Bytes that the budget reckons with.
    fn bytes(&self) -> u64 {
        self.loaded().map_or(0, |pool| pool.memory(self.loader.options.pool).reserved)
    }

    /// Unloads the model unless somebody runs it. A pool is only cloned under the read lock, so a count of one stays one here.
    fn evict(&self) -> bool {
        let mut pool = self.pool.write();
        let idle = pool.as_ref().is_some_and(|pool| Arc::strong_count(pool) == 1);
        if idle {
            *pool = None;
        }
        idle
    }
}

impl Residents {
    /// None so far.
    pub fn new(options: &EngineOptions) -> Self {
        Self {
            budget: options.memory_budget,
            cache_use: options.cache_use,
            clock: AtomicU64::new(0),
            models: Mutex::default(),
        }
    }

    /// The model of a loader that was opened before and is the same.
    pub fn find(&self, same: impl Fn(&Loader) -> bool) -> Option<Arc<Resident>> {
        self.models.lock().residents.iter().find(|resident| same(&resident.loader)).cloned()
    }

    /// All models that were opened, in that order.
    pub fn all(&self) -> Vec<Arc<Resident>> {
        self.models.lock().residents.clone()
    }

    /// Bytes that the budget reckons with now.
    pub fn bytes(&self) -> u64 {
        self.models.lock().residents.iter().map(|resident| resident.bytes()).sum()
    }

    /// Unloads every model that nobody runs.
    pub fn evict_idle(&self) {
        self.models.lock().residents.iter().for_each(|resident| {
            resident.evict();
        });
    }

    /// The sessions of a model; loads it if it is new or was evicted.
    pub fn pool(&self, resident: &Arc<Resident>) -> Result<Arc<Pool>, InferError> {
        resident.last_used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        if let Some(pool) = resident.loaded() {
            return Ok(pool);
        }
        let mut models = self.models.lock();
        if let Some(pool) = resident.loaded() {
            return Ok(pool);
        }
        let loader = &resident.loader;
        loader.state.check(loader.resolved.device)?;
        let file = std::fs::metadata(&loader.model.path).map_or(0, |file| file.len());
        self.make_room(&models, resident, file)?;
        let identity = (loader.model.sha256.clone(), format!("{:?}", loader.options));
        let refresh = self.cache_use == CacheUse::Refresh && !models.refreshed.contains(&identity);
        let pool = Arc::new(self.open_what_fits(&models, resident, refresh)?);
        self.make_room(&models, resident, pool.memory(loader.options.pool).reserved)?;
        models.refreshed.insert(identity);
        if !models.residents.iter().any(|known| Arc::ptr_eq(known, resident)) {
            models.residents.push(resident.clone());
        }
        *resident.pool.write() = Some(pool.clone());
        Ok(pool)
    }

    /// Loads a model; where memory does not suffice, without what is idle, then with half the micro-batch.
    fn open_what_fits(&self, models: &Models, resident: &Resident, refresh: bool) -> Result<Pool, InferError> {
        loop {
            let loader = resident.current();
            let micro_batch = loader.options.micro_batch.unwrap_or(1);
            match Pool::open(loader, refresh) {
                Err(InferError::OutOfMemory { .. }) if resident.halve(micro_batch) => {
                    models.residents.iter().for_each(|other| {
                        other.evict();
                    });
                }
                opened => return opened,
            }
        }
    }

    /// Loads a model again with half the micro-batch, after a run of `pool` was out of memory. `false` if there is no smaller one.
    pub fn shrink(&self, resident: &Arc<Resident>, pool: Arc<Pool>) -> Result<bool, InferError> {
        let micro_batch = pool.batch;
        if !resident.halve(micro_batch) {
            return Ok(false);
        }
        {
            let mut loaded = resident.pool.write();
            if loaded.as_ref().is_some_and(|loaded| Arc::ptr_eq(loaded, &pool)) {
                *loaded = None;
            }
        }
        drop(pool);
        self.evict_idle();
        // A model with a fixed first axis stays as large as it is.
        Ok(self.pool(resident)?.batch < micro_batch)
    }

    /// Evicts idle models, the least recently used first, until `needed` bytes fit.
    fn make_room(&self, models: &Models, resident: &Arc<Resident>, needed: u64) -> Result<(), InferError> {
        let Some(budget) = self.budget else { return Ok(()) };
        let mut others: Vec<&Arc<Resident>> =
            models.residents.iter().filter(|other| !Arc::ptr_eq(other, resident)).collect();
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
            model: resident.loader.model.name.clone(),
            device: resident.loader.resolved.device.to_string(),
            needed,
            budget,
            busy: used,
        })
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

//! Sessions of one model, for threads to use in turn.
use crate::InferError;
use crate::cache::Origin;
use crate::loaded_model::LoadedModel;
use crate::loader::{Loader, Prepared};
use crate::profile::Profile;
use crate::ran;
use crate::recorder::Recording;
use crate::report::Memory;
use crate::spec::{TensorSpec, micro_batch};
use parking_lot::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// A loaded model.
pub(crate) struct Pool {
    pub inputs: Vec<TensorSpec>,
    pub outputs: Vec<TensorSpec>,
    pub batch: usize,
    loader: Loader,
    prepared: Prepared,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Slot>,
    /// Bytes of every session made, by number.
    bytes: Vec<u64>,
    facts: Facts,
    /// What a first run executed that was no warm-up.
    unchecked: Option<Profile>,
}

struct Slot {
    number: usize,
    loaded: Box<dyn LoadedModel>,
}

/// What was seen while loading and in the first run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub load: Duration,
    pub warm_up: Option<Duration>,
    pub profile: Option<Profile>,
    pub notes: Vec<String>,
    pub cache_hit: bool,
    pub compile: Duration,
    pub sessions: usize,
}

impl Pool {
    /// Compiles if necessary, and opens the first session.
    pub fn open(loader: Loader, refresh: bool) -> Result<Self, InferError> {
        let prepared = loader.prepare(refresh)?;
        let began = Instant::now();
        let mut loaded = loader.open(&prepared, true)?;
        let mut facts = Facts {
            load: began.elapsed(),
            cache_hit: prepared.origin == Some(Origin::Found),
            compile: prepared.compile,
            ..Facts::default()
        };
        if let Some(Origin::Repaired(damage)) = &prepared.origin {
            facts.notes.push(format!("the compiled model was not what was made ({damage}): it was made anew"));
        }
        let (warm_up, note) = warm_up(&loader, &mut *loaded)?;
        facts.warm_up = warm_up;
        facts.notes.extend(note);
        facts.profile = loaded.profile();
        if let Some(profile) = &facts.profile {
            facts.notes.extend(ran::check(&loader, profile)?);
        }
        let loaded = recorded(&loader, loaded);
        let (inputs, outputs) = (loaded.inputs().to_vec(), loaded.outputs().to_vec());
        let batch = micro_batch(&inputs, loader.options.micro_batch);
        let state =
            State { bytes: vec![loaded.bytes()], idle: vec![Slot { number: 0, loaded }], facts, unchecked: None };
        Ok(Self { inputs, outputs, batch, loader, prepared, state: Mutex::new(state), returned: Condvar::new() })
    }

    /// Lends a session for as long as `work` takes; waits for one if all are in use and the pool is full.
    pub fn with_model<R>(&self, work: impl FnOnce(&mut dyn LoadedModel) -> R) -> Result<R, InferError> {
        let loader = &self.loader;
        let slot = self.take()?;
        let mut checked_out = CheckedOut { pool: self, slot: Some(slot) };
        match &mut checked_out.slot {
            Some(slot) => Ok(match &loader.device_time {
                Some(device) => device.run(|| work(&mut *slot.loaded)),
                None => work(&mut *slot.loaded),
            }),
            None => Err(InferError::Poisoned(loader.model.name.clone())),
        }
    }

    fn take(&self) -> Result<Slot, InferError> {
        let loader = &self.loader;
        let mut state = self.state.lock();
        loop {
            if let Some(profile) = state.unchecked.take() {
                state.facts.notes.extend(ran::check(loader, &profile)?);
            }
            if let Some(slot) = state.idle.pop() {
                return Ok(slot);
            }
            if state.bytes.len() < loader.options.pool {
                break;
            }
            self.returned.wait(&mut state);
        }
        let number = state.bytes.len();
        state.bytes.push(0);
        drop(state);
        let made = loader.open(&self.prepared, false).and_then(|mut loaded| {
            warm_up(loader, &mut *loaded)?;
            Ok(Slot { number, loaded: recorded(loader, loaded) })
        });
        if made.is_err() {
            self.state.lock().bytes.pop();
            self.returned.notify_one();
        }
        made
    }

    /// What was seen so far.
    pub fn facts(&self) -> Facts {
        let state = self.state.lock();
        Facts { sessions: state.bytes.len(), ..state.facts.clone() }
    }

    /// Bytes now, and those to reckon with when the pool is full.
    pub fn memory(&self, pool: usize) -> Memory {
        let state = self.state.lock();
        let largest = state.bytes.iter().copied().max().unwrap_or(0);
        let shared = self.prepared.shared_bytes;
        Memory { shared, sessions: state.bytes.iter().sum(), reserved: shared + largest * pool as u64 }
    }
}

/// Gives a session back, also when a caller's code panics.
struct CheckedOut<'p> {
    pool: &'p Pool,
    slot: Option<Slot>,
}

impl Drop for CheckedOut<'_> {
    fn drop(&mut self) {
        let Some(mut slot) = self.slot.take() else { return };
        let mut state = self.pool.state.lock();
        if let Some(bytes) = state.bytes.get_mut(slot.number) {
            *bytes = slot.loaded.bytes();
        }
        if let Some(profile) = slot.loaded.profile() {
            state.facts.profile = Some(profile.clone());
            state.unchecked = Some(profile);
        }
        state.idle.push(slot);
        self.pool.returned.notify_one();
    }
}

/// The model, with its runs kept from now on if they are wanted.
fn recorded(loader: &Loader, loaded: Box<dyn LoadedModel>) -> Box<dyn LoadedModel> {
    match &loader.engine.recorder {
        Some(recorder) if recorder.wants(&loader.model.sha256) => {
            Box::new(Recording { loaded, recorder: recorder.clone() })
        }
        _ => loaded,
    }
}

/// Runs on zeros, as often as the options say. Where that cannot be, says why.
fn warm_up(loader: &Loader, loaded: &mut dyn LoadedModel) -> Result<(Option<Duration>, Option<String>), InferError> {
    if loader.options.warm_up == 0 {
        return Ok((None, None));
    }
    let began = Instant::now();
    for _ in 0..loader.options.warm_up {
        match loaded.buffers().map(drop).and_then(|()| loaded.run_buffers(&mut |_| Ok(()))) {
            Ok(()) => {}
            Err(error @ (InferError::OpenShape { .. } | InferError::Run { .. })) => {
                return Ok((None, Some(format!("no warm-up: {error}"))));
            }
            Err(other) => return Err(other),
        }
    }
    Ok((Some(began.elapsed()), None))
}

//! The batch size that serves a model best on a device: found once, step by step, stored, and read by planners. A job never searches.
use crate::budget;
use crate::cache::Key;
use crate::device::Device;
use crate::independence::is_independent;
use crate::options::{Model, SessionOptions};
use crate::precision::Precision;
use crate::{Engine, InferError};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A larger batch must bring at least this much more throughput.
const LEAST_GAIN: f64 = 0.05;
/// Steps in a row that must fail to bring it before the search ends: steps are small, and one may be unlucky.
const PATIENCE: usize = 2;

/// How to search.
#[derive(Debug, Clone, PartialEq)]
pub struct TuneOptions {
    /// Options of the sessions; the micro-batch is what is searched, the pool is 1.
    pub session: SessionOptions,
    /// Largest batch that is tried.
    pub largest: usize,
    /// Time to run each batch size.
    pub time: Duration,
    /// Bytes that a session may take; `None` is the engine's budget, else [`crate::budget::HEADROOM`] of what the device has free.
    pub memory: Option<u64>,
}

impl Default for TuneOptions {
    fn default() -> Self {
        Self { session: SessionOptions::default(), largest: 256, time: Duration::from_secs(1), memory: None }
    }
}

/// A batch size that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Items per run.
    pub batch: usize,
    /// Items per second, from the fastest run.
    pub items_per_second: f64,
    /// Milliseconds per run, the fastest.
    pub run_ms: f64,
    /// Bytes that the session takes.
    pub bytes: u64,
}

/// Why the search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// Two larger batches brought less than 5 % more.
    Throughput,
    /// A larger batch would not fit, or did not.
    Memory,
    /// The largest batch that may be tried was reached.
    Largest,
    /// The model fixes its batch.
    Fixed,
    /// Items do not go through the model together: the run fails, or answers depend on who else is in the batch.
    Dependent,
}

/// What a search found: a setting that later plans use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tuned {
    /// Digest of the model.
    pub sha256: String,
    /// Its name, for people.
    pub model: String,
    /// Device, as in `cpu` or `cuda:0`.
    pub device: String,
    /// Execution class of the choice.
    pub class: String,
    /// Arithmetic.
    pub precision: Precision,
    /// The choice.
    pub micro_batch: usize,
    /// All that was tried.
    pub trials: Vec<Trial>,
    /// Why it ended there.
    pub stopped: Stopped,
}

impl Tuned {
    /// Searches, and stores what it finds in the engine's cache folder.
    pub fn search(engine: &Engine, model: &Model, options: &TuneOptions) -> Result<Self, InferError> {
        let limit =
            options.memory.or(engine.memory_budget()).or_else(|| budget::of(engine.device())).unwrap_or(u64::MAX);
        let mut trials: Vec<Trial> = Vec::new();
        let (mut steps, mut best_rate, mut without_gain) = (ladder(), 0.0, 0);
        let stopped = loop {
            let Some(batch) = steps.next().filter(|batch| *batch <= options.largest) else { break Stopped::Largest };
            // Activations grow with the batch.
            let foreseen = |last: &Trial| last.bytes as f64 * batch as f64 / last.batch as f64;
            if trials.last().is_some_and(|last| foreseen(last) > limit as f64) {
                break Stopped::Memory;
            }
            if batch == 2 && !go_together(engine, model, options)? {
                break Stopped::Dependent;
            }
            let Some(trial) = try_batch(engine, model, options, batch, limit)? else { break Stopped::Memory };
            let (tried, bytes) = (trial.batch, trial.bytes);
            let gained = trial.items_per_second >= best_rate * (1.0 + LEAST_GAIN);
            best_rate = trial.items_per_second.max(best_rate);
            without_gain = if gained { 0 } else { without_gain + 1 };
            if tried != batch {
                if trials.is_empty() {
                    trials.push(trial);
                }
                break Stopped::Fixed;
            }
            trials.push(trial);
            if bytes > limit {
                break Stopped::Memory;
            }
            if without_gain == PATIENCE {
                break Stopped::Throughput;
            }
        };
        let fitting = trials.iter().filter(|trial| trial.bytes <= limit);
        let best = fitting.fold(None, |best: Option<&Trial>, trial| match best {
            Some(best) if trial.items_per_second < best.items_per_second * (1.0 + LEAST_GAIN) => Some(best),
            _ => Some(trial),
        });
        let Some(best) = best else { return Err(too_large(model, &trials, limit, engine.device())) };
        let (micro_batch, precision) = (best.batch, options.session.precision);
        let tuned = Self {
            sha256: model.sha256.clone(),
            model: model.name.clone(),
            device: engine.device().to_string(),
            class: engine.execution_class(precision, micro_batch),
            precision,
            micro_batch,
            trials,
            stopped,
        };
        tuned.store(engine.cache())?;
        Ok(tuned)
    }

    /// What an earlier search found; `None` if there was none.
    pub fn load(cache: &Path, sha256: &str, device: Device, precision: Precision) -> Result<Option<Self>, InferError> {
        let path = place(cache, sha256, &device.to_string(), precision);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(InferError::cache(&path)(error)),
        };
        let damaged = |error: serde_json::Error| InferError::Cache {
            path: path.clone(),
            reason: format!("{error}; tune the model again"),
        };
        serde_json::from_slice(&text).map(Some).map_err(damaged)
    }

    fn store(&self, cache: &Path) -> Result<(), InferError> {
        let path = place(cache, &self.sha256, &self.device, self.precision);
        let folder = path.parent().unwrap_or(cache);
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&serde_json::to_vec_pretty(self)?)?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(InferError::cache(&path))
    }
}

/// 1, 2, 4, 6, 8, 12, 16, 24, …: powers of two, and half-way between them.
fn ladder() -> impl Iterator<Item = usize> {
    [1, 2].into_iter().chain((2..usize::BITS - 1).flat_map(|power| [1usize << power, 3 << (power - 1)]))
}

fn place(cache: &Path, sha256: &str, device: &str, precision: Precision) -> PathBuf {
    let key = Key::new().with("model", sha256).with("device", device).with("precision", precision).text();
    cache.join("tuned").join(format!("{key}.json"))
}

/// Whether two items may go through the model at once. What does not fit, or fixes its batch, is found by its trial.
fn go_together(engine: &Engine, model: &Model, options: &TuneOptions) -> Result<bool, InferError> {
    let open = |items| {
        let session = SessionOptions { micro_batch: Some(items), pool: 1, warm_up: 0, ..options.session.clone() };
        engine.open(model, &session)
    };
    let checked = open(1).and_then(|alone| is_independent(&open(2)?, &alone));
    engine.evict_idle();
    match checked {
        Err(InferError::Budget { .. } | InferError::OutOfMemory { .. }) => Ok(true),
        Err(InferError::Run { .. }) => Ok(false),
        checked => checked,
    }
}

/// `None` if it does not fit.
fn try_batch(
    engine: &Engine,
    model: &Model,
    options: &TuneOptions,
    batch: usize,
    limit: u64,
) -> Result<Option<Trial>, InferError> {
    let session = SessionOptions { micro_batch: Some(batch), pool: 1, warm_up: 1, ..options.session.clone() };
    let session = match engine.open(model, &session) {
        Ok(session) => session,
        Err(InferError::Budget { .. } | InferError::OutOfMemory { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    // What had to be halved did not fit.
    if session.report()?.out_of_memory > 0 {
        return Ok(None);
    }
    let batch = session.micro_batch()?;
    if session.report()?.memory.reserved > limit {
        return Ok(Some(Trial { batch, items_per_second: 0.0, run_ms: 0.0, bytes: session.report()?.memory.reserved }));
    }
    let (began, mut fastest) = (Instant::now(), f64::INFINITY);
    loop {
        let run = Instant::now();
        session.run_batches::<InferError>(batch, &[], |_, _| Ok(()), |_, _| Ok(()))?;
        fastest = fastest.min(run.elapsed().as_secs_f64());
        if began.elapsed() >= options.time {
            break;
        }
    }
    let bytes = session.report()?.memory.reserved;
    if session.report()?.out_of_memory > 0 {
        return Ok(None);
    }
    engine.evict_idle();
    Ok(Some(Trial { batch, items_per_second: batch as f64 / fastest, run_ms: fastest * 1000.0, bytes }))
}

fn too_large(model: &Model, trials: &[Trial], limit: u64, device: Device) -> InferError {
    InferError::Budget {
        model: model.name.clone(),
        device: device.to_string(),
        needed: trials.first().map_or(0, |trial| trial.bytes),
        budget: limit,
        busy: 0,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn steps_are_powers_of_two_and_half_way_between() {
        assert_eq!(super::ladder().take(11).collect::<Vec<_>>(), [1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64]);
        assert!(super::ladder().is_sorted());
    }
}

//! What a caller may choose. Every value here changes what happens.
use crate::InferError;
use crate::precision::Precision;
use crate::provider::Provider;
use crate::recorder::Recorder;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use strum::{Display, EnumString};

/// Where models run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceChoice {
    /// The first GPU that is usable, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU of this number; an error if it is not usable.
    Cuda(u32),
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => out.write_str("auto"),
            Self::Cpu => out.write_str("cpu"),
            Self::Cuda(number) => write!(out, "cuda:{number}"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = InferError;
    fn from_str(text: &str) -> Result<Self, InferError> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => {
                let number = text.strip_prefix("cuda:").and_then(|number| number.parse().ok());
                number.map(Self::Cuda).ok_or_else(|| {
                    InferError::Setting(format!(
                        "{text:?} is no device: say auto, cpu, or cuda:N with the number of the GPU"
                    ))
                })
            }
        }
    }
}

impl TryFrom<String> for DeviceChoice {
    type Error = InferError;
    fn try_from(text: String) -> Result<Self, InferError> {
        text.parse()
    }
}

impl From<DeviceChoice> for String {
    fn from(choice: DeviceChoice) -> Self {
        choice.to_string()
    }
}

/// Level of graph optimisation before a model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", parse_err_ty = InferError, parse_err_fn = unknown_optimisation)]
pub enum Optimisation {
    /// Not at all: the plain graph, node by node.
    Off,
    /// Constants folded, needless nodes removed.
    Basic,
    /// Nodes fused as well.
    Extended,
    /// Memory layouts as well.
    #[default]
    All,
}

fn unknown_optimisation(text: &str) -> InferError {
    InferError::Setting(format!("{text:?} is no way to rewrite graphs: say off, basic, extended or all"))
}

/// What happens with graphs and engines that were compiled before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", parse_err_ty = InferError, parse_err_fn = unknown_use)]
pub enum CacheUse {
    /// Neither read nor written: every session compiles for itself, and has weights of its own.
    Off,
    /// Used if there, else made.
    #[default]
    On,
    /// Made anew, once by each engine, whatever is there.
    Refresh,
}

fn unknown_use(text: &str) -> InferError {
    InferError::Setting(format!("{text:?} is no use of compiled models: say on, off or refresh"))
}

/// Options of an engine: one per process and device.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Where models run.
    pub device: DeviceChoice,
    /// Providers that may be used, the preferred one first; the CPU always comes last. A provider listed first takes the nodes
    /// that it can run.
    pub providers: Vec<Provider>,
    /// Folder for optimised graphs, compiled engines and tuning results; processes may share it.
    pub cache: PathBuf,
    /// Whether that folder is used.
    pub cache_use: CacheUse,
    /// Bytes that loaded models may occupy on the device; `None` is no bound. Idle models go, the least recently used first.
    pub memory_budget: Option<u64>,
    /// Bytes that an arena of the runtime may take: on a GPU that of each session, on the CPU one that all sessions of the process
    /// then share (the first engine decides). `None` is no bound.
    pub arena_limit: Option<u64>,
    /// Where inputs of models are kept, to calibrate them.
    pub recorder: Option<std::sync::Arc<Recorder>>,
}

impl EngineOptions {
    /// Device `auto`, TensorRT before CUDA, no bound on memory, cache in this folder.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self {
            device: DeviceChoice::Auto,
            providers: vec![Provider::TensorRt, Provider::Cuda],
            cache: cache.into(),
            cache_use: CacheUse::On,
            memory_budget: None,
            arena_limit: None,
            recorder: None,
        }
    }
}

/// Options of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionOptions {
    /// Arithmetic. CPU and CUDA run a file as it is, so it must be the file's own (which is read from the file); TensorRT makes
    /// fp16 of fp32. What the first run computed is checked against it.
    pub precision: Precision,
    /// Threads inside a session. 1 is right where tasks run beside each other.
    pub threads: usize,
    /// Sessions at most, that is: runs at the same time. They are made when a thread finds none idle.
    pub pool: usize,
    /// Items per run. An open first axis is fixed to this; `None` leaves it open. A model with a fixed first axis keeps it.
    pub micro_batch: Option<usize>,
    /// Sizes of other open dimensions, by their names in the model.
    pub dims: BTreeMap<String, usize>,
    /// Level of graph optimisation.
    pub optimisation: Optimisation,
    /// Runs on zeros before the first real one, per session; 0 is none.
    pub warm_up: u32,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            precision: Precision::Fp32,
            threads: 1,
            pool: 1,
            micro_batch: None,
            dims: BTreeMap::new(),
            optimisation: Optimisation::All,
            warm_up: 1,
        }
    }
}

impl SessionOptions {
    /// Refuses what means nothing.
    pub(crate) fn check(&self) -> Result<(), InferError> {
        let refuse = |what: &str| Err(InferError::Setting(format!("{what} must be at least 1")));
        match self {
            Self { threads: 0, .. } => refuse("threads of a session"),
            Self { pool: 0, .. } => refuse("the pool of sessions"),
            Self { micro_batch: Some(0), .. } => refuse("a micro-batch"),
            _ if self.dims.values().any(|size| *size == 0) => refuse("the size of a dimension"),
            _ => Ok(()),
        }
    }
}

/// A model's file, as a catalogue or a plan names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// For messages and reports.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Digest of its bytes, in hexadecimal; checked when it is loaded.
    pub sha256: String,
}

//! What really ran: measured and read from the runtime, never assumed.
use crate::device::Device;
use crate::options::Optimisation;
use crate::precision::Precision;
use crate::provider::Provider;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Display;

/// A session as it is, for `job.json`, `/optimization` and `framefleet doctor`.
#[derive(Debug, Clone, Serialize)]
pub struct SessionReport {
    /// Name of the model.
    pub model: String,
    /// Digest of its file.
    pub sha256: String,
    /// Where it runs.
    pub device: Device,
    /// Execution class: what answers depend on besides the model and its input.
    pub class: String,
    /// The most preferred provider that executed nodes; `None` before the first run.
    pub provider: Option<Provider>,
    /// Nodes that were executed, by provider (the runtime's names), in the first run.
    pub nodes: BTreeMap<String, usize>,
    /// Nodes by the type of their first input, in the first run: `float16` says that 16-bit kernels really ran.
    pub arithmetic: BTreeMap<String, usize>,
    /// Arithmetic of the model's file, or of the compiled engine.
    pub precision: Precision,
    /// How far the graph was rewritten.
    pub optimisation: Optimisation,
    /// Items per run.
    pub micro_batch: usize,
    /// How often the micro-batch was halved because memory was full.
    pub out_of_memory: u32,
    /// Threads inside a session.
    pub threads: usize,
    /// Sessions made so far, all of which share their weights where a compiled model is cached.
    pub sessions: usize,
    /// Milliseconds to open the first session, without compiling.
    pub load_ms: f64,
    /// Milliseconds to make the compiled model (and check the file); 0 if it was there or is not wanted.
    pub compile_ms: f64,
    /// Milliseconds of the runs on zeros, first session; `None` if there were none.
    pub warm_up_ms: Option<f64>,
    /// Whether the compiled model was there.
    pub cache_hit: bool,
    /// Time of the plain session over the time of this one, from [`crate::Session::measure_speed_up`]; `None` until measured.
    pub speed_up: Option<f64>,
    /// Memory.
    pub memory: Memory,
    /// What is worth knowing: why `auto` is the CPU, why there was no warm-up.
    pub notes: Vec<String>,
}

/// Bytes of a loaded model on its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Memory {
    /// Weights that all sessions map.
    pub shared: u64,
    /// The sessions' own: activations, buffers, weights that are not shared.
    pub sessions: u64,
    /// What the budget reckons with: shared, and a full pool of the largest session.
    pub reserved: u64,
}

/// The execution class of a session: a token without dots or spaces, such as `cpu-x86-64-v4-fp32-b8` or `tensorrt-sm90-fp16-b16`.
pub(crate) fn execution_class(
    provider: impl Display,
    architecture: &str,
    precision: Precision,
    micro_batch: usize,
) -> String {
    format!("{provider}-{architecture}-{precision}-b{micro_batch}")
}

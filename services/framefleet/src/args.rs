//! The arguments, and nothing else.
use bytesize::ByteSize;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use framefleet_pipeline::Position;

/// Turns footage into labelled, cleaned and restored material.
#[derive(Parser, Debug)]
#[command(name = "framefleet", version, about, max_term_width = 110)]
pub struct Arguments {
    /// What is logged to standard error: a level (error, warn, info, debug) or filters by module
    #[arg(long, global = true, default_value = "warn", env = "FRAMEFLEET_LOG", value_name = "FILTER")]
    pub log: String,
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
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// `run`
#[derive(Args, Debug)]
pub struct RunArguments {
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
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do this many whole batches, spread over the items, and draw the report; they count later
    #[arg(long, value_name = "BATCHES", value_parser = clap::value_parser!(u64).range(1..))]
    pub preview: Option<u64>,
    /// Remove what the output holds and start over (asks first)
    #[arg(long)]
    pub fresh: bool,
    /// Answer yes to questions
    #[arg(short, long)]
    pub yes: bool,
    /// Do frames again that failed in earlier runs
    #[arg(long)]
    pub retry_failed: bool,
    /// Stop when more frames than this have failed: a number, or a share of all frames (2%)
    #[arg(long, value_name = "N|P%")]
    pub max_failures: Option<FailureLimit>,
    /// Threads that may compute at a time [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Memory that frames in flight may occupy [default: a quarter of what is available, 4 GiB at most]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<ByteSize>,
    /// Seed for whatever is random
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Go on in an output that another kind of processor began: its answers may differ in the last bits
    #[arg(long)]
    pub mixed_class: bool,
    /// Progress and result as JSON lines on standard output
    #[arg(long)]
    pub json: bool,
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
    /// Read every byte of every part again
    #[arg(long)]
    pub deep: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
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

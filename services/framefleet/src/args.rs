//! The arguments, and nothing else.
mod bench;
mod definitions;
mod export;
mod fleet;
mod job;
mod models;
mod output;
mod quantise;

pub use bench::BenchArguments;
pub use definitions::{PipelinesArguments, StagesArguments, StagesVerb, ValidateArguments};
pub use export::{ExportArguments, FormatArguments, SelectArguments};
pub use fleet::{NamedJobArguments, StatusArguments, TopArguments, UpArguments, WorkerVerb};
pub use job::{JobArguments, PipelineArguments, RunArguments, SubmitArguments};
pub use models::{
    ConvertArguments, DoctorArguments, ListArguments, ModelsArguments, ModelsVerb, PullArguments, TuneArguments,
};
pub use output::{EditArguments, EditVerb, FailuresArguments, FailuresVerb, VerifyArguments};
pub use quantise::QuantiseArguments;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use framefleet_job::fleet::OrchestratorArguments;

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
    /// Choose people and frames of an output, which exports then take
    Select(SelectArguments),
    /// Write the results of an output in another format
    Export(Box<ExportArguments>),
    /// Check devices, runtime and models, and suggest fixes
    Doctor(DoctorArguments),
    /// Start a fleet on this machine: bus, orchestrator and a worker for every stage; Ctrl-C drains and stops it
    Up(UpArguments),
    /// Hand a job to a fleet
    Submit(Box<SubmitArguments>),
    /// List the jobs of a fleet, or say how one is
    Status(StatusArguments),
    /// Show a job's progress until it ends
    Watch(NamedJobArguments),
    /// End a job early; what is finished stays
    Cancel(NamedJobArguments),
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
    /// Measure a pipeline over sizes, batches, precisions and backends; compare two measurements
    Bench(Box<BenchArguments>),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

//! Verbs that show what jobs are made of.
use clap::{Args, Subcommand};

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

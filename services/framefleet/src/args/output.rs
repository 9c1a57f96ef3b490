//! Verbs that look at an output, or correct it.
use crate::client::ServerArguments;
use clap::{Args, Subcommand};

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

/// What is corrected. Frames, and instances in them, are given as item:frame:instance (0 of whole frames). Persons are given by number, by name, or by a face of theirs as item:frame:instance;
/// in a folder of images, the frame may be the name of the picture.
#[derive(Subcommand, Clone, Debug)]
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
    /// Say that these persons or instances do not matter: they stay in the records, without an identity or category
    Drop {
        /// The persons or instances
        #[arg(required = true)]
        targets: Vec<String>,
    },
    /// Say which category instances are of
    Assign {
        /// The category, one of the step's or another
        category: String,
        /// The instances, as item:frame:instance
        #[arg(required = true)]
        targets: Vec<String>,
    },
    /// Say that instances are what they were taken for, also those that were dropped
    Keep {
        /// The instances, as item:frame:instance
        #[arg(required = true)]
        targets: Vec<String>,
    },
    /// List the step's corrections
    List,
    /// Take the step's last correction back
    Undo,
}

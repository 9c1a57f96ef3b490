//! Verbs that make a fleet, and that ask one.
use crate::client::ServerArguments;
use bytesize::ByteSize;
use clap::Args;
use framefleet_service::WorkerArguments;
use std::path::PathBuf;

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
pub struct NamedJobArguments {
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

/// `worker`
#[derive(Args, Debug)]
pub struct WorkerVerb {
    /// Stages to serve [default: all]
    #[arg(long, value_delimiter = ',', value_name = "STAGE,…")]
    pub stage: Vec<String>,
    #[command(flatten)]
    pub worker: WorkerArguments,
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
    /// Memory that frames in flight and encoders may occupy [default: a quarter of what is available, 4 GiB at most]
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

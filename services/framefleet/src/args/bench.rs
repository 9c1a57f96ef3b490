//! `bench`
use super::job::PipelineArguments;
use bytesize::ByteSize;
use clap::Args;
use framefleet_bench::{Backend, Bound, Size};
use framefleet_infer::Precision;
use framefleet_service::ModelArguments;
use std::path::PathBuf;

/// `bench`
#[derive(Args, Debug)]
pub struct BenchArguments {
    /// Footage to measure on, as for `run`; "synthetic" paints a clip
    #[arg(required_unless_present = "compare")]
    pub source: Option<String>,
    #[command(flatten)]
    pub pipeline: PipelineArguments,
    /// Sizes that the source's first video is scaled to: 720p, 1080p, 4k, 6k, 8k or WIDTHxHEIGHT [default: as it is]
    #[arg(long, value_delimiter = ',', value_name = "SIZE,…")]
    pub sizes: Vec<Size>,
    /// Items per run of models: the setting `micro_batch` of every step that has one [default: as settings say]
    #[arg(long, value_delimiter = ',', value_name = "N,…", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub batches: Vec<u32>,
    /// Arithmetic of models: fp32, fp16, int8 [default: fp32]
    #[arg(long, value_delimiter = ',', value_name = "PRECISION,…")]
    pub precision: Vec<Precision>,
    /// What models run by, and nothing else: cpu, cuda, tensorrt [default: as --device and --providers say]
    #[arg(long, value_delimiter = ',', value_name = "PROVIDER,…")]
    pub backends: Vec<Backend>,
    /// Frames of every item in a run
    #[arg(long, default_value_t = 96, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub frames: u64,
    /// Timed runs of each combination, after a warm-up; the median counts
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: u32,
    /// Folder for bench.json, bench.csv and bench.html
    #[arg(short, long, default_value = "./bench", value_name = "FOLDER")]
    pub output: PathBuf,
    /// Threads that may compute at a time [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Memory that frames in flight and encoders may occupy [default: a quarter of what is available, 4 GiB at most]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<ByteSize>,
    /// Use models under a licence that forbids commercial use, is copyleft or unclear: a model, or a licence
    #[arg(long, value_delimiter = ',', value_name = "MODEL|LICENCE")]
    pub allow_licence: Vec<String>,
    /// Write the fastest settings that meet --target-fps and --max-latency-ms on every size as a pipeline file for `run --pipeline`
    #[arg(long, value_name = "FILE")]
    pub save_config: Option<PathBuf>,
    /// Frames per second that these settings have to reach
    #[arg(long, requires = "save_config", value_name = "N")]
    pub target_fps: Option<f64>,
    /// Milliseconds of work for a frame that they may take, 95 of 100
    #[arg(long, requires = "save_config", value_name = "N")]
    pub max_latency_ms: Option<f64>,
    /// Measure nothing: say what changed from one bench.json to another. Exit code 1 when speed or memory is worse by more than --bound,
    /// or a combination was lost
    #[arg(long, num_args = 2, value_names = ["A.json", "B.json"], conflicts_with_all = ["source", "save_config"])]
    pub compare: Vec<PathBuf>,
    /// How much worse a figure may be
    #[arg(long, default_value = "10%", requires = "compare", value_name = "P%")]
    pub bound: Bound,
    /// The results as JSON on standard output as well
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub models: ModelArguments,
}

//! `models quantise`
use clap::Args;
use framefleet_infer::Precision;

/// Makes a variant of a model in fewer bits.
#[derive(Args, Debug)]
pub struct QuantiseArguments {
    /// The model, which has to be installed
    pub id: String,
    /// What the variant computes in: fp16 or int8
    #[arg(long, value_name = "PRECISION")]
    pub precision: Precision,
    /// A finished output whose steps ran the model: what it was given there, made again of some of its frames, is what int8 is calibrated on and
    /// what the variant is compared on
    #[arg(long, value_name = "OUT")]
    pub calibrate: Option<String>,
    /// Runs of the model to keep for that, at most
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub runs: usize,
    /// Use nothing but this machine
    #[arg(long)]
    pub offline: bool,
    /// Take a model under a licence that has to be allowed: a model, or a licence
    #[arg(long, value_delimiter = ',', value_name = "MODEL|LICENCE")]
    pub allow_licence: Vec<String>,
}

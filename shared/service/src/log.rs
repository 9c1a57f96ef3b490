//! What a service's program logs.
use framefleet_telemetry::LogError;

/// What a service's program logs, and how.
#[derive(clap::Args, Clone, Debug)]
pub struct LogArguments {
    /// What is logged to standard error: a level (error, warn, info, debug) or filters by module
    #[arg(long, default_value = "info", env = "FRAMEFLEET_LOG", value_name = "FILTER")]
    pub log: String,
    /// Log lines as text, not as JSON
    #[arg(long)]
    pub log_text: bool,
}

impl LogArguments {
    /// Logs so from now on.
    pub fn init(&self) -> Result<(), LogError> {
        framefleet_telemetry::init_tracing(!self.log_text, &self.log)
    }
}

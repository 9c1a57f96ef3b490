//! A job's life: [`JobRequest`] → [`PreparedJob`] → [`RunningJob`] → [`JobOutcome`], the same in one process ([`in_process`]) and
//! on a fleet ([`fleet`]). Whoever starts jobs (the command line, the orchestrator's program) hands in the stages.

pub mod allocator;
mod bottleneck;
mod error;
mod files;
pub mod fleet;
mod forecast;
pub mod in_process;
mod left_out;
mod models;
mod outcome;
pub mod output;
mod pipeline_choice;
mod plan;
mod prepare;
pub mod presets;
mod report;
mod request;
mod run;
mod session_reports;
mod source;

pub use error::JobError;
pub use files::NamedFile;
pub use forecast::{FolderChanges, Forecast, StepForecast};
pub use left_out::{LeftOut, Note};
pub use models::planning_runtime;
pub use outcome::{JobOutcome, OutcomeKind};
pub use pipeline_choice::PipelineChoice;
pub use plan::{Planner, Resources, describe_passes};
pub use prepare::PreparedJob;
pub use request::{FailureLimit, JobRequest, ModelOptions};
pub use run::RunningJob;
pub use source::SourcePictures;

use framefleet_stage::{Registry, RegistryError};

/// Lists the stages of a program.
pub type Stages = fn() -> Result<Registry, RegistryError>;

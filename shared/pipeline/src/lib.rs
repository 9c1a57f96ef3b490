//! From a pipeline file to a plan: steps with complete settings, the graph of their halves, passes, and the memory a job
//! needs. Pure: no IO, and no stage is known by name.

mod error;
mod models;
mod pipeline;
mod plan;
mod planner;
mod position;
mod sampling;
mod smallest;
mod stages;
mod wanted;

pub use error::PlanError;
pub use framefleet_stage::Half;
pub use models::{ModelMode, Models, NoModels, PlannedModel};
pub use pipeline::{IngestTable, Pipeline, Step};
pub use plan::{HalfPlan, PassPlan, PixelInput, PixelSource, Plan, Provider, StepPlan};
pub use planner::files::{GivenFile, PlannedFile};
pub use planner::memory::{MemoryPlan, batch_bytes, encoder_bytes, expand, slice_bytes};
pub use planner::{PlanRequest, plan};
pub use position::{JobRange, Position};
pub use sampling::Sampling;
pub use stages::Stages;
pub use wanted::wanted;

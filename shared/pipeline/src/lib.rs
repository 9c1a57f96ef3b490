//! From a pipeline file to a plan: steps with complete settings, the graph of their halves, passes, and the memory a job
//! needs. Pure: no IO, and no stage is known by name.

mod error;
mod file;
mod files;
mod graph;
mod memory;
mod models;
mod needs;
mod parts;
mod passes;
mod pipeline;
mod pixels;
mod plan;
mod planner;
mod position;
mod sampling;
mod smallest;
mod stages;
mod wanted;

pub use error::PlanError;
pub use files::{GivenFile, PlannedFile};
pub use framefleet_stage::Half;
pub use memory::{MemoryPlan, batch_bytes, expand, slice_bytes};
pub use models::{Models, NetworkMode, NoModels, PlannedModel};
pub use pipeline::{IngestTable, Pipeline, Step};
pub use plan::{HalfPlan, PassPlan, PixelInput, PixelSource, Plan, Provider, StepPlan};
pub use planner::{PlanRequest, plan};
pub use position::{JobRange, Position};
pub use sampling::Sampling;
pub use stages::Stages;
pub use wanted::wanted;

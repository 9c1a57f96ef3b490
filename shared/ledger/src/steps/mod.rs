//! The results of steps: manifests, and the rows that follow from them.
mod completed;
mod manifest;
pub mod presence;
mod rows;
mod task_lookup;

pub(crate) use completed::read_steps;
pub use completed::step_name;
pub use manifest::{Manifest, ManifestWriter, finish_key, task_key};
pub use rows::Row;
pub use task_lookup::TaskLookup;

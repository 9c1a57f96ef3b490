//! The one loop of every worker: lease → fetch → process → commit → publish → acknowledge.
//!
//! Tasks are leased a little ahead of what the cores can do, so that the next task's inputs are there when a core becomes
//! free; the stages' own work runs on as many threads as the runner may use, one task each. What a kind of task does is in
//! one file below `task/`.

mod blobs;
mod context;
mod cores;
mod failure;
mod files;
mod host_provider;
mod inputs;
mod isolation;
mod keepalive;
mod locate;
mod made_frames;
mod options;
mod records;
mod runner;
mod serve;
mod stages;
mod task;
mod usage;

pub use failure::TaskFailure;
pub use host_provider::HostProvider;
pub use isolation::IsolatedProcess;
pub use options::{RunnerOptions, RunnerParts};
pub use runner::Runner;

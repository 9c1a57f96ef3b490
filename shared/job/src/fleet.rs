//! Jobs of a fleet: the orchestrator's program, and how it prepares and runs jobs.
mod program;
mod runner;
mod service;

pub use program::main;
pub use runner::{FleetRunner, threads_of};
pub use service::{OrchestratorArguments, orchestrate};

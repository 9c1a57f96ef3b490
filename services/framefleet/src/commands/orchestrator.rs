//! `framefleet orchestrator`
use crate::failure::Failure;
use framefleet_job::fleet::{OrchestratorArguments, orchestrate};
use framefleet_service::Exit;
use framefleet_stage::Registry;

/// Coordinates a fleet until it is stopped.
pub fn run(arguments: &OrchestratorArguments, registry: Registry) -> Result<Exit, Failure> {
    orchestrate(arguments, registry)?;
    Ok(Exit::Done)
}

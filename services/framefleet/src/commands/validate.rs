//! `framefleet validate`
use crate::args::ValidateArguments;
use crate::failure::Failure;
use framefleet_job::{JobRequest, PipelineChoice, Planner, Resources, describe_passes, planning_runtime};
use framefleet_service::Exit;
use framefleet_stage::Registry;
use std::sync::Arc;

/// Checks a pipeline as `run` would, without footage.
pub fn run(arguments: &ValidateArguments, registry: Registry) -> Result<Exit, Failure> {
    let pipeline = PipelineChoice::named(Some(&arguments.pipeline))?;
    let mut request = JobRequest { pipeline, set: arguments.set.clone(), ..JobRequest::default() };
    let pipeline = request.pipeline(&registry)?;
    request.read_files(&registry)?;
    let planner = Planner::new(registry, Arc::new(planning_runtime(None)?));
    let plan = planner.plan(&request, &pipeline, &[], &Resources::unbounded())?;
    println!("{}: {} steps in {} passes", plan.pipeline, plan.steps.len(), plan.passes.len());
    for line in describe_passes(&plan) {
        println!("  {line}");
    }
    Ok(Exit::Done)
}

//! `framefleet validate`
use crate::args::{PipelineChoice, ValidateArguments};
use crate::failure::Failure;
use crate::model_choice::planning;
use crate::{files, submit};
use framefleet_service::Exit;

/// Checks a pipeline as `run` would, without footage.
pub fn run(arguments: &ValidateArguments) -> Result<Exit, Failure> {
    let choice =
        PipelineChoice { stages: Vec::new(), pipeline: Some(arguments.pipeline.clone()), set: arguments.set.clone() };
    let registry = submit::registry()?;
    let pipeline = submit::pipeline(&choice, &registry)?;
    let mut named = files::of_pipeline(&pipeline, &registry)?;
    files::take_contents(&mut named);
    let options = submit::PlanOptions { files: files::given(&named), ..submit::PlanOptions::default() };
    let plan = submit::plan_of(&pipeline, &[], &options, &registry, &planning(None)?)?;
    println!("{}: {} steps in {} passes", plan.pipeline, plan.steps.len(), plan.passes.len());
    for line in submit::describe_passes(&plan) {
        println!("  {line}");
    }
    Ok(Exit::Done)
}

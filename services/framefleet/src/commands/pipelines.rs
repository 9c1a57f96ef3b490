//! `framefleet pipelines`
use crate::args::PipelinesArguments;
use crate::failure::Failure;
use framefleet_job::presets::{PRESETS, preset};
use framefleet_pipeline::Pipeline;
use framefleet_service::Exit;

/// Lists the presets, or prints one.
pub fn run(arguments: &PipelinesArguments) -> Result<Exit, Failure> {
    if let Some(name) = &arguments.name {
        print!("{}", preset(name)?);
        return Ok(Exit::Done);
    }
    for (name, text) in PRESETS {
        let pipeline = Pipeline::from_toml(text, name)?;
        let steps: Vec<&str> = pipeline.steps.iter().map(|step| step.name.as_str()).collect();
        println!("{name:<16} {}\n{:<16} steps: {}", pipeline.description, "", steps.join(", "));
    }
    Ok(Exit::Done)
}

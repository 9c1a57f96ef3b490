//! The request that arguments make.
use crate::args::{JobArguments, PipelineArguments};
use crate::failure::Failure;
use framefleet_infer::DeviceChoice;
use framefleet_job::{JobRequest, ModelOptions, PipelineChoice};
use framefleet_pipeline::JobRange;
use std::num::NonZeroU64;
use std::path::Path;

/// What arguments ask for, without the files that settings name.
pub fn of_arguments(job: &JobArguments, device: DeviceChoice) -> Result<JobRequest, Failure> {
    Ok(JobRequest {
        source: job.source.clone(),
        output: job.output.clone().unwrap_or_else(|| default_output(&job.source)),
        pipeline: pipeline(&job.pipeline)?,
        set: settings(&job.pipeline),
        range: JobRange { start: job.start, end: job.end },
        seed: job.seed,
        preview: job.preview.and_then(NonZeroU64::new),
        fresh: job.fresh,
        retry_failed: job.retry_failed,
        max_failures: job.max_failures,
        mixed_class: job.mixed_class,
        memory: job.memory.and_then(|size| NonZeroU64::new(size.as_u64())),
        models: ModelOptions {
            device,
            precision: job.precision,
            optimisation: job.optimisation.unwrap_or_default(),
            allowed: job.allow_licence.clone(),
        },
        ..JobRequest::default()
    })
}

/// The pipeline that arguments name.
pub fn pipeline(arguments: &PipelineArguments) -> Result<PipelineChoice, Failure> {
    match arguments.stages.is_empty() {
        true => Ok(PipelineChoice::named(arguments.pipeline.as_deref())?),
        false => Ok(PipelineChoice::Stages(arguments.stages.clone())),
    }
}

/// Settings that change the pipeline; what `--identity` stands for comes last.
pub fn settings(pipeline: &PipelineArguments) -> Vec<String> {
    let mut set = pipeline.set.clone();
    if !pipeline.identity.is_empty() {
        set.push(format!("*.identities={}", serde_json::json!(pipeline.identity)));
    }
    set
}

/// A place that means the same to every process of this machine.
pub fn absolute(place: &str) -> Result<String, Failure> {
    if place.contains("://") {
        return Ok(place.to_owned());
    }
    let path = std::path::absolute(Path::new(place)).map_err(|error| Failure::usage(format!("{place}: {error}")))?;
    Ok(path.to_string_lossy().into_owned())
}

/// Where results go unless the user says: here, named like the source.
fn default_output(source: &str) -> String {
    let name = Path::new(source).file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.filter(|name| !name.contains(['*', '?', '['])).unwrap_or_else(|| "footage".to_owned());
    format!("./{name}.framefleet")
}

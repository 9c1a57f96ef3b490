//! What a job is, wherever it runs: the request that travels and is kept, and what this program makes of it.
use crate::args::{FailureLimit, JobChoices, PipelineChoice};
use crate::failure::Failure;
use crate::files;
use crate::model_choice::ModelWish;
use crate::submit::{self, PlanOptions};
use bytes::Bytes;
use framefleet_media::Item;
use framefleet_pipeline::{JobRange, Pipeline, Position};
use framefleet_proto::control::SubmitRequest;
use framefleet_stage::Registry;
use orchestrator::JobOptions;
use orchestrator::fleet::{Classes, check_request};
use std::path::Path;

/// A job as its user wants it.
#[derive(Clone, Debug)]
pub struct JobSpec {
    /// As it was asked for, without the contents of its files.
    pub request: SubmitRequest,
    /// Those contents, as far as they came with it.
    pub contents: Vec<Bytes>,
    /// What is done.
    pub pipeline: Pipeline,
    /// What the plan depends on besides.
    pub plan: PlanOptions,
    /// Stop when more frames than this have failed.
    pub max_failures: Option<FailureLimit>,
}

impl JobSpec {
    /// Reads a request, for workers of these execution classes and so many bytes for frames.
    pub fn of_request(
        mut request: SubmitRequest,
        classes: Classes,
        memory: u64,
        registry: &Registry,
    ) -> Result<Self, Failure> {
        check_request(&request).map_err(Failure::usage)?;
        let position = |text: &str| match text {
            "" => Ok(None),
            text => text.parse::<Position>().map(Some).map_err(Failure::usage),
        };
        let max_failures = match request.max_failures.as_str() {
            "" => None,
            text => Some(text.parse::<FailureLimit>().map_err(Failure::usage)?),
        };
        let contents = files::take_contents(&mut request.files);
        let plan = PlanOptions {
            range: JobRange { start: position(&request.start)?, end: position(&request.end)? },
            files: files::given(&request.files),
            seed: request.seed,
            memory,
            classes,
            networks: ModelWish::of_request(&request)?,
            models_installed: true,
        };
        Ok(Self { pipeline: pipeline(&request, registry)?, plan, max_failures, request, contents })
    }

    /// What the job does beyond its plan.
    pub fn job_options(&self, items: &[Item]) -> JobOptions {
        let frames = items.iter().map(|item| item.estimated_frames).sum();
        JobOptions {
            preview: (self.request.preview > 0).then_some(self.request.preview),
            retry_failed: self.request.retry_failed,
            max_failures: self.max_failures.map(|limit| limit.frames(frames)),
            ..JobOptions::default()
        }
    }
}

/// The pipeline of a request with its settings.
pub fn pipeline(request: &SubmitRequest, registry: &Registry) -> Result<Pipeline, Failure> {
    if request.pipeline.is_empty() {
        let choice = PipelineChoice { stages: request.stages.clone(), pipeline: None, set: request.set.clone() };
        return submit::pipeline(&choice, registry);
    }
    let mut pipeline = Pipeline::from_toml(&request.pipeline, &request.pipeline_name)?;
    for assignment in &request.set {
        pipeline.set(assignment)?;
    }
    Ok(pipeline)
}

/// Puts the files that a request's settings name into it; relative paths begin in this process' folder. A pipeline that is wrong
/// is left to the plan, which refuses it with all that is to be said.
pub fn read_files(request: &mut SubmitRequest, registry: &Registry) -> Result<(), Failure> {
    let Ok(pipeline) = pipeline(request, registry) else { return Ok(()) };
    request.files = files::of_pipeline(&pipeline, registry)?;
    Ok(())
}

/// The request that arguments make. The pipeline is in it as text, so that files are read where they lie; those that settings name are
/// added by [`read_files`].
pub fn request(job: &JobChoices) -> Result<SubmitRequest, Failure> {
    let (pipeline_name, pipeline) = match job.choice.stages.is_empty() {
        true => submit::text(job.choice.pipeline.as_deref())?,
        false => Default::default(),
    };
    let text = |position: &Option<Position>| position.as_ref().map(ToString::to_string).unwrap_or_default();
    Ok(SubmitRequest {
        source: job.source.clone(),
        output: job.output.clone().unwrap_or_else(|| default_output(&job.source)),
        pipeline,
        pipeline_name,
        stages: job.choice.stages.clone(),
        set: job.choice.set.clone(),
        start: text(&job.start),
        end: text(&job.end),
        seed: job.seed,
        preview: job.preview.unwrap_or_default(),
        fresh: job.fresh,
        retry_failed: job.retry_failed,
        max_failures: job.max_failures.map(|limit| limit.to_string()).unwrap_or_default(),
        mixed_class: job.mixed_class,
        memory: job.memory.map(|size| size.as_u64()).unwrap_or_default(),
        precision: job.precision.clone().unwrap_or_default(),
        optimisation: job.optimisation.clone().unwrap_or_default(),
        allow_licence: job.allow_licence.clone(),
        ..SubmitRequest::default()
    })
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

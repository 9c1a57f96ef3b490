//! What a job is asked for. Texts become values here, once: of arguments where they are parsed, of messages in `wire.rs`.
mod failure_limit;
mod wire;

pub use failure_limit::FailureLimit;

use crate::error::JobError;
use crate::files::{self, NamedFile};
use crate::pipeline_choice::PipelineChoice;
use bytes::Bytes;
use framefleet_frames::Item;
use framefleet_infer::{DeviceChoice, Optimisation, Precision};
use framefleet_orchestration::JobOptions;
use framefleet_pipeline::{JobRange, Pipeline};
use framefleet_stage::Registry;
use std::num::NonZeroU64;

/// A job as its user wants it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobRequest {
    /// A path, a pattern or a URL of footage.
    pub source: String,
    /// A folder or URL for results.
    pub output: String,
    /// What is done.
    pub pipeline: PipelineChoice,
    /// Settings that change it, each as "step.key=value", in order.
    pub set: Vec<String>,
    /// Which part of every item is done.
    pub range: JobRange,
    /// Seed for whatever is random.
    pub seed: u64,
    /// Whole batches to do, spread over the items; all when absent.
    pub preview: Option<NonZeroU64>,
    /// Remove what the output holds.
    pub fresh: bool,
    /// Do frames again that failed in earlier runs.
    pub retry_failed: bool,
    /// Stop when more frames than this have failed.
    pub max_failures: Option<FailureLimit>,
    /// Continue in an output that another execution class began.
    pub mixed_class: bool,
    /// Bytes that frames in flight may occupy; when absent, what whoever runs it has.
    pub memory: Option<NonZeroU64>,
    /// How models run.
    pub models: ModelOptions,
    /// The files that settings name.
    pub files: Vec<NamedFile>,
    /// Higher goes first.
    pub priority: i32,
    /// Whom the job is for, a label of metrics; "default" when absent.
    pub project: Option<String>,
}

/// How a job's models are to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelOptions {
    /// Where.
    pub device: DeviceChoice,
    /// Arithmetic; what each model's own file has where it is not said.
    pub precision: Option<Precision>,
    /// Level of graph optimisation.
    pub optimisation: Optimisation,
    /// Models and licences that are allowed although they forbid commercial use, are copyleft, or are unclear.
    pub allowed: Vec<String>,
}

impl JobRequest {
    /// The pipeline with the settings asked for.
    pub fn pipeline(&self, registry: &Registry) -> Result<Pipeline, JobError> {
        self.pipeline.with_settings(&self.set, registry)
    }

    /// Reads the files that settings name; relative paths begin in this process' folder. A pipeline that is wrong is left to the
    /// plan, which refuses it with all that is to be said.
    pub fn read_files(&mut self, registry: &Registry) -> Result<(), JobError> {
        let Ok(pipeline) = self.pipeline(registry) else { return Ok(()) };
        self.files = files::of_pipeline(&pipeline, registry)?;
        Ok(())
    }

    /// Takes the contents of files out; they are known by their digests.
    pub fn take_contents(&mut self) -> Vec<Bytes> {
        self.files.iter_mut().filter_map(|file| file.content.take()).collect()
    }

    /// What the job does beyond its plan.
    pub(crate) fn options(&self, items: &[Item]) -> JobOptions {
        let frames = items.iter().map(|item| item.estimated_frames).sum();
        JobOptions {
            preview: self.preview.map(NonZeroU64::get),
            retry_failed: self.retry_failed,
            max_failures: self.max_failures.map(|limit| limit.frames(frames)),
            ..JobOptions::default()
        }
    }
}

//! Plans: a request's pipeline over the items of its source, for the machines that will run it.
use crate::error::JobError;
use crate::models::ModelChoice;
use crate::request::JobRequest;
use bytesize::ByteSize;
use framefleet_fleet::Classes;
use framefleet_frames::Item;
use framefleet_pipeline::{GivenFile, Pipeline, Plan, PlanRequest};
use framefleet_service::{ModelRuntime, execution_class};
use framefleet_stage::Registry;
use serde_json::Value;
use std::sync::Arc;

/// Makes plans: the stages of the program, and what this machine knows of models.
#[derive(Clone)]
pub struct Planner {
    registry: Registry,
    model_runtime: Arc<ModelRuntime>,
}

/// The machines that a plan is for.
#[derive(Clone, Debug)]
pub struct Resources {
    /// Execution classes of the workers.
    pub classes: Classes,
    /// Bytes that frames in flight may occupy.
    pub memory: u64,
    /// Whether models have to be on this machine already.
    pub models_installed: bool,
}

impl Resources {
    /// For plans that nobody runs: this machine's processor, all memory, models that may be missing.
    pub fn unbounded() -> Self {
        let classes = Classes::of_process(execution_class(), None, std::iter::empty());
        Self { classes, memory: u64::MAX, models_installed: false }
    }
}

impl Planner {
    /// A planner with these stages and models.
    pub fn new(registry: Registry, model_runtime: Arc<ModelRuntime>) -> Self {
        Self { registry, model_runtime }
    }

    /// The stages.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What this machine has for models.
    pub fn model_runtime(&self) -> &Arc<ModelRuntime> {
        &self.model_runtime
    }

    /// Plans the pipeline of a request over items.
    pub fn plan(
        &self,
        request: &JobRequest,
        pipeline: &Pipeline,
        items: &[Item],
        resources: &Resources,
    ) -> Result<Plan, JobError> {
        let settings = match serde_json::to_value(ingest::resolve(&pipeline.ingest.settings)?)? {
            Value::Object(settings) => settings,
            other => return Err(JobError::Configuration(format!("ingest settings are no table: {other}"))),
        };
        let files: Vec<GivenFile> = request.files.iter().map(|file| file.given.clone()).collect();
        let plan = PlanRequest {
            pipeline,
            items,
            range: request.range,
            files: &files,
            ingest: (settings, ingest::VERSION),
            class: resources.classes.cpu.clone(),
            seed: request.seed,
            memory_budget: resources.memory,
        };
        let models = ModelChoice {
            model_runtime: &self.model_runtime,
            classes: &resources.classes,
            options: &request.models,
            must_be_installed: resources.models_installed,
        };
        Ok(framefleet_pipeline::plan(&plan, &self.registry, &models)?)
    }
}

/// What runs in which pass, and why there is more than one.
pub fn describe_passes(plan: &Plan) -> Vec<String> {
    let name = |step: &usize| plan.steps[*step].name.as_str();
    let mut lines = Vec::new();
    for (number, pass) in plan.passes.iter().enumerate() {
        let process: Vec<&str> = pass.process.iter().map(name).collect();
        let finish: Vec<&str> = pass.finish.iter().map(name).collect();
        let needs = plan.memory.needed.get(number).copied().unwrap_or_default();
        let memory = if needs > 0 { format!("; needs {} for frames", ByteSize(needs)) } else { String::new() };
        lines.push(format!("pass {}: {}; then finish {}{memory}", number + 1, process.join(", "), finish.join(", ")));
        if !pass.reason.is_empty() {
            lines.push(format!("        because {}", pass.reason));
        }
    }
    lines
}

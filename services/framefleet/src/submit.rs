//! From arguments to a plan: the pipeline asked for, the items of the source, what it takes.
use crate::args::PipelineChoice;
use crate::failure::Failure;
use crate::model_choice::{ModelChoice, ModelWish};
use bytesize::ByteSize;
use framefleet_media::Item;
use framefleet_pipeline::{GivenFile, JobRange, Pipeline, Plan, PlanRequest};
use framefleet_service::{ModelRuntime, execution_class};
use framefleet_stage::{Probe, Registry, RegistryError, SourceStage, StageError};
use ingest::Ingest;
use orchestrator::fleet::Classes;
use std::path::Path;
use std::sync::OnceLock;

/// Pipelines that come with this program: (name, file).
pub const PRESETS: [(&str, &str); 4] = [
    ("analyse", include_str!("../../../pipelines/analyse.toml")),
    ("dataset-people", include_str!("../../../pipelines/dataset-people.toml")),
    ("remove-background", include_str!("../../../pipelines/remove-background.toml")),
    ("remove-people", include_str!("../../../pipelines/remove-people.toml")),
];

/// The pipeline that runs when none is named.
const DEFAULT_PIPELINE: &str = "analyse";

/// What a plan depends on besides pipeline and items.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// Which part of every item is done.
    pub range: JobRange,
    /// The files that settings name.
    pub files: Vec<GivenFile>,
    /// Seed for whatever is random.
    pub seed: u64,
    /// Bytes that frames in flight may occupy.
    pub memory: u64,
    /// Execution classes of the workers.
    pub classes: Classes,
    /// How models are to run.
    pub networks: ModelWish,
    /// Whether models have to be here already.
    pub models_installed: bool,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            range: JobRange::default(),
            files: Vec::new(),
            seed: 0,
            memory: u64::MAX,
            classes: Classes::of_process(execution_class(), None, std::iter::empty()),
            networks: ModelWish::default(),
            models_installed: false,
        }
    }
}

/// Lists the stages of a program.
pub type Stages = fn() -> Result<Registry, RegistryError>;

/// The stages of this program, set once when it starts.
static STAGES: OnceLock<Stages> = OnceLock::new();

/// Says which stages this program has; the first to say so is right.
pub fn set_stages(stages: Stages) {
    let _ = STAGES.set(stages);
}

/// The stages of this program.
pub fn registry() -> Result<Registry, Failure> {
    let stages = STAGES.get().copied().unwrap_or(registry::stages);
    stages().map_err(|error| Failure { exit: framefleet_service::Exit::Bug, message: error.to_string() })
}

/// The file of a preset.
pub fn preset(name: &str) -> Result<&'static str, Failure> {
    PRESETS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text).ok_or_else(|| {
        let known: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
        Failure::configuration(format!(
            "there is no pipeline \"{name}\"; known pipelines: {}; or give a file",
            known.join(", ")
        ))
    })
}

/// The pipeline asked for, with the settings asked for.
pub fn pipeline(choice: &PipelineChoice, registry: &Registry) -> Result<Pipeline, Failure> {
    let mut pipeline = if choice.stages.is_empty() {
        named(choice.pipeline.as_deref().unwrap_or(DEFAULT_PIPELINE))?
    } else {
        let names: Vec<&str> = choice.stages.iter().map(String::as_str).collect();
        Pipeline::of_stages(&names, registry)?
    };
    for assignment in &choice.set {
        pipeline.set(assignment)?;
    }
    // Settings may have brought new needs: per-shot sampling needs shots.
    if !choice.stages.is_empty() {
        pipeline.add_providers(registry)?;
    }
    Ok(pipeline)
}

/// A pipeline by the name of a preset, or by file.
fn named(name: &str) -> Result<Pipeline, Failure> {
    let (name, text) = text(Some(name))?;
    Ok(Pipeline::from_toml(&text, &name)?)
}

/// Name and text of a preset or file; of the default pipeline when none is named.
pub fn text(name: Option<&str>) -> Result<(String, String), Failure> {
    let name = name.unwrap_or(DEFAULT_PIPELINE);
    let is_file = name.ends_with(".toml") || name.contains('/') || Path::new(name).is_file();
    if !is_file {
        return Ok((name.to_owned(), preset(name)?.to_owned()));
    }
    let text = std::fs::read_to_string(name)
        .map_err(|error| Failure::configuration(format!("cannot read pipeline {name}: {error}")))?;
    Ok((name.to_owned(), text))
}

/// Plans a pipeline over items.
pub fn plan_of(
    pipeline: &Pipeline,
    items: &[Item],
    options: &PlanOptions,
    registry: &Registry,
    model_runtime: &ModelRuntime,
) -> Result<Plan, Failure> {
    let settings = match serde_json::to_value(ingest::resolve(&pipeline.ingest.settings)?)? {
        serde_json::Value::Object(settings) => settings,
        other => return Err(Failure::configuration(format!("ingest settings are no table: {other}"))),
    };
    let request = PlanRequest {
        pipeline,
        items,
        range: options.range,
        files: &options.files,
        ingest: (settings, ingest::VERSION),
        class: options.classes.cpu.clone(),
        seed: options.seed,
        memory_budget: options.memory,
    };
    let models = ModelChoice {
        model_runtime,
        classes: &options.classes,
        wish: &options.networks,
        must_be_installed: options.models_installed,
    };
    Ok(framefleet_pipeline::plan(&request, registry, &models)?)
}

/// The source stage that a pipeline's ingest settings make, and the items it finds.
pub fn open_source(source: &str, pipeline: &Pipeline) -> Result<(Ingest, Probe), Failure> {
    let stage = Ingest::new(ingest::resolve(&pipeline.ingest.settings)?);
    let probe = stage.probe(source).map_err(|error: StageError| Failure::usage(error))?;
    if probe.items.is_empty() {
        let why: Vec<String> = probe.refused.iter().map(|(name, why)| format!("  {name}: {why}")).collect();
        return Err(Failure::usage(format!("nothing in {source} can be read:\n{}", why.join("\n"))));
    }
    Ok((stage, probe))
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

//! Which pipeline a job runs.
use crate::error::JobError;
use crate::presets;
use framefleet_pipeline::Pipeline;
use framefleet_stage::Registry;
use std::path::Path;

/// The pipeline of a request. A file is in it as text, so that it is read where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PipelineChoice {
    /// A file.
    Text {
        /// What it is called.
        name: String,
        /// What it says.
        toml: String,
    },
    /// The smallest pipeline that satisfies these stages; the default preset when there are none.
    Stages(Vec<String>),
}

impl Default for PipelineChoice {
    fn default() -> Self {
        Self::Stages(Vec::new())
    }
}

impl PipelineChoice {
    /// A preset by name, or a file; the default preset when none is named.
    pub fn named(name: Option<&str>) -> Result<Self, JobError> {
        let name = name.unwrap_or(presets::DEFAULT);
        let is_file = name.ends_with(".toml") || name.contains('/') || Path::new(name).is_file();
        let toml = match is_file {
            false => presets::preset(name)?.to_owned(),
            true => std::fs::read_to_string(name)
                .map_err(|error| JobError::Configuration(format!("cannot read pipeline {name}: {error}")))?,
        };
        // A message without a text means the default pipeline.
        if toml.is_empty() {
            return Err(JobError::Configuration(format!("pipeline {name}: the file is empty")));
        }
        Ok(Self::Text { name: name.to_owned(), toml })
    }

    /// The pipeline with settings, each as "step.key=value".
    pub fn with_settings(&self, set: &[String], registry: &Registry) -> Result<Pipeline, JobError> {
        let mut pipeline = match self {
            Self::Text { name, toml } => Pipeline::from_toml(toml, name)?,
            Self::Stages(stages) if stages.is_empty() => {
                Pipeline::from_toml(presets::preset(presets::DEFAULT)?, presets::DEFAULT)?
            }
            Self::Stages(stages) => {
                let names: Vec<&str> = stages.iter().map(String::as_str).collect();
                Pipeline::of_stages(&names, registry)?
            }
        };
        for assignment in set {
            match assignment.strip_prefix(EVERY_STEP) {
                Some(rest) => set_everywhere(&mut pipeline, rest, registry)?,
                None => pipeline.set(assignment)?,
            }
        }
        // Settings may have brought new needs: per-shot sampling needs shots, an identity needs faces. A file of the user's says all itself.
        if !self.is_file() {
            pipeline.add_providers(registry)?;
        }
        Ok(pipeline)
    }

    /// Whether it is a pipeline file of the user's.
    fn is_file(&self) -> bool {
        matches!(self, Self::Text { name, toml } if presets::preset(name).ok() != Some(toml))
    }
}

/// How an assignment begins that is for every step whose stage has the setting.
const EVERY_STEP: &str = "*.";

/// Makes an assignment, "key=value", for every step whose stage has such a setting.
fn set_everywhere(pipeline: &mut Pipeline, assignment: &str, registry: &Registry) -> Result<(), JobError> {
    let key = assignment.split('=').next().unwrap_or_default().trim();
    let mut steps = Vec::new();
    for step in &pipeline.steps {
        let has = registry.get(&step.stage).is_ok_and(|stage| stage.describe().schema["properties"].get(key).is_some());
        steps.extend(has.then(|| step.name.clone()));
    }
    if steps.is_empty() {
        return Err(JobError::Configuration(format!(
            "no step of pipeline {} has the setting {key} (asked for by \"*.{assignment}\")",
            pipeline.name
        )));
    }
    for step in steps {
        pipeline.set(&format!("{step}.{assignment}"))?;
    }
    Ok(())
}

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
            pipeline.set(assignment)?;
        }
        // Settings may have brought new needs: per-shot sampling needs shots.
        if matches!(self, Self::Stages(stages) if !stages.is_empty()) {
            pipeline.add_providers(registry)?;
        }
        Ok(pipeline)
    }
}

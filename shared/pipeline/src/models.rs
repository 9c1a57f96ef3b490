//! Models of a plan: which model a step runs for each role, fixed when the plan is made.
use framefleet_stage::{Half, ModelNeed};
use serde::Serialize;
use std::collections::BTreeMap;

/// The model that a step runs for a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedModel {
    /// What it is for, in the catalogue's words.
    pub role: String,
    /// Id in the catalogue.
    pub id: String,
    /// Digest of the model: keyed, and the only content that a worker opens.
    pub sha256: String,
    /// Its licence, as the catalogue writes it.
    pub licence: String,
    /// Whether it may only be used because the user allowed it.
    pub gated: bool,
    /// Items per run.
    pub micro_batch: usize,
    /// Why that is one whatever anybody wishes; `None` where the model takes any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_by_one: Option<String>,
    /// Sizes of other open axes, by name.
    pub dims: BTreeMap<String, usize>,
    /// How it runs.
    pub mode: ModelMode,
    /// Process: both halves may run it. Finish: finish alone does.
    pub half: Half,
}

/// How the models of a job run: everything about it that changes answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelMode {
    /// Provider and architecture: `cpu-x86-64-v4`, `tensorrt-sm90`. Workers of this class run the steps with models.
    pub class: String,
    /// Arithmetic: `fp32`, `fp16`, `int8`.
    pub precision: String,
    /// How far graphs are rewritten: `off`, `basic`, `extended`, `all`.
    pub optimisation: String,
}

/// Turns needs into models: knows the catalogue, what is installed, and what is allowed.
pub trait Models {
    /// The model of a need of a stage in a profile. The error says what is wrong and what to do.
    fn choose(&self, stage: &str, profile: &str, need: &ModelNeed) -> Result<PlannedModel, String>;
}

/// For plans without models.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoModels;

impl Models for NoModels {
    fn choose(&self, stage: &str, _profile: &str, need: &ModelNeed) -> Result<PlannedModel, String> {
        Err(format!("stage {stage} needs a model for {}, and there is no catalogue here", need.role))
    }
}

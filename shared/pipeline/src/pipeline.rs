//! The pipeline file: which steps, their settings, how they depend on each other.
mod file;

use crate::{PlanError, Sampling};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A pipeline, as its file says it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pipeline {
    /// Its name; the file's stem or the preset's name when the file says none.
    pub name: String,
    /// What it is for, for people.
    pub description: String,
    /// Settings of the ingest stage.
    pub ingest: IngestTable,
    /// Steps, in the order of the file.
    pub steps: Vec<Step>,
}

/// The `[ingest]` table: settings that differ from the ingest stage's defaults.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct IngestTable {
    /// Settings by name.
    pub settings: Map<String, Value>,
}

/// A `[steps.<name>]` table: a named use of a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// Its stage; by default the stage of the step's name.
    pub stage: String,
    /// Named set of settings to start from; `balanced` when absent.
    pub profile: Option<String>,
    /// Which frames it does.
    pub frames: Sampling,
    /// Where full frames come from: a step that makes frames, or `source`. When absent, the stage decides.
    pub input: Option<String>,
    /// Which step is to make a kind when several do, by kind.
    pub needs: BTreeMap<String, String>,
    /// Settings that differ from the profile's.
    pub settings: Map<String, Value>,
}

impl Step {
    /// A use of a stage with its defaults, named like the stage.
    pub fn of_stage(stage: &str) -> Self {
        Self {
            name: stage.to_owned(),
            stage: stage.to_owned(),
            profile: None,
            frames: Sampling::All,
            input: None,
            needs: BTreeMap::new(),
            settings: Map::new(),
        }
    }

    /// Steps name files, subjects and settings, and `source` and `ingest` mean something else there.
    fn check_name(&self) -> Result<(), PlanError> {
        let letters = self.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let problem = match self.name.as_str() {
            "source" | "ingest" => "the name is taken: it stands for the source's own frames",
            name if name.is_empty() || name.len() > 64 || !letters || name.starts_with(['-', '_']) => {
                "use 1 to 64 letters, digits, '-' and '_', a letter or digit first"
            }
            _ => return Ok(()),
        };
        Err(PlanError::StepName { name: self.name.clone(), problem })
    }
}

impl Pipeline {
    /// The most steps that a pipeline may have.
    pub const STEPS_MAX: usize = 256;

    /// Reads a pipeline file. `origin` says where the text comes from, for messages, and names a pipeline that names itself
    /// not. Unknown keys are refused with line, column and the keys there are; settings are checked when the job is planned.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, PlanError> {
        let pipeline = file::read(text, origin)?;
        pipeline.check()?;
        Ok(pipeline)
    }

    /// Writes the pipeline as a file that [`Pipeline::from_toml`] reads back. Fails on values that TOML cannot hold (null).
    pub fn to_toml(&self) -> Result<String, PlanError> {
        file::write(self)
    }

    /// Changes one value: `step.key=value` for a setting, `step.profile`, `step.frames`, `step.input`, `step.stage` and
    /// `step.needs.kind` for what the step's table holds itself, `ingest.key` for a setting of ingest. The value is TOML; a
    /// bare word is a string. Whether a stage knows the setting is found out when the job is planned.
    pub fn set(&mut self, assignment: &str) -> Result<(), PlanError> {
        let wrong =
            |problem: &str| PlanError::Assignment { assignment: assignment.to_owned(), problem: problem.to_owned() };
        let (path, text) = assignment.split_once('=').ok_or_else(|| wrong("write step.key=value"))?;
        let (step, key) = path.trim().split_once('.').ok_or_else(|| wrong("write step.key=value"))?;
        if key.is_empty() {
            return Err(wrong("the key is missing; write step.key=value"));
        }
        let value = file::value(text.trim());
        if step == "ingest" {
            self.ingest.settings.insert(key.to_owned(), value);
            return Ok(());
        }
        let index = self.index_of(step, "")?;
        set_in(&mut self.steps[index], key, value).map_err(|problem| wrong(&problem))
    }

    /// Place of a step. `used` says where it was named, for the message: " (input of pose)".
    pub(crate) fn index_of(&self, step: &str, used: &str) -> Result<usize, PlanError> {
        self.steps.iter().position(|known| known.name == step).ok_or_else(|| PlanError::UnknownStep {
            pipeline: self.name.clone(),
            step: step.to_owned(),
            used: used.to_owned(),
            known: self.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    /// Refuses step names that are unfit or given twice, and numbers of steps that make no plan.
    pub(crate) fn check(&self) -> Result<(), PlanError> {
        let found = self.steps.len();
        if !(1..=Self::STEPS_MAX).contains(&found) {
            return Err(PlanError::StepCount { pipeline: self.name.clone(), found, max: Self::STEPS_MAX });
        }
        for (index, step) in self.steps.iter().enumerate() {
            step.check_name()?;
            if self.steps[..index].iter().any(|earlier| earlier.name == step.name) {
                return Err(PlanError::StepName { name: step.name.clone(), problem: "another step has this name" });
            }
        }
        Ok(())
    }
}

/// Puts a value where a step keeps it.
fn set_in(step: &mut Step, key: &str, value: Value) -> Result<(), String> {
    let word = || value.as_str().map(str::to_owned).ok_or_else(|| format!("{key} is a word, not {value}"));
    match key {
        "stage" => step.stage = word()?,
        "profile" => step.profile = Some(word()?),
        "input" => step.input = Some(word()?),
        "frames" => step.frames = word()?.parse().map_err(|error: PlanError| error.to_string())?,
        _ => match key.strip_prefix("needs.") {
            Some(kind) => {
                step.needs.insert(kind.to_owned(), word()?);
            }
            None => {
                step.settings.insert(key.to_owned(), value);
            }
        },
    }
    Ok(())
}

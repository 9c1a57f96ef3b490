//! The wire form of a pipeline: TOML.
use crate::{IngestTable, Pipeline, PlanError, Sampling, Step};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// The whole file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PipelineFile {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(default, skip_serializing_if = "no_settings")]
    ingest: IngestTable,
    #[serde(with = "steps_in_order")]
    steps: Vec<(String, StepTable)>,
}

/// `[steps.<name>]`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepTable {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    frames: Sampling,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    needs: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "is_default")]
    settings: Map<String, Value>,
}

/// Reads a file; a pipeline without a name takes the origin's stem.
pub(crate) fn read(text: &str, origin: &str) -> Result<Pipeline, PlanError> {
    let file: PipelineFile = toml::from_str(text).map_err(|error| PlanError::File {
        origin: origin.to_owned(),
        problem: error.to_string().trim_end().to_owned(),
    })?;
    let stem =
        || Path::new(origin).file_stem().map_or_else(|| origin.to_owned(), |stem| stem.to_string_lossy().into_owned());
    Ok(Pipeline {
        name: if file.name.is_empty() { stem() } else { file.name },
        description: file.description,
        ingest: file.ingest,
        steps: file.steps.into_iter().map(from_table).collect(),
    })
}

/// Writes a file.
pub(crate) fn write(pipeline: &Pipeline) -> Result<String, PlanError> {
    let file = PipelineFile {
        name: pipeline.name.clone(),
        description: pipeline.description.clone(),
        ingest: pipeline.ingest.clone(),
        steps: pipeline.steps.iter().map(to_table).collect(),
    };
    toml::to_string_pretty(&file)
        .map_err(|error| PlanError::File { origin: pipeline.name.clone(), problem: error.to_string() })
}

/// A TOML value, or the text itself as a string when it is none (a bare word) or has no equal in JSON (a date, `nan`, `inf`).
pub(crate) fn value(text: &str) -> Value {
    let table: Option<toml::Table> = toml::from_str(&format!("value = {text}")).ok();
    let alone = table.filter(|table| table.len() == 1).and_then(|mut table| table.remove("value"));
    match alone {
        None | Some(toml::Value::Datetime(_)) => Value::String(text.to_owned()),
        Some(toml::Value::Float(number)) if !number.is_finite() => Value::String(text.to_owned()),
        Some(value) => serde_json::to_value(value).unwrap_or_else(|_| Value::String(text.to_owned())),
    }
}

fn from_table((name, table): (String, StepTable)) -> Step {
    let StepTable { stage, profile, frames, input, needs, settings } = table;
    Step { stage: stage.unwrap_or_else(|| name.clone()), name, profile, frames, input, needs, settings }
}

fn to_table(step: &Step) -> (String, StepTable) {
    let table = StepTable {
        stage: (step.stage != step.name).then(|| step.stage.clone()),
        profile: step.profile.clone(),
        frames: step.frames,
        input: step.input.clone(),
        needs: step.needs.clone(),
        settings: step.settings.clone(),
    };
    (step.name.clone(), table)
}

fn no_settings(table: &IngestTable) -> bool {
    table.settings.is_empty()
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A table as a list of pairs: the order of steps in the file means something.
mod steps_in_order {
    use super::*;

    pub(super) fn serialize<S: Serializer>(steps: &[(String, StepTable)], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(steps.iter().map(|(name, table)| (name, table)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(String, StepTable)>, D::Error> {
        deserializer.deserialize_map(Steps)
    }

    struct Steps;

    impl<'de> Visitor<'de> for Steps {
        type Value = Vec<(String, StepTable)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a table of steps")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut steps = Vec::new();
            while let Some(entry) = map.next_entry()? {
                steps.push(entry);
            }
            Ok(steps)
        }
    }
}

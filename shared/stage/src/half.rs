//! The two halves of a step, and which of them reads a setting.
use schemars::Schema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A half of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    /// Per batch.
    #[default]
    Process,
    /// Once, over all records.
    Finish,
}

impl Half {
    /// Whether this half is given what belongs to `owner`: finish is given everything, process nothing that is finish's alone.
    pub fn is_given(self, owner: Half) -> bool {
        self == Self::Finish || owner == Self::Process
    }
}

impl std::fmt::Display for Half {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Process => "process",
            Self::Finish => "finish",
        })
    }
}

/// Where a setting's schema says which half alone reads it.
const MARK: &str = "x-half";

/// Marks a setting that `finish` alone reads: `#[schemars(transform = only_finish)]` on the field. Process is loaded with the
/// setting's default whatever the user chose, so the setting is no part of process' key, and changing it redoes finish alone.
pub fn only_finish(schema: &mut Schema) {
    schema.insert(MARK.to_owned(), Half::Finish.to_string().into());
}

/// The settings that `finish` alone reads, by a stage's schema: those marked with [`only_finish`].
pub fn finish_settings(schema: &Value) -> BTreeSet<String> {
    let marked = |(_, property): &(&String, &Value)| property[MARK] == Half::Finish.to_string();
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties.filter(marked).map(|(key, _)| key.clone()).collect()
}

/// The settings that a half is loaded with: process has the default of whatever `finish` alone reads.
pub fn settings_of(
    half: Half,
    settings: &Map<String, Value>,
    finish_settings: &BTreeSet<String>,
) -> Map<String, Value> {
    let owner = |key: &String| if finish_settings.contains(key) { Half::Finish } else { Half::Process };
    let given = settings.iter().filter(|(key, _)| half.is_given(owner(key)));
    given.map(|(key, value)| (key.clone(), value.clone())).collect()
}

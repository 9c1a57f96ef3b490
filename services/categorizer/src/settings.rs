//! What changes the answers of the stage.
use crate::categories::Categories;
use crate::words::Words;
use framefleet_classifier::Probe;
use framefleet_stage::{FileSetting, Settings, in_range, only_finish};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest file of a probe: 1000 classes of vectors of 4096 numbers take half of it.
const MAX_PROBE_BYTES: u64 = 64 << 20;

/// Most categories of a step: every score is shown.
const MAX_CATEGORIES: usize = 256;

/// What is categorized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    /// Whole frames.
    #[default]
    Frame,
    /// What each mask covers, cut out.
    Mask,
    /// The box of each face.
    Face,
    /// The box of each pose.
    Pose,
}

impl Of {
    /// The kind of the instances; `None` for whole frames.
    pub fn kind(self) -> Option<&'static str> {
        match self {
            Self::Frame => None,
            Self::Mask => Some("mask"),
            Self::Face => Some("face"),
            Self::Pose => Some("pose"),
        }
    }
}

fn other_categories() -> Vec<&'static str> {
    vec!["dog", "cat"]
}

/// Settings of the stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CategorizerSettings {
    /// What is categorized: frame (whole frames), or every mask, face or pose that another step finds.
    pub of: Of,
    /// Id of the model, a classifier of ImageNet's 1000 classes; the catalogue's default for the profile when left out.
    pub model: Option<String>,
    /// Pictures per run of the model (1 to 256); what it was tuned to, or is usually given, when left out.
    pub micro_batch: Option<u32>,
    /// Categories by name, `["dog", "cat"]`, or each with its words, `{pet = ["dog", "cat"]}`. A word is the name of a class of ImageNet or
    /// of what it is a kind of; a class belongs to the category whose word is the most specific. Words that no class has are refused.
    #[schemars(transform = only_finish, example = other_categories())]
    pub categories: Categories,
    /// File of a probe, a classifier trained from your own examples (framefleet-classifier's format, at most 64 MiB): its classes are the
    /// categories, and `categories` is not used. It has to be trained from embeddings of the step's model.
    #[schemars(transform = only_finish)]
    pub probe: FileSetting<MAX_PROBE_BYTES>,
    /// A category that is less likely (0–1) is uncertain.
    #[schemars(transform = only_finish)]
    pub threshold: f64,
    /// A category that is less ahead of the next likeliest (0–1) is uncertain.
    #[schemars(transform = only_finish)]
    pub margin: f64,
    /// What scores are divided by before they become probabilities (0.05 to 100): more makes them less sure. Not set: 1, and the statistics
    /// say that probabilities are not calibrated.
    #[schemars(transform = only_finish)]
    pub temperature: Option<f64>,
    /// Whether all of a track have one category, that of the mean of their probabilities.
    #[schemars(transform = only_finish)]
    pub vote: bool,
}

impl Default for CategorizerSettings {
    fn default() -> Self {
        let names = ["character", "human person", "object", "furniture", "background", "vehicle", "prop", "accessory"];
        Self {
            of: Of::Frame,
            model: None,
            micro_batch: None,
            categories: Categories::Names(names.map(str::to_owned).to_vec()),
            probe: FileSetting::default(),
            threshold: 0.7,
            margin: 0.1,
            temperature: None,
            vote: true,
        }
    }
}

impl Settings for CategorizerSettings {
    /// The profiles differ in their models alone, which the catalogue says.
    fn profiles() -> Vec<(&'static str, Self)> {
        vec![("fast", Self::default()), ("quality", Self::default())]
    }

    fn validate(&self) -> Result<(), String> {
        in_range("micro_batch", f64::from(self.micro_batch.unwrap_or(1)), 1.0, 256.0)?;
        in_range("threshold", self.threshold, 0.0, 1.0)?;
        in_range("margin", self.margin, 0.0, 1.0)?;
        in_range("temperature", self.temperature.unwrap_or(1.0), 0.05, 100.0)?;
        let entries = self.categories.entries();
        in_range("number of categories", entries.len() as f64, 1.0, MAX_CATEGORIES as f64)?;
        for (at, (name, _)) in entries.iter().enumerate() {
            if name.trim().is_empty() || matches!(*name, UNCERTAIN | DROPPED) {
                return Err(format!("categories: \"{name}\" is no name of a category"));
            }
            if entries.iter().take(at).any(|(before, _)| before == name) {
                return Err(format!("categories: \"{name}\" is there twice"));
            }
        }
        Words::of(&self.categories).map(|_| ()).map_err(|error| format!("categories: {error}"))
    }

    fn check_file(_setting: &str, content: &[u8]) -> Result<(), String> {
        Probe::from_bytes(content).map(|_| ()).map_err(|error| error.to_string())
    }
}

/// Status, and category, of what is not sure.
pub const UNCERTAIN: &str = "uncertain";
/// Status of what is sure.
pub const CONFIDENT: &str = "confident";
/// Status of what the user dropped.
pub const DROPPED: &str = "dropped";

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_stage::complete;
    use serde_json::{Map, Value, json};

    fn given(settings: Value) -> Result<CategorizerSettings, String> {
        let map: Map<String, Value> = serde_json::from_value(settings).unwrap();
        complete("categorizer", None, &map).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_valid_and_wrong_settings_are_named() {
        assert_eq!(CategorizerSettings::default().validate(), Ok(()));
        assert!(given(json!({"categories": {"pet": ["dog", "cat"], "ride": ["bicycle"]}})).is_ok());
        for (settings, named) in [
            (json!({"threshold": 1.5}), "threshold must be 0 to 1"),
            (json!({"categories": []}), "number of categories"),
            (json!({"categories": ["dog", "dog"]}), "\"dog\" is there twice"),
            (json!({"categories": ["uncertain"]}), "\"uncertain\" is no name"),
            (json!({"categories": ["gizmo"]}), "\"gizmo\""),
            (json!({"categories": {"pet": ["dog", "catt"]}}), "\"catt\""),
            (json!({"categories": {"pet": []}}), "\"pet\" has no words"),
            (json!({"model_family": "clip"}), "model_family"),
        ] {
            let problem = given(settings).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}

//! The user's categories, as settings have them.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The user's categories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Categories {
    /// By name: the words are those of a known group of this name, else the name itself.
    Names(Vec<String>),
    /// By name, each with its words.
    Words(BTreeMap<String, Vec<String>>),
}

impl Categories {
    /// Names with words of their own, where they have any.
    pub fn entries(&self) -> Vec<(&str, Option<&[String]>)> {
        match self {
            Self::Names(names) => names.iter().map(|name| (name.as_str(), None)).collect(),
            Self::Words(words) => words.iter().map(|(name, words)| (name.as_str(), Some(words.as_slice()))).collect(),
        }
    }
}

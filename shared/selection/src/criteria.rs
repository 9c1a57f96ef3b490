//! What is to be chosen.
use serde::{Deserialize, Serialize};

/// What is to be chosen. Filters come first, then one per shot, then those too similar go, then the sharpest stay.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criteria {
    /// Names or numbers of identities; empty: everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<String>,
    /// The shorter side of the box, pixels, at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_size: Option<f64>,
    /// Of every shot the best picture of each person.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_per_shot: bool,
    /// No two pictures of a person are more alike than this, 0–1 (1: the same).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_similar: Option<f64>,
    /// So many of each person, those with the sharpest faces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharpest: Option<usize>,
}

impl Criteria {
    /// Whether everything is chosen.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

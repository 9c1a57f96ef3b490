//! What changes the answers of the stage.
use framefleet_stage::{Settings, in_range, only_finish};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubjectsSettings {
    /// A face, pose or mask that agrees with the others of a person by less than this is of somebody else (0.01 to 1).
    pub agreement: f64,
    /// Tracks are of one subject when they are found together in this share of the frames of the shorter one, or more (0.01 to 1).
    #[schemars(transform = only_finish)]
    pub together: f64,
    /// In films, who is found in fewer frames is no subject but a mistake of a detector (1 to 1000). In photographs everybody is one.
    #[schemars(transform = only_finish)]
    pub min_frames: u32,
    /// Whether parts of an item that have one identity are one subject: who leaves and comes back is the same. Off: whoever comes back is
    /// another subject of the same identity.
    #[schemars(transform = only_finish)]
    pub by_identity: bool,
}

impl Default for SubjectsSettings {
    fn default() -> Self {
        Self { agreement: 0.25, together: 0.5, min_frames: 3, by_identity: true }
    }
}

impl Settings for SubjectsSettings {
    fn validate(&self) -> Result<(), String> {
        in_range("agreement", self.agreement, 0.01, 1.0)?;
        in_range("together", self.together, 0.01, 1.0)?;
        in_range("min_frames", f64::from(self.min_frames), 1.0, 1000.0)
    }
}

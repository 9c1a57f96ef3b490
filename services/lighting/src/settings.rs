//! What changes the answers of this stage.
use framefleet_stage::{Settings, in_range, only_finish};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the lighting stage. Exposure, contrast, clipping and colour are measured on every pixel of the proxy under
/// all settings and profiles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LightingSettings {
    /// Long side, in pixels, of the small picture on which light direction and shadows are looked for: 32 to 640. Smaller
    /// is faster and misses small subjects.
    pub analysis_side: u32,
    /// Cells on a side of the grid that says how light is spread over the frame: 1 to 16.
    pub grid: u32,
    /// Whether to measure where the light comes from (direction, key/fill, rim, set-up).
    pub direction: bool,
    /// Whether to measure the colour of the light (chromaticity, temperature, tint).
    pub temperature: bool,
    /// Whether to measure shadows (area, depth, edges).
    pub shadows: bool,
    /// A direction is named when its confidence is at least this, 0 to 1; below it the light is called diffuse.
    pub direction_confidence: f64,
    /// Shadow must lie this many stops below what is lit to be told from dark material: 0.5 to 6.
    pub shadow_stops: f64,
    /// Frames with more than this share of clipped pixels are counted in the warnings: 0 to 1.
    #[schemars(transform = only_finish)]
    pub clipped_warning: f64,
}

impl Default for LightingSettings {
    fn default() -> Self {
        Self {
            analysis_side: 256,
            grid: 4,
            direction: true,
            temperature: true,
            shadows: true,
            direction_confidence: 0.25,
            shadow_stops: 1.5,
            clipped_warning: 0.05,
        }
    }
}

impl Settings for LightingSettings {
    fn profiles() -> Vec<(&'static str, Self)> {
        let balanced = Self::default();
        vec![
            ("fast", Self { analysis_side: 160, ..balanced.clone() }),
            ("quality", Self { analysis_side: 640, grid: 8, ..balanced }),
        ]
    }

    fn validate(&self) -> Result<(), String> {
        in_range("analysis_side", f64::from(self.analysis_side), 32.0, 640.0)?;
        in_range("grid", f64::from(self.grid), 1.0, 16.0)?;
        in_range("direction_confidence", self.direction_confidence, 0.0, 1.0)?;
        in_range("shadow_stops", self.shadow_stops, 0.5, 6.0)?;
        in_range("clipped_warning", self.clipped_warning, 0.0, 1.0)
    }
}

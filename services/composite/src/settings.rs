//! What changes the answers of the stage.
use framefleet_perception::MaskChoice;
use framefleet_stage::{Settings, in_range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What cut-outs are laid over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Background {
    /// One colour; frames are opaque then.
    #[default]
    Colour,
    /// The frame itself, blurred.
    Blur,
    /// Nothing: frames get alpha, and pixels of which nothing is kept are black.
    Transparent,
}

/// Settings of the stage. Percentages are of the full frame's long side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CompositeSettings {
    /// Masks with these labels are kept ("person"); empty: all masks.
    pub labels: Vec<String>,
    /// Instances over time that are kept, by the track numbers that segmentation gives them; empty: all, unless `subjects` or
    /// `identities` choose. Tracks and subjects are known only after all frames were seen, so choosing costs a second pass over the
    /// footage.
    pub tracks: Vec<u32>,
    /// Persons that are kept, by their numbers within each item (`subject` in the records of the step `subjects`).
    pub subjects: Vec<u32>,
    /// Persons that are kept in all items, by the names or numbers of identities: `["Ada"]`.
    pub identities: Vec<String>,
    /// What everything else becomes: colour, blur or transparent.
    pub background: Background,
    /// The colour, as "#rrggbb"; without a background: `background = "transparent"`.
    pub colour: String,
    /// How far the frame is blurred: the standard deviation (0.1 to 10).
    pub blur_percent: f64,
    /// How far from the edge of masks it is measured by colours how much of a pixel is kept, and the old background taken out of
    /// it (0 to 5; 0: masks are taken as they are). Pixels further inside stay as they are, bit by bit.
    pub edge_percent: f64,
    /// Width over which kept and new fade into each other at the edge where colours say nothing (0 to 5).
    pub feather_percent: f64,
}

impl Default for CompositeSettings {
    fn default() -> Self {
        Self {
            labels: Vec::new(),
            tracks: Vec::new(),
            subjects: Vec::new(),
            identities: Vec::new(),
            background: Background::Colour,
            colour: "#00b140".to_owned(),
            blur_percent: 2.0,
            edge_percent: 0.8,
            feather_percent: 0.1,
        }
    }
}

impl CompositeSettings {
    /// Which masks are kept.
    pub fn choice(&self) -> MaskChoice<'_> {
        MaskChoice {
            labels: &self.labels,
            tracks: &self.tracks,
            subjects: &self.subjects,
            identities: &self.identities,
        }
    }

    /// Red, green and blue, 0–1; `None` when that is no colour.
    pub fn rgb(&self) -> Option<[f32; 3]> {
        let digits = self.colour.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
        let channel = |at: usize| u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok();
        Some([channel(0)?, channel(1)?, channel(2)?].map(|value| f32::from(value) / 255.0))
    }
}

impl Settings for CompositeSettings {
    fn validate(&self) -> Result<(), String> {
        if self.rgb().is_none() {
            let hint =
                if self.colour == "transparent" { "; without a background: background = \"transparent\"" } else { "" };
            return Err(format!(
                "colour must be \"#rrggbb\" with six hexadecimal digits, got \"{}\"{hint}",
                self.colour
            ));
        }
        for (key, value, low, high) in [
            ("blur_percent", self.blur_percent, 0.1, 10.0),
            ("edge_percent", self.edge_percent, 0.0, 5.0),
            ("feather_percent", self.feather_percent, 0.0, 5.0),
        ] {
            in_range(key, value, low, high)?;
        }
        Ok(())
    }
}

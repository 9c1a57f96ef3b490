//! What changes the answers of the stage.
use framefleet_perception::MaskChoice;
use framefleet_stage::{Settings, in_range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the pixels of several source frames are merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Blend {
    /// The median, weighted by confidence: what one frame has wrong does not show.
    #[default]
    Median,
    /// The mean, weighted by confidence: least noise, soft where frames disagree.
    Average,
    /// The pixel of the most confident frame: sharpest, seams where the frame changes.
    Best,
}

/// What fills the pixels that no frame shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// LaMa (Suvorov et al. 2022): a model that invents texture and continues structure.
    Lama,
    /// Fast marching (Telea 2004): colours continued from the edge, without texture.
    #[default]
    Telea,
    /// Nothing: these pixels stay as they are.
    None,
}

/// Settings of the stage. Percentages are of the full frame's long side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InpaintingSettings {
    /// Masks with these labels are removed ("person"); empty: all masks.
    pub labels: Vec<String>,
    /// Instances over time that are removed, by the track numbers that segmentation gives them; empty: all, unless `subjects` or
    /// `identities` choose. Tracks and subjects are known only after all frames were seen, so choosing costs a second pass over the
    /// footage.
    pub tracks: Vec<u32>,
    /// Persons that are removed, by their numbers within each item (`subject` in the records of the step `subjects`).
    pub subjects: Vec<u32>,
    /// Persons that are removed in all items, by the names or numbers of identities: `["Ada"]`.
    pub identities: Vec<String>,
    /// Growth of the masks, so that the blurred edge of an object is removed with it (0 to 5).
    pub grow_percent: f64,
    /// An object without a mask in up to so many frames in a row (0 to 8) is removed there, too, if frames on both sides have it: in
    /// the shape of those, where it would be if it moved evenly. So is one that comes in at the image's edge before it has a mask, or
    /// goes out after. 0: masks count as they are.
    pub gap: u32,
    /// Width of the band around the grown mask where the filling fades into the frame (0 to 5). Nothing outside it changes.
    pub feather_percent: f64,
    /// Frames before and after that are searched for what the hole hides (0 to 64). 0: none, all is invented.
    pub window: u32,
    /// Maximum number of source frames (1 to 16).
    pub references: u32,
    /// How the pixels of the source frames are merged: median, average or best.
    pub blend: Blend,
    /// Whether frames are aligned by optical flow, completed inside the hole, on top of one homography per frame: needed where the
    /// background has depth and the camera moves.
    pub flow: bool,
    /// Frames are aligned at this long side (160 to 2048 pixels; they are never enlarged).
    pub analysis_side: u32,
    /// What fills the pixels that no frame shows: lama, telea or none.
    pub rest: Rest,
    /// Id of the model of `rest = "lama"` in the catalogue. It has to be pulled before.
    pub model: String,
    /// Whether a clean plate is written per shot: the median of its frames, aligned, without what was removed.
    pub clean_plate: bool,
}

impl Default for InpaintingSettings {
    fn default() -> Self {
        Self {
            labels: Vec::new(),
            tracks: Vec::new(),
            subjects: Vec::new(),
            identities: Vec::new(),
            grow_percent: 0.5,
            gap: 6,
            feather_percent: 0.25,
            window: 10,
            references: 5,
            blend: Blend::Median,
            flow: true,
            analysis_side: 640,
            rest: Rest::Telea,
            model: "lama-512".to_owned(),
            clean_plate: false,
        }
    }
}

impl InpaintingSettings {
    /// Which masks are removed.
    pub fn choice(&self) -> MaskChoice<'_> {
        MaskChoice {
            labels: &self.labels,
            tracks: &self.tracks,
            subjects: &self.subjects,
            identities: &self.identities,
        }
    }
}

impl Settings for InpaintingSettings {
    fn profiles() -> Vec<(&'static str, Self)> {
        vec![
            ("fast", Self { window: 6, references: 3, flow: false, analysis_side: 480, ..Self::default() }),
            ("quality", Self { window: 16, references: 7, analysis_side: 960, rest: Rest::Lama, ..Self::default() }),
        ]
    }

    fn validate(&self) -> Result<(), String> {
        in_range("grow_percent", self.grow_percent, 0.0, 5.0)?;
        in_range("gap", f64::from(self.gap), 0.0, 8.0)?;
        in_range("feather_percent", self.feather_percent, 0.0, 5.0)?;
        in_range("window", f64::from(self.window), 0.0, 64.0)?;
        in_range("references", f64::from(self.references), 1.0, 16.0)?;
        in_range("analysis_side", f64::from(self.analysis_side), 160.0, 2048.0)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_stage::complete;
    use serde_json::{Map, Value, json};

    fn given(profile: Option<&str>, settings: Value) -> Result<InpaintingSettings, String> {
        let map: Map<String, Value> = serde_json::from_value(settings).unwrap();
        complete("inpainting", profile, &map).map_err(|error| error.to_string())
    }

    #[test]
    fn only_the_quality_profile_needs_a_model() {
        for (profile, rest) in [("fast", Rest::Telea), ("balanced", Rest::Telea), ("quality", Rest::Lama)] {
            assert_eq!(given(Some(profile), json!({})).unwrap().rest, rest, "{profile}");
        }
        assert_eq!(given(Some("quality"), json!({"rest": "telea"})).unwrap().rest, Rest::Telea);
    }

    #[test]
    fn wrong_settings_are_named() {
        for (settings, named) in [
            (json!({"window": 65}), "window must be 0 to 64, got 65"),
            (json!({"references": 0}), "references"),
            (json!({"rest": "poisson"}), "rest"),
            (json!({"radius": 3}), "radius"),
        ] {
            let problem = given(None, settings).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}

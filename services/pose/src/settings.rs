//! What changes the answers of the stage.
use framefleet_stage::{Settings, in_range, only_finish};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How persons are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// MoveNet multi-pose: up to six persons in each image, boxes and 17 keypoints in one go.
    #[default]
    Multi,
    /// MoveNet for one person: the one that fills most of the image.
    Single,
    /// BlazePose's detector, whose keypoints come from the landmarks: near persons, also lying or upside down.
    Blazepose,
}

/// Settings of the stage. A person's height is that of the box.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PoseSettings {
    /// How persons are found: multi, single or blazepose.
    pub detector: Detector,
    /// The detector's model, by id; the catalogue's default for the profile when left out.
    pub detection_model: Option<String>,
    /// Whether 33 points in 3-D are measured on every person.
    pub landmarks: bool,
    /// The landmarks' model, by id; the catalogue's default for the profile when left out.
    pub landmarks_model: Option<String>,
    /// Input size of multi, pixels: multiples of 32 from 96 to 1280. Larger finds smaller persons.
    pub detection_width: u32,
    /// See detection_width.
    pub detection_height: u32,
    /// Images and persons per run of the models (1 to 256); what they were tuned to, or are usually given, when left out.
    pub micro_batch: Option<u32>,
    /// Whether the full frame is read instead of the proxy: finer landmarks of persons who are small in a large frame.
    pub full_frames: bool,
    /// Overlapping tiles along each side that are searched besides the whole frame, for crowds and small persons. 1: none. 0: as many
    /// as find all persons, and show them large enough for the model, on the first frame of each batch with somebody in it, and on each
    /// photograph; up to 3 (multi alone).
    pub tiles: u32,
    /// Persons of a lower score are left out.
    pub min_score: f64,
    /// Keypoints of lower visibility count as hidden in boxes, regions, duplicates and geometry.
    pub min_visibility: f64,
    /// Two persons whose object keypoint similarity is as high are one, found twice.
    pub duplicate_similarity: f64,
    /// Maximum number of persons per frame, the best (1 to 1000).
    pub max_persons: u32,
    /// Tracks are first continued by persons of this score, and the others by those below.
    #[schemars(transform = only_finish)]
    pub track_score: f64,
    /// Persons from this score on begin tracks.
    #[schemars(transform = only_finish)]
    pub new_track_score: f64,
    /// Minimum agreement of keypoints and box with the prediction for a person to continue a track (0–1).
    #[schemars(transform = only_finish)]
    pub track_similarity: f64,
    /// A track whose person is not found for longer ends, seconds.
    #[schemars(transform = only_finish)]
    pub lost_seconds: f64,
    /// Tracks seen in fewer frames are dropped.
    #[schemars(transform = only_finish)]
    pub min_track_frames: u32,
    /// Cut-off of the smoothing filter for keypoints at rest, Hz: lower is steadier. 0 turns smoothing off.
    #[schemars(transform = only_finish)]
    pub smoothing_cutoff: f64,
    /// How much the cut-off rises with speed, Hz per (heights per second): higher follows faster.
    #[schemars(transform = only_finish)]
    pub smoothing_beta: f64,
    /// Whether poses are interpolated where a track's person was not found.
    #[schemars(transform = only_finish)]
    pub interpolate: bool,
}

impl Default for PoseSettings {
    fn default() -> Self {
        Self {
            detector: Detector::Multi,
            detection_model: None,
            landmarks: true,
            landmarks_model: None,
            detection_width: 256,
            detection_height: 256,
            micro_batch: None,
            full_frames: false,
            tiles: 0,
            min_score: 0.2,
            min_visibility: 0.2,
            duplicate_similarity: 0.6,
            max_persons: 100,
            track_score: 0.3,
            new_track_score: 0.3,
            track_similarity: 0.15,
            lost_seconds: 1.0,
            min_track_frames: 3,
            smoothing_cutoff: 2.0,
            smoothing_beta: 6.0,
            interpolate: true,
        }
    }
}

impl Settings for PoseSettings {
    fn profiles() -> Vec<(&'static str, Self)> {
        vec![
            (
                "fast",
                Self { landmarks: false, detection_width: 256, detection_height: 160, tiles: 1, ..Self::default() },
            ),
            (
                "quality",
                Self { detection_width: 384, detection_height: 384, full_frames: true, tiles: 2, ..Self::default() },
            ),
        ]
    }

    fn validate(&self) -> Result<(), String> {
        side("detection_width", self.detection_width)?;
        side("detection_height", self.detection_height)?;
        in_range("micro_batch", f64::from(self.micro_batch.unwrap_or(1)), 1.0, 256.0)?;
        in_range("tiles", f64::from(self.tiles), 0.0, 8.0)?;
        in_range("min_score", self.min_score, 0.0, 1.0)?;
        in_range("min_visibility", self.min_visibility, 0.0, 1.0)?;
        in_range("duplicate_similarity", self.duplicate_similarity, 0.01, 1.0)?;
        in_range("max_persons", f64::from(self.max_persons), 1.0, 1000.0)?;
        in_range("track_score", self.track_score, 0.0, 1.0)?;
        in_range("new_track_score", self.new_track_score, 0.0, 1.0)?;
        in_range("track_similarity", self.track_similarity, 0.01, 1.0)?;
        in_range("lost_seconds", self.lost_seconds, 0.0, 60.0)?;
        in_range("min_track_frames", f64::from(self.min_track_frames), 1.0, 10_000.0)?;
        in_range("smoothing_cutoff", self.smoothing_cutoff, 0.0, 1000.0)?;
        in_range("smoothing_beta", self.smoothing_beta, 0.0, 10_000.0)?;
        if self.tiles > 1 && self.detector == Detector::Single {
            return Err("single finds one person and searches no tiles: set tiles = 1, or another detector".to_owned());
        }
        if !self.landmarks && self.detector == Detector::Blazepose {
            return Err("blazepose takes its keypoints from the landmarks: set landmarks = true, or another detector"
                .to_owned());
        }
        Ok(())
    }
}

/// Refuses a side that the model does not take.
fn side(key: &str, value: u32) -> Result<(), String> {
    if (96..=1280).contains(&value) && value.is_multiple_of(32) {
        return Ok(());
    }
    Err(format!("{key} must be a multiple of 32 from 96 to 1280, got {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_stage::complete;
    use serde_json::{Map, Value, json};

    fn given(settings: Value) -> Result<PoseSettings, String> {
        let map: Map<String, Value> = serde_json::from_value(settings).unwrap();
        complete("pose", None, &map).map_err(|error| error.to_string())
    }

    #[test]
    fn profiles_are_valid_and_differ() {
        for (name, settings) in PoseSettings::profiles() {
            assert_eq!(settings.validate(), Ok(()), "{name}");
            assert_ne!(settings, PoseSettings::default(), "{name}");
        }
        assert_eq!(PoseSettings::default().validate(), Ok(()));
    }

    #[test]
    fn wrong_settings_are_named() {
        for (settings, named) in [
            (json!({"detection_width": 250}), "multiple of 32 from 96 to 1280, got 250"),
            (json!({"tiles": 9}), "tiles must be 0 to 8"),
            (json!({"detector": "single", "tiles": 2}), "searches no tiles"),
            (json!({"detector": "blazepose", "landmarks": false}), "set landmarks = true"),
            (json!({"colour": 1}), "colour"),
        ] {
            let problem = given(settings).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}

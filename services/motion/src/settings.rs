//! What changes the answers of the stage.
use framefleet_stage::{Settings, in_range, only_finish};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the motion of the picture is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Dense inverse search (Kroeger et al. 2016): dense, fast.
    #[default]
    Dis,
    /// Polynomial expansion (Farnebäck 2003): dense, smoother, several times slower.
    Farneback,
    /// Corners followed by pyramidal Lucas–Kanade: sparse; shares are shares of corners, not of the picture.
    LucasKanade,
}

/// How much work dense inverse search puts into a pair of frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisPreset {
    /// No variational refinement: blocks show in pictures of the flow, statistics hardly differ.
    #[default]
    Ultrafast,
    /// Five refinement steps.
    Fast,
    /// Finer patches, five refinement steps.
    Medium,
}

/// Settings of the stage. Percentages of the width are of the full frame, per frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MotionSettings {
    /// How flow is measured: dis, farneback or lucas_kanade.
    pub method: Method,
    /// Preset of dis: ultrafast, fast or medium. Other methods ignore it.
    pub preset: DisPreset,
    /// Frames are analysed at this height at most (64 to 640 pixels; proxies are never enlarged).
    pub analysis_height: u32,
    /// What moves faster counts as moving (density, object motion), percent of the width per frame.
    pub moving_percent: f64,
    /// A camera that shifts the picture less is static, percent of the width per frame.
    pub camera_static_percent: f64,
    /// A camera whose scale per frame differs less from 1 does not zoom.
    pub camera_static_zoom: f64,
    /// Corners tracked for camera motion (20 to 2000).
    pub corners: u32,
    /// Distance up to which a corner follows the camera, pixels of the analysed frame.
    pub ransac_pixels: f64,
    /// Content score (mean HSV difference, 0–255) below which no frame is a cut.
    #[schemars(transform = only_finish)]
    pub cut_floor: f64,
    /// How many times the content score of a cut exceeds the mean of the two frames before and the two after.
    #[schemars(transform = only_finish)]
    pub cut_ratio: f64,
    /// Content score from which a frame is a cut also when frames are missing before it.
    #[schemars(transform = only_finish)]
    pub cut_content: f64,
    /// No shot is shorter, seconds.
    #[schemars(transform = only_finish)]
    pub min_shot_seconds: f64,
    /// A picture that is back after so many seconds was interrupted by a flash, not by a cut. 0 turns the filter off.
    #[schemars(transform = only_finish)]
    pub flash_seconds: f64,
    /// Frames of a darker mean luma (0–255) are black: a fade.
    #[schemars(transform = only_finish)]
    pub fade_luma: f64,
    /// Longer darkness is a dark scene, not a fade, and so is any other colour that fills the picture for longer, seconds.
    #[schemars(transform = only_finish)]
    pub fade_seconds: f64,
    /// Whether dissolves, wipes and fades through any colour begin shots, too, not only cuts and fades through black.
    #[schemars(transform = only_finish)]
    pub gradual: bool,
    /// Trajectories kept per item, those with the longest paths; 0 turns them off. They need every frame: with sampling there are
    /// none.
    pub trajectories: u32,
    /// Whether stretches of one character of motion (idle, walking, …) are labelled.
    #[schemars(transform = only_finish)]
    pub actions: bool,
    /// A picture of the flow (hue = direction, saturation = speed) for every such frame number; 0 turns them off. Needs a
    /// dense method.
    pub flow_pictures_every: u64,
    /// Speed that pictures of the flow show at full saturation, percent of the width per frame.
    pub flow_picture_percent: f64,
    /// Whether the flow of every frame is written as a Middlebury .flo file: analysed size, vectors in pixels of the full frame.
    /// Needs a dense method.
    pub flow_files: bool,
}

impl Default for MotionSettings {
    fn default() -> Self {
        Self {
            method: Method::Dis,
            preset: DisPreset::Ultrafast,
            analysis_height: 360,
            moving_percent: 0.3125,
            camera_static_percent: 0.1,
            camera_static_zoom: 0.001,
            corners: 200,
            ransac_pixels: 3.0,
            cut_floor: 15.0,
            cut_ratio: 3.0,
            cut_content: 27.0,
            min_shot_seconds: 0.6,
            flash_seconds: 0.2,
            fade_luma: 12.0,
            fade_seconds: 2.0,
            gradual: true,
            trajectories: 100,
            actions: true,
            flow_pictures_every: 0,
            flow_picture_percent: 2.0,
            flow_files: false,
        }
    }
}

impl Settings for MotionSettings {
    fn profiles() -> Vec<(&'static str, Self)> {
        vec![
            (
                "fast",
                Self {
                    preset: DisPreset::Ultrafast,
                    analysis_height: 180,
                    corners: 150,
                    trajectories: 0,
                    ..Self::default()
                },
            ),
            ("quality", Self { preset: DisPreset::Medium, corners: 500, ..Self::default() }),
            ("classic", Self { method: Method::Farneback, ..Self::default() }),
        ]
    }

    fn validate(&self) -> Result<(), String> {
        in_range("analysis_height", f64::from(self.analysis_height), 64.0, 640.0)?;
        in_range("corners", f64::from(self.corners), 20.0, 2000.0)?;
        in_range("trajectories", f64::from(self.trajectories), 0.0, 10_000.0)?;
        in_range("moving_percent", self.moving_percent, 0.01, 100.0)?;
        in_range("camera_static_percent", self.camera_static_percent, 0.0, 100.0)?;
        in_range("camera_static_zoom", self.camera_static_zoom, 0.0, 1.0)?;
        in_range("ransac_pixels", self.ransac_pixels, 0.1, 50.0)?;
        in_range("flow_picture_percent", self.flow_picture_percent, 0.01, 100.0)?;
        in_range("cut_floor", self.cut_floor, 0.0, 255.0)?;
        in_range("cut_ratio", self.cut_ratio, 1.0, 1000.0)?;
        in_range("cut_content", self.cut_content, 0.0, 255.0)?;
        in_range("min_shot_seconds", self.min_shot_seconds, 0.0, 3600.0)?;
        in_range("flash_seconds", self.flash_seconds, 0.0, 5.0)?;
        in_range("fade_luma", self.fade_luma, 0.0, 255.0)?;
        in_range("fade_seconds", self.fade_seconds, 0.0, 3600.0)?;
        if self.method == Method::LucasKanade && (self.flow_pictures_every > 0 || self.flow_files) {
            return Err(
                "lucas_kanade has no dense flow: set flow_pictures_every = 0 and flow_files = false, or another method"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_stage::complete;
    use serde_json::{Map, Value, json};

    fn given(settings: Value) -> Result<MotionSettings, String> {
        let map: Map<String, Value> = serde_json::from_value(settings).unwrap();
        complete("motion", None, &map).map_err(|error| error.to_string())
    }

    #[test]
    fn profiles_are_valid_and_differ() {
        for (name, settings) in MotionSettings::profiles() {
            assert_eq!(settings.validate(), Ok(()), "{name}");
            assert_ne!(settings, MotionSettings::default(), "{name}");
        }
        assert_eq!(MotionSettings::default().validate(), Ok(()));
    }

    #[test]
    fn wrong_settings_are_named() {
        assert_eq!(given(json!({"method": "farneback", "corners": 50})).unwrap().corners, 50);
        for (settings, named) in [
            (json!({"analysis_height": 4}), "analysis_height must be 64 to 640, got 4"),
            (json!({"cut_ratio": 0.5}), "cut_ratio"),
            (json!({"speed": 1}), "speed"),
            (json!({"method": "lucas_kanade", "flow_files": true}), "no dense flow"),
        ] {
            let problem = given(settings).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}

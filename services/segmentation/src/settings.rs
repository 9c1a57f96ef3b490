//! What changes the answers of the stage.
use framefleet_frames::Rendition;
use framefleet_masks::MaskProduct;
use framefleet_stage::{ModelNeed, Settings, in_range, only_finish};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of model that makes the masks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Persons: one foreground, divided among the persons that poses or faces locate.
    #[default]
    Person,
    /// The foreground of a video, with soft edges; the model keeps a memory of earlier frames.
    VideoMatting,
    /// The foreground of a still, with soft edges.
    StillMatting,
    /// Objects at prompts: boxes of persons where poses or faces locate them, else a grid of points (SAM 2).
    Promptable,
}

/// How the two views of a stereo frame are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stereo {
    /// As the item's headers say; one view where they say nothing, since the aspect ratio cannot tell.
    #[default]
    Auto,
    /// One view.
    Mono,
    /// The left eye's left of the right eye's.
    SideBySide,
    /// The left eye's above the right eye's.
    OverUnder,
}

/// Settings of the stage. Shares are of the frame's pixels, in percent; in stereo, of one eye's view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SegmentationSettings {
    /// The kind of model that makes the masks: person, video_matting, still_matting or promptable.
    pub method: Method,
    /// Id of the model, as `framefleet models list` shows it; by default that of the kind and profile. Of promptable models, the
    /// name that its parts share ("sam2.1-hiera-tiny").
    pub model: Option<String>,
    /// Images and persons per run of the models of person and still_matting (1 to 256); what they were tuned to, or are usually given, when left out.
    pub micro_batch: Option<u32>,
    /// Value of the soft mask from which a pixel belongs to the foreground (0 to 1). Not for promptable models.
    pub threshold: f64,
    /// Smaller instances are left out, and smaller islands of an instance; percent.
    pub min_area_percent: f64,
    /// Smaller holes in an instance are filled; percent.
    pub hole_percent: f64,
    /// Instances kept per frame (and eye), the largest.
    pub max_instances: u32,
    /// Whether person and video_matting read the full frame instead of its proxy: finer outlines, and persons who are small in a
    /// large frame.
    pub full_frames: bool,
    /// Size of the region that the model is given, relative to the person's box (1 to 4). Persons alone.
    pub person_margin: f64,
    /// Earlier frames whose soft masks smooth that of a frame where the image stands still (0 to 5; 0 turns it off): for cameras
    /// that do not move. Person and still_matting alone.
    pub steady_frames: u32,
    /// Long side of the input of video_matting, pixels (128 to 1024).
    pub matting_side: u32,
    /// Frames before a batch that fill the memory of video_matting (0 to 64).
    pub warm_up_frames: u32,
    /// Frames over which a promptable model tracks what it found on the first of them, by its memory: objects keep their masks through
    /// them, and new ones are found on the next first frame. 0: every frame on its own (0 to 64).
    pub follow_frames: u32,
    /// Point prompts of a promptable model along each side (1 to 64).
    pub points_per_side: u32,
    /// Layers of overlapping crops that are segmented besides the whole image, for small objects: 1 takes 2×2
    /// crops, 2 takes 4×4 more (0 to 3).
    pub crop_layers: u32,
    /// From layer to layer, points along each side of a crop become fewer by this factor (1 to 8).
    pub crop_points_divisor: u32,
    /// Prompts per run of a promptable model (1 to 256).
    pub prompts_per_run: u32,
    /// Masks of points with a lower predicted IoU are left out (0 to 1).
    pub min_predicted_iou: f64,
    /// Masks of points that are less stable when the threshold moves are left out (0 to 1).
    pub min_stability: f64,
    /// Of masks of points whose boxes overlap by more (IoU), the best stays (0 to 1).
    pub duplicate_iou: f64,
    /// How the views of the two eyes are packed in a frame: auto, mono, side_by_side or over_under.
    pub stereo: Stereo,
    /// Whether the eyes have to agree: soft masks are compared along the disparity, and where it differs both take the mean. Not for promptable
    /// models.
    pub stereo_agreement: bool,
    /// Masks of neighbouring frames that overlap by less (IoU) are different objects (0 to 1).
    #[schemars(transform = only_finish)]
    pub track_iou: f64,
    /// An object that is absent for longer is a new one when it comes back, seconds (0 to 60).
    #[schemars(transform = only_finish)]
    pub track_gap_seconds: f64,
    /// Images written beside the records: any of cutouts, context, blurred, masks, backgrounds, overlay, frames.
    pub artifacts: Vec<MaskProduct>,
    /// Surroundings of an instance in context and blurred images, pixels of the full frame (0 to 1000).
    pub context_pixels: u32,
}

impl Default for SegmentationSettings {
    fn default() -> Self {
        Self {
            method: Method::Person,
            model: None,
            micro_batch: None,
            threshold: 0.5,
            min_area_percent: 0.1,
            hole_percent: 0.05,
            max_instances: 15,
            full_frames: true,
            person_margin: 1.5,
            steady_frames: 0,
            matting_side: 512,
            warm_up_frames: 12,
            follow_frames: 0,
            points_per_side: 20,
            crop_layers: 0,
            crop_points_divisor: 2,
            prompts_per_run: 64,
            min_predicted_iou: 0.7,
            min_stability: 0.8,
            duplicate_iou: 0.7,
            stereo: Stereo::Auto,
            stereo_agreement: true,
            track_iou: 0.3,
            track_gap_seconds: 0.25,
            artifacts: Vec::new(),
            context_pixels: 20,
        }
    }
}

impl Settings for SegmentationSettings {
    fn profiles() -> Vec<(&'static str, Self)> {
        vec![
            (
                "fast",
                Self {
                    full_frames: false,
                    points_per_side: 16,
                    matting_side: 384,
                    stereo_agreement: false,
                    ..Self::default()
                },
            ),
            ("quality", Self { points_per_side: 32, matting_side: 768, warm_up_frames: 24, ..Self::default() }),
        ]
    }

    fn validate(&self) -> Result<(), String> {
        for (key, value, low, high) in [
            ("micro_batch", f64::from(self.micro_batch.unwrap_or(1)), 1.0, 256.0),
            ("threshold", self.threshold, 0.01, 0.99),
            ("min_area_percent", self.min_area_percent, 0.0, 100.0),
            ("hole_percent", self.hole_percent, 0.0, 100.0),
            ("max_instances", f64::from(self.max_instances), 1.0, 1000.0),
            ("person_margin", self.person_margin, 1.0, 4.0),
            ("steady_frames", f64::from(self.steady_frames), 0.0, 5.0),
            ("matting_side", f64::from(self.matting_side), 128.0, 1024.0),
            ("warm_up_frames", f64::from(self.warm_up_frames), 0.0, 64.0),
            ("follow_frames", f64::from(self.follow_frames), 0.0, 64.0),
            ("points_per_side", f64::from(self.points_per_side), 1.0, 64.0),
            ("crop_layers", f64::from(self.crop_layers), 0.0, 3.0),
            ("crop_points_divisor", f64::from(self.crop_points_divisor), 1.0, 8.0),
            ("prompts_per_run", f64::from(self.prompts_per_run), 1.0, 256.0),
            ("min_predicted_iou", self.min_predicted_iou, 0.0, 1.0),
            ("min_stability", self.min_stability, 0.0, 1.0),
            ("duplicate_iou", self.duplicate_iou, 0.0, 1.0),
            ("track_iou", self.track_iou, 0.01, 1.0),
            ("track_gap_seconds", self.track_gap_seconds, 0.0, 60.0),
            ("context_pixels", f64::from(self.context_pixels), 0.0, 1000.0),
        ] {
            in_range(key, value, low, high)?;
        }
        Ok(())
    }
}

impl SegmentationSettings {
    /// What models are given.
    pub fn looks_at(&self) -> Rendition {
        match self.method {
            Method::Person | Method::VideoMatting if !self.full_frames => Rendition::Proxy,
            _ => Rendition::Full,
        }
    }

    /// What process is given: the input of models, and what images are cut from.
    pub fn renditions(&self) -> Vec<Rendition> {
        match self.looks_at() {
            Rendition::Proxy if !self.artifacts.is_empty() => vec![Rendition::Proxy, Rendition::Full],
            rendition => vec![rendition],
        }
    }

    /// The models that these settings run, by role.
    pub fn models(&self) -> Vec<ModelNeed> {
        let named = |usual: &str| Some(self.model.clone().unwrap_or_else(|| usual.to_owned()));
        let need =
            |role: &str, choice: Option<String>| ModelNeed::new(role, choice.as_deref()).in_batches(self.micro_batch);
        // What the video's model saw of a frame, it needs for the next; SAM 2's halves and memory look at one image at a time.
        let one = |role: &str, choice: Option<String>| need(role, choice).with_micro_batch(1);
        match self.method {
            Method::Person => vec![need(PERSON, self.model.clone())],
            Method::VideoMatting => vec![one(VIDEO_MATTING, named("robust-video-matting"))],
            Method::StillMatting => vec![need(STILL_MATTING, named("isnet-small"))],
            Method::Promptable => {
                let half = |half: &str| named("sam2.1-hiera-tiny").map(|name| format!("{name}-{half}"));
                let decoder = need(DECODER, half("decoder")).with_micro_batch(self.prompts_per_run as usize);
                let mut needs = vec![one(ENCODER, half("encoder")), decoder];
                if self.follow_frames > 1 {
                    let memory = [
                        (MEMORY_POINTER, "memory-pointer"),
                        (MEMORY_ENCODER, "memory-encoder"),
                        (MEMORY_ATTENTION, "memory-attention"),
                        (MEMORY_DECODER, "memory-decoder"),
                    ];
                    needs.extend(memory.map(|(role, name)| one(role, half(name))));
                }
                needs
            }
        }
    }
}

/// Roles of models, in the catalogue's words.
pub const PERSON: &str = "person-segmentation";
/// See [`PERSON`].
pub const VIDEO_MATTING: &str = "video-matting";
/// See [`PERSON`].
pub const STILL_MATTING: &str = "still-matting";
/// See [`PERSON`].
pub const ENCODER: &str = "promptable-encoder";
/// See [`PERSON`].
pub const DECODER: &str = "promptable-decoder";
/// See [`PERSON`].
pub const MEMORY_POINTER: &str = "promptable-memory-pointer";
/// See [`PERSON`].
pub const MEMORY_ENCODER: &str = "promptable-memory-encoder";
/// See [`PERSON`].
pub const MEMORY_ATTENTION: &str = "promptable-memory-attention";
/// See [`PERSON`].
pub const MEMORY_DECODER: &str = "promptable-memory-decoder";

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_stage::complete;
    use serde_json::{Map, Value, json};

    fn given(settings: Value) -> Result<SegmentationSettings, String> {
        let map: Map<String, Value> = serde_json::from_value(settings).unwrap();
        complete("segmentation", None, &map).map_err(|error| error.to_string())
    }

    #[test]
    fn profiles_are_valid_and_differ() {
        for (name, settings) in SegmentationSettings::profiles() {
            assert_eq!(settings.validate(), Ok(()), "{name}");
            assert_ne!(settings, SegmentationSettings::default(), "{name}");
        }
        assert_eq!(SegmentationSettings::default().validate(), Ok(()));
    }

    #[test]
    fn wrong_settings_are_named() {
        assert_eq!(given(json!({"artifacts": ["masks"]})).unwrap().artifacts, [MaskProduct::Masks]);
        for (settings, named) in [
            (json!({"threshold": 0}), "threshold must be 0.01 to 0.99, got 0"),
            (json!({"method": "sam"}), "method"),
            (json!({"artifacts": ["gif"]}), "artifacts"),
            (json!({"speed": 1}), "speed"),
        ] {
            let problem = given(settings).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }

    #[test]
    fn full_frames_are_read_where_something_needs_them() {
        let proxies = SegmentationSettings { full_frames: false, ..SegmentationSettings::default() };
        assert_eq!(proxies.renditions(), [Rendition::Proxy]);
        let cut = SegmentationSettings { artifacts: vec![MaskProduct::Cutouts], ..proxies.clone() };
        assert_eq!(cut.renditions(), [Rendition::Proxy, Rendition::Full]);
        let pointed = SegmentationSettings { method: Method::Promptable, ..proxies };
        assert_eq!(pointed.renditions(), [Rendition::Full]);
    }

    #[test]
    fn a_promptable_model_is_two_files() {
        let settings = SegmentationSettings {
            method: Method::Promptable,
            model: Some("sam2.1-hiera-large".to_owned()),
            ..SegmentationSettings::default()
        };
        let needs: Vec<_> = settings.models().into_iter().map(|need| (need.role, need.choice.unwrap())).collect();
        let expected = [(ENCODER, "sam2.1-hiera-large-encoder"), (DECODER, "sam2.1-hiera-large-decoder")];
        assert_eq!(needs, expected.map(|(role, id)| (role.to_owned(), id.to_owned())));
        assert_eq!(SegmentationSettings::default().models()[0].choice, None);
        let followed = SegmentationSettings { follow_frames: 8, ..settings };
        assert_eq!(followed.models().len(), 6);
        assert_eq!(followed.models()[4].choice.as_deref(), Some("sam2.1-hiera-large-memory-attention"));
    }
}

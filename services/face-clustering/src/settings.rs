//! What changes the answers of the stage.
use framefleet_stage::{Settings, in_range, only_finish};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How clusters are taken from the tree of densities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Those that persist over the widest range of densities (excess of mass).
    #[default]
    Eom,
    /// The smallest ones: finer, more of them.
    Leaf,
}

/// Settings of the stage. Similarities are cosines of embeddings, and are tuned for the default model: other models may need others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FaceClusteringSettings {
    /// Id of the face detector; the catalogue's default when left out.
    pub detector: Option<String>,
    /// Id of the model that embeds faces; the catalogue's default when left out.
    pub embedder: Option<String>,
    /// Whether full frames are searched, too, in tiles, for faces that are too small on proxies; all faces are then embedded
    /// from full frames. Costs full renditions, and one more run of the detector per tile.
    pub small_faces: bool,
    /// Whether frames without an upright face are searched turned by 90, 180 and 270 degrees, too: photographs each, films on the
    /// first frame of each batch. Costs three more runs of the detector on such frames.
    pub turned: bool,
    /// Faces of a lower detector score (0–1) are left out.
    pub min_score: f64,
    /// Of two faces that overlap by more (intersection over union), the one with the lower score is left out.
    pub max_overlap: f64,
    /// Faces whose box is narrower or lower are left out, pixels of the image that is searched.
    pub min_size: f64,
    /// Maximum number of faces per frame, those with the best scores (1 to 1000).
    pub max_faces: u32,
    /// Images and faces per run of the models (1 to 256); what they were tuned to, or are usually given, when left out.
    pub micro_batch: Option<u32>,
    /// A face that is absent for longer begins a new track, seconds.
    #[schemars(transform = only_finish)]
    pub track_gap_seconds: f64,
    /// A face of less similarity does not continue a track.
    #[schemars(transform = only_finish)]
    pub track_similarity: f64,
    /// Tracks whose best face has a lower quality (0–1) form no clusters; they may join one.
    #[schemars(transform = only_finish)]
    pub min_quality: f64,
    /// Tracks that make a cluster (at least 2).
    #[schemars(transform = only_finish)]
    pub min_cluster_size: u32,
    /// `min_samples` of HDBSCAN: neighbours within the core distance of a track (1 to 100). More forms clusters of denser places only.
    #[schemars(transform = only_finish)]
    pub min_samples: u32,
    /// How clusters are taken from the tree of densities: eom or leaf.
    #[schemars(transform = only_finish)]
    pub selection: Selection,
    /// Clusters are never connected by tracks of less similarity.
    #[schemars(transform = only_finish)]
    pub min_similarity: f64,
    /// Clusters that are one at this similarity are not split.
    #[schemars(transform = only_finish)]
    pub whole_similarity: f64,
    /// A track outside all clusters joins the identity whose mean it resembles most, from this similarity on.
    #[schemars(transform = only_finish)]
    pub assign_similarity: f64,
    /// Identities whose means have this similarity are merged.
    #[schemars(transform = only_finish)]
    pub merge_similarity: f64,
    /// Whether two faces of one frame are two persons. Turn it off where mirrors and images show persons twice.
    #[schemars(transform = only_finish)]
    pub cannot_link: bool,
    /// Faces that a track outside all clusters must have to be an identity of its own.
    #[schemars(transform = only_finish)]
    pub min_faces: u32,
    /// Crops kept per identity (0 to 200).
    #[schemars(transform = only_finish)]
    pub crops: u32,
}

impl Default for FaceClusteringSettings {
    fn default() -> Self {
        Self {
            detector: None,
            embedder: None,
            small_faces: false,
            turned: true,
            min_score: 0.6,
            max_overlap: 0.3,
            min_size: 10.0,
            max_faces: 64,
            micro_batch: None,
            track_gap_seconds: 0.5,
            track_similarity: 0.3,
            min_quality: 0.15,
            min_cluster_size: 2,
            min_samples: 1,
            selection: Selection::Eom,
            min_similarity: 0.45,
            whole_similarity: 0.55,
            assign_similarity: 0.4,
            merge_similarity: 0.5,
            cannot_link: true,
            min_faces: 3,
            crops: 16,
        }
    }
}

impl Settings for FaceClusteringSettings {
    fn profiles() -> Vec<(&'static str, Self)> {
        vec![
            ("fast", Self { min_size: 24.0, max_faces: 16, crops: 8, ..Self::default() }),
            ("quality", Self { small_faces: true, ..Self::default() }),
        ]
    }

    fn validate(&self) -> Result<(), String> {
        for (key, value, low, high) in [
            ("min_score", self.min_score, 0.05, 1.0),
            ("max_overlap", self.max_overlap, 0.0, 1.0),
            ("min_size", self.min_size, 1.0, 640.0),
            ("max_faces", f64::from(self.max_faces), 1.0, 1000.0),
            ("micro_batch", f64::from(self.micro_batch.unwrap_or(1)), 1.0, 256.0),
            ("track_gap_seconds", self.track_gap_seconds, 0.0, 60.0),
            ("track_similarity", self.track_similarity, -1.0, 1.0),
            ("min_quality", self.min_quality, 0.0, 1.0),
            ("min_cluster_size", f64::from(self.min_cluster_size), 2.0, 10_000.0),
            ("min_samples", f64::from(self.min_samples), 1.0, 100.0),
            ("min_similarity", self.min_similarity, -1.0, 1.0),
            ("whole_similarity", self.whole_similarity, -1.0, 1.0),
            ("assign_similarity", self.assign_similarity, -1.0, 1.0),
            ("merge_similarity", self.merge_similarity, -1.0, 1.0),
            ("min_faces", f64::from(self.min_faces), 1.0, 10_000.0),
            ("crops", f64::from(self.crops), 0.0, 200.0),
        ] {
            in_range(key, value, low, high)?;
        }
        if self.whole_similarity < self.min_similarity {
            return Err("whole_similarity must be no less than min_similarity".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_stage::complete;
    use serde_json::{Map, Value, json};

    fn given(settings: Value) -> Result<FaceClusteringSettings, String> {
        let map: Map<String, Value> = serde_json::from_value(settings).unwrap();
        complete("face-clustering", None, &map).map_err(|error| error.to_string())
    }

    #[test]
    fn profiles_are_valid_and_wrong_settings_are_named() {
        for (name, settings) in FaceClusteringSettings::profiles() {
            assert_eq!(settings.validate(), Ok(()), "{name}");
        }
        assert_eq!(given(json!({"detector": "centerface"})).unwrap().detector.as_deref(), Some("centerface"));
        for (settings, named) in [
            (json!({"min_score": 0}), "min_score must be 0.05 to 1"),
            (json!({"min_cluster_size": 1}), "min_cluster_size must be 2"),
            (json!({"whole_similarity": 0.2}), "whole_similarity must be no less"),
            (json!({"pca": 64}), "pca"),
        ] {
            let problem = given(settings).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}

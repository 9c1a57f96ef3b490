//! What changes the answers of the stage.
use crate::speakers::diarisation::{Diarisation, MAX_BYTES};
use crate::track_setting::TrackSetting;
use framefleet_frames::{Item, Rendition};
use framefleet_stage::{FileSetting, Settings, in_range, only_finish};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which images mouths are measured in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pictures {
    /// 640 pixels on the long side at most: enough for faces of a sixth of the image's height and more.
    #[default]
    Proxy,
    /// The source's own size: small faces, at the cost of larger frames.
    Full,
}

impl Pictures {
    /// The rendition that is read.
    pub fn rendition(self) -> Rendition {
        match self {
            Self::Proxy => Rendition::Proxy,
            Self::Full => Rendition::Full,
        }
    }
}

/// Settings of the stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SyncSettings {
    /// Images that mouths are measured in: proxy or full.
    pub pictures: Pictures,
    /// Faces per run of the mesh, and of the lip-sync model (1 to 256); what they were tuned to, or are usually given, when left out.
    pub micro_batch: Option<u32>,
    /// Faces with fewer pixels on their longer side, in those images, are left out.
    pub min_face: u32,
    /// Mouths of less confidence (0–1) are not compared with the audio.
    #[schemars(transform = only_finish)]
    pub min_confidence: f64,
    /// Maximum offset that is searched, milliseconds (100 to 2000).
    #[schemars(transform = only_finish)]
    pub max_offset_ms: u32,
    /// Length of the segments that offsets are measured on, seconds (3 to 60).
    #[schemars(transform = only_finish)]
    pub segment_seconds: f64,
    /// Segments whose mouth follows the audio less (correlation, 0–1) say nothing about the offset.
    #[schemars(transform = only_finish)]
    pub min_correlation: f64,
    /// A face whose mouth follows the audio less (correlation, 0–1) is not the one who speaks.
    #[schemars(transform = only_finish)]
    pub speaker_correlation: f64,
    /// Probability (0–1) from which audio counts as speech.
    #[schemars(transform = only_finish)]
    pub voice_threshold: f64,
    /// Which sound track is heard where a file has several: "auto" (the default one, unless somebody speaks for clearly longer in another), its number
    /// from 0, or its language as the file has it ("eng"). A track that a file with sound lacks is refused when the job is planned.
    #[schemars(transform = only_finish)]
    pub track: TrackSetting,
    /// Id of the face mesh model in the catalogue; the default of the profile when left out.
    pub mesh: Option<String>,
    /// Id of a model in the catalogue (role lip-sync) that measures offsets instead of the correlation of aperture and
    /// loudness. Inputs `face` [N, 3, 5, 224, 224] and `audio` [N, 1, 13, 20], outputs `face_embedding` and `audio_embedding` [N, D].
    pub lip_sync_model: Option<String>,
    /// Who speaks when: an RTTM file or JSON {"segments": [{"start", "end", "speaker"}]}.
    #[schemars(transform = only_finish)]
    pub diarisation: FileSetting<MAX_BYTES>,
}

impl Default for SyncSettings {
    fn default() -> Self {
        Self {
            pictures: Pictures::Proxy,
            micro_batch: None,
            min_face: 32,
            min_confidence: 0.5,
            max_offset_ms: 500,
            segment_seconds: 6.0,
            min_correlation: 0.4,
            speaker_correlation: 0.2,
            voice_threshold: 0.5,
            track: TrackSetting::default(),
            mesh: None,
            lip_sync_model: None,
            diarisation: FileSetting::default(),
        }
    }
}

impl Settings for SyncSettings {
    fn profiles() -> Vec<(&'static str, Self)> {
        // Besides this, the catalogue's defaults differ: `fast` runs the smaller mesh.
        let quality = Self { pictures: Pictures::Full, ..Self::default() };
        vec![("fast", Self::default()), ("quality", quality)]
    }

    fn validate(&self) -> Result<(), String> {
        for (key, value, low, high) in [
            ("micro_batch", f64::from(self.micro_batch.unwrap_or(1)), 1.0, 256.0),
            ("min_confidence", self.min_confidence, 0.0, 1.0),
            ("min_correlation", self.min_correlation, 0.0, 1.0),
            ("speaker_correlation", self.speaker_correlation, 0.0, 1.0),
            ("voice_threshold", self.voice_threshold, 0.0, 1.0),
            ("max_offset_ms", f64::from(self.max_offset_ms), 100.0, 2000.0),
            ("segment_seconds", self.segment_seconds, 3.0, 60.0),
        ] {
            in_range(key, value, low, high)?;
        }
        Ok(())
    }

    fn check_item(&self, item: &Item) -> Result<(), String> {
        self.track.find(item).map(drop)
    }

    fn check_file(_setting: &str, content: &[u8]) -> Result<(), String> {
        Diarisation::parse(content).map(drop).map_err(|error| error.to_string())
    }
}

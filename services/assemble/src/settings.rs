//! What changes what is written.
use framefleet_encode::JoinSound;
use framefleet_formats::{Dither, Encoding};
use framefleet_stage::{Settings, only_finish};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether films have the source's sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sound {
    /// Every audio stream that the container carries, as it is.
    #[default]
    Copy,
    /// The same, and streams that the container does not carry are encoded anew.
    Encode,
    /// No sound.
    None,
}

impl From<Sound> for JoinSound {
    fn from(sound: Sound) -> Self {
        match sound {
            Sound::Copy => Self::Copy,
            Sound::Encode => Self::Encode,
            Sound::None => Self::None,
        }
    }
}

/// Settings of the stage `assemble`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AssembleSettings {
    /// What frames are written as: "auto" (videos in the source's codec and container where those can be written, images in
    /// the format of each), "h264", "h265", "prores", "dnxhr", "ffv1" (lossless), "png" or "tiff" (one file per frame).
    /// Folders of stills are written as images whatever is asked for.
    pub encoding: Encoding,
    /// Constant rate factor of H.264 and H.265: 0 (best) to 51. Not set: 16 and 18, which show no difference to the eye.
    /// Other codecs have a fixed quality.
    pub quality: Option<u32>,
    /// "copy": sound of the source goes along unchanged, in another container where the source's does not carry it; "encode": the container stays, and
    /// sound that it does not carry is encoded anew (AAC; ALAC or FLAC where the source is without loss); "none": films are silent.
    #[schemars(transform = only_finish)]
    pub audio: Sound,
    /// Where frames have more bits than what they are written as: "ordered" (gradients stay smooth; the same pattern in every
    /// frame) or "none" (rounded).
    pub dither: Dither,
    /// Batches that are encoded to one piece, 1 to 16. More: smaller files (each piece starts with a key frame), fewer
    /// tasks, more frames in memory.
    pub group: u32,
}

impl Default for AssembleSettings {
    fn default() -> Self {
        Self { encoding: Encoding::Auto, quality: None, audio: Sound::Copy, dither: Dither::Ordered, group: 3 }
    }
}

impl Settings for AssembleSettings {
    fn validate(&self) -> Result<(), String> {
        if let Some(quality) = self.quality.filter(|quality| *quality > 51) {
            return Err(format!("quality must be 0 to 51, got {quality}"));
        }
        // What a task names of its frames has to fit into a message.
        if !(1..=16).contains(&self.group) {
            return Err(format!("group must be 1 to 16, got {}", self.group));
        }
        Ok(())
    }
}

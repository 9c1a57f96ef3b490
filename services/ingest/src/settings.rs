//! What changes the frames that ingest makes.
use crate::Fps;
use framefleet_decode::Deinterlace;
use framefleet_probe::ImageFolders;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Settings of ingest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What is done about interlaced video: auto (one frame of each frame where combing is measured; flags are not
    /// believed), off, frame (the same for every video), field (one frame of each field of every video: twice the frames,
    /// on a timeline of their own).
    pub deinterlace: DeinterlaceSetting,
    /// What the images of a folder are: auto (a sequence where names carry numbers after a common stem with at most one in ten missing, all
    /// have one size, and what neighbours show, when they were taken and with which camera speaks of one film; else stills), sequence,
    /// stills. Numbers that a sequence lacks keep their place as failed frames.
    pub images: ImagesSetting,
    /// Frames per second of image sequences: 24, 23.976, "30000/1001". Not set: 25.
    pub fps: Option<Fps>,
    /// Which video stream of files that have several is read: "default" (the one that the file calls so), or its number from 0 (covers are not
    /// counted). A file without a stream of that number is refused. Films have sound and all else of the file whichever is read.
    pub video_stream: VideoStreamSetting,
}

/// See [`Settings::video_stream`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "video_stream must be \"default\" or a number from 0")]
pub enum VideoStreamSetting {
    /// By its number.
    Number(u32),
    /// By a word.
    Named(NamedStream),
}

/// A stream by a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NamedStream {
    /// The one that the file calls its default, else FFmpeg's choice.
    Default,
}

impl Default for VideoStreamSetting {
    fn default() -> Self {
        Self::Named(NamedStream::Default)
    }
}

impl VideoStreamSetting {
    /// The number; `None` for the default one.
    pub(crate) fn number(self) -> Option<u32> {
        match self {
            Self::Number(number) => Some(number),
            Self::Named(NamedStream::Default) => None,
        }
    }
}

/// See [`Settings::deinterlace`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeinterlaceSetting {
    /// Where combing is measured.
    #[default]
    Auto,
    /// Never.
    Off,
    /// One frame of each frame.
    Frame,
    /// One frame of each field.
    Field,
}

/// See [`Settings::images`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImagesSetting {
    /// By names, sizes, times, cameras and content.
    #[default]
    Auto,
    /// Frames of one film.
    Sequence,
    /// Images that have nothing to do with each other.
    Stills,
}

impl framefleet_stage::Settings for Settings {}

impl From<DeinterlaceSetting> for Deinterlace {
    fn from(setting: DeinterlaceSetting) -> Self {
        match setting {
            DeinterlaceSetting::Auto => Self::Auto,
            DeinterlaceSetting::Off => Self::Off,
            DeinterlaceSetting::Frame => Self::Frame,
            DeinterlaceSetting::Field => Self::Field,
        }
    }
}

impl From<ImagesSetting> for ImageFolders {
    fn from(setting: ImagesSetting) -> Self {
        match setting {
            ImagesSetting::Auto => Self::Auto,
            ImagesSetting::Sequence => Self::Sequence,
            ImagesSetting::Stills => Self::Stills,
        }
    }
}

/// Settings as a JSON object.
pub(crate) fn object(settings: &Settings) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

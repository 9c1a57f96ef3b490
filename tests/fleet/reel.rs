//! A stage that encodes, as far as a plan knows: pieces of several batches, with an encoder each.
use super::stages::extension;
use framefleet_formats::Encoding;
use framefleet_frames::{Kind, Rendition};
use framefleet_stage::{
    Batch, HalfNeeds, Host, Input, Job, Needs, Outputs, Records, Settings, SetupError, Stage, StageError,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReelSettings {
    /// Batches to a piece.
    pub group: u64,
    /// What the plan takes it to encode.
    pub encoding: Encoding,
}

impl Default for ReelSettings {
    fn default() -> Self {
        Self { group: 3, encoding: Encoding::H264 }
    }
}

impl Settings for ReelSettings {}

/// Says of every frame that it is on the reel.
pub struct Reel;

impl Stage for Reel {
    const NAME: &'static str = "reel";
    const ABOUT: &'static str = "says that it encodes";
    const VERSION: u32 = 1;
    type Settings = ReelSettings;

    fn needs(settings: &ReelSettings) -> Needs {
        Needs {
            process: HalfNeeds { makes: vec![Kind::new("reel")], ..HalfNeeds::default() },
            renditions: vec![Rendition::Full],
            input: Input::Latest,
            group: settings.group,
            encodes: Some(settings.encoding),
            ..Needs::default()
        }
    }

    fn load(_: &Host, _: &ReelSettings) -> Result<Self, SetupError> {
        Ok(Self)
    }

    fn process(&self, _: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        batch.frames().iter().for_each(|frame| out.annotate(*frame, extension("reel", json!({}))));
        Ok(())
    }

    fn finish(&self, _: &Job, _: &dyn Records, _: &mut Outputs) -> Result<(), StageError> {
        Ok(())
    }
}

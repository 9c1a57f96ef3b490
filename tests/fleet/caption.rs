//! A stage with settings that name files: one that process reads, one of finish alone.
use super::stages::extension;
use bytes::Bytes;
use framefleet_frames::Kind;
use framefleet_stage::{
    Batch, FileSetting, HalfNeeds, Host, Job, Needs, Outputs, Records, Settings, SetupError, Stage, StageError,
    only_finish,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

/// Texts of at most 64 bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CaptionSettings {
    /// What every frame says.
    pub text: FileSetting<64>,
    /// What is said at the end.
    #[schemars(transform = only_finish)]
    pub ending: FileSetting<64>,
}

impl Settings for CaptionSettings {
    fn check_file(setting: &str, content: &[u8]) -> Result<(), String> {
        std::str::from_utf8(content).map(drop).map_err(|_| format!("{setting} is no text"))
    }
}

/// Writes the content of a file into its records, and of another into its statistics.
pub struct Caption {
    text: Option<Bytes>,
    ending: Option<Bytes>,
}

fn words(text: &Option<Bytes>) -> Option<String> {
    text.as_ref().map(|text| String::from_utf8_lossy(text).into_owned())
}

impl Stage for Caption {
    const NAME: &'static str = "caption";
    const ABOUT: &'static str = "says what files say";
    const VERSION: u32 = 1;
    type Settings = CaptionSettings;

    fn needs(_: &CaptionSettings) -> Needs {
        let makes = vec![Kind::new("caption")];
        Needs { process: HalfNeeds { makes, ..HalfNeeds::default() }, ..Needs::default() }
    }

    fn load(host: &Host, settings: &CaptionSettings) -> Result<Self, SetupError> {
        Ok(Self { text: settings.text.read(host)?, ending: settings.ending.read(host)? })
    }

    fn process(&self, _: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        for &frame in batch.frames() {
            let said = json!({ "text": words(&self.text), "ending": words(&self.ending) });
            out.annotate(frame, extension("caption", said));
        }
        Ok(())
    }

    fn finish(&self, _: &Job, _: &dyn Records, out: &mut Outputs) -> Result<(), StageError> {
        let said = json!({ "text": words(&self.text), "ending": words(&self.ending) });
        out.statistics(&Map::from_iter([("said".to_owned(), said)]));
        Ok(())
    }
}

//! A stage with known truth: it reads the number that is stamped on each frame.
use framefleet_frames::{Annotation, Extension, Kind, Rendition};
use framefleet_proto::v1::annotation::Value;
use framefleet_stage::{Batch, HalfNeeds, Host, Job, Needs, Outputs, Settings, SetupError, Stage, StageError};
use framefleet_testkit::read_number;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Settings of [`Numbers`].
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NumbersSettings {
    /// Frames with a number below this fail.
    fail_below: u64,
}

impl Settings for NumbersSettings {}

/// Makes kind `number` per frame.
pub struct Numbers(NumbersSettings);

impl Stage for Numbers {
    const NAME: &'static str = "numbers";
    const ABOUT: &'static str = "the numbers stamped on frames";
    const VERSION: u32 = 1;
    type Settings = NumbersSettings;

    fn needs(_: &NumbersSettings) -> Needs {
        Needs { process: HalfNeeds { makes: vec![Kind::new("number")], ..HalfNeeds::default() }, ..Needs::default() }
    }

    fn load(_: &Host, settings: &NumbersSettings) -> Result<Self, SetupError> {
        Ok(Self(settings.clone()))
    }

    fn process(&self, _: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        for &frame in batch.frames() {
            let read = batch.frame(Rendition::Proxy, frame).and_then(|of| {
                let image = &of.image;
                read_number(image.data(), image.width(), image.height())
            });
            match read {
                Some(number) if number >= self.0.fail_below => {
                    let value = Extension { kind: "number".to_owned(), json: json!({ "is": number }).to_string() };
                    out.annotate(frame, Annotation { instance: 0, value: Some(Value::Extension(value)) });
                }
                _ => out.fail(frame, "no-number", "the number cannot be read"),
            }
        }
        Ok(())
    }
}

//! Lighting: how each frame is lit. Exposure, clipping, contrast and lightness; colour of the light; where it comes from;
//! shadows. All photometry is in linear light.
//!
//! `process` looks at proxies, one frame at a time. `finish` adds changes between frames, a look per shot (or item, when no
//! step finds shots), statistics and warnings.

mod direction;
mod frame;
mod illuminant;
mod photometry;
mod plane;
mod presentation;
mod rounding;
mod settings;
mod shading;
mod shadows;
mod subject;
mod summary;
mod tally;
mod tone;

pub use frame::measure;
pub use settings::LightingSettings;

use framefleet_frames::{Annotation, Kind, Rendition, annotation::Value};
use framefleet_perception::PerceptionError;
use framefleet_stage::{Batch, Field, HalfNeeds, Host, Job, Needs, Outputs, Records, SetupError, Stage, StageError};

/// The lighting stage.
#[derive(Debug)]
pub struct LightingStage {
    settings: LightingSettings,
}

impl Stage for LightingStage {
    const NAME: &'static str = "lighting";
    const ABOUT: &'static str = "how frames are lit: exposure, contrast, colour and direction of light, shadows";
    const VERSION: u32 = 1;
    const FIELDS: &'static [Field] = presentation::FIELDS;
    type Settings = LightingSettings;

    fn needs(_settings: &LightingSettings) -> Needs {
        Needs {
            process: HalfNeeds { makes: vec![Kind::new("lighting")], ..HalfNeeds::default() },
            finish: HalfNeeds {
                optional: vec![Kind::new("shot")],
                makes: vec![Kind::new("look")],
                ..HalfNeeds::default()
            },
            ..Needs::default()
        }
    }

    fn load(_host: &Host, settings: &LightingSettings) -> Result<Self, SetupError> {
        Ok(Self { settings: settings.clone() })
    }

    fn process(&self, _job: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        for &number in batch.frames() {
            let proxy = batch.frame(Rendition::Proxy, number).ok_or(PerceptionError::Absent(Rendition::Proxy));
            match proxy.and_then(|proxy| Ok(measure(&proxy.image, &self.settings)?)) {
                Ok(lighting) => {
                    out.annotate(number, Annotation { instance: 0, value: Some(Value::Lighting(lighting)) });
                }
                Err(error) => error.settle(number, out)?,
            }
        }
        Ok(())
    }

    fn finish(&self, job: &Job, records: &dyn Records, out: &mut Outputs) -> Result<(), StageError> {
        summary::summarise(&self.settings, job, records, out)
    }
}

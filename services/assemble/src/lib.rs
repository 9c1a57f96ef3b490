//! Writes frames as films and images: groups of batches are encoded to pieces, in parallel, and joined without encoding
//! again; sound and everything else comes from the source.

mod film;
mod names;
mod piece;
mod settings;
mod stills;

pub use settings::{AssembleSettings, Sound};

use framefleet_encode::EncodeError;
use framefleet_frames::Rendition;
use framefleet_stage::{
    Batch, HalfNeeds, Host, Input, Job, Needs, Outputs, Records, SetupError, SideInputs, Stage, StageError,
};

/// The stage.
#[derive(Debug)]
pub struct AssembleStage {
    settings: AssembleSettings,
}

impl Stage for AssembleStage {
    const NAME: &'static str = "assemble";
    const ABOUT: &'static str = "writes the frames of the latest step as films with the source's sound, or as images";
    const VERSION: u32 = 4;
    type Settings = AssembleSettings;

    fn needs(settings: &AssembleSettings) -> Needs {
        Needs {
            renditions: vec![Rendition::Full],
            input: Input::Latest,
            group: u64::from(settings.group),
            encodes: Some(settings.encoding),
            finish: HalfNeeds {
                side_inputs: SideInputs { audio: settings.audio != Sound::None, metadata: true },
                ..HalfNeeds::default()
            },
            ..Needs::default()
        }
    }

    fn load(_host: &Host, settings: &AssembleSettings) -> Result<Self, SetupError> {
        Ok(Self { settings: settings.clone() })
    }

    fn process(&self, job: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        match self.settings.encoding.codec(batch.item(), &job.makers) {
            Some(codec) => piece::encode(codec, &self.settings, job, batch, out),
            None => stills::write(&self.settings, job, batch, out),
        }
    }

    fn finish(&self, job: &Job, records: &dyn Records, out: &mut Outputs) -> Result<(), StageError> {
        film::join_all(&self.settings, job, records, out)
    }
}

/// What is to be done about an encoding that failed: files that cannot be written may be written later, the rest cannot.
fn stage_error(error: EncodeError) -> StageError {
    match error {
        EncodeError::Io { .. } => StageError::retry(error),
        _ => StageError::bad_input(error),
    }
}

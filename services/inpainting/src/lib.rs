//! Stage `inpainting`: removes what masks cover, and fills the hole with what is behind it.
//!
//! First comes what other frames show: the frames around are aligned with this one by the homography that the background follows,
//! and by optical flow completed inside the hole; their colours are matched around it; each pixel becomes the median, weighted by
//! confidence, of those that show background there. What no frame of the window shows is left to a model (LaMa) or to
//! colours continued from the edge (Telea), as the settings say. Nothing changes outside the grown mask and the feathered band
//! around it, not by one bit.
//!
//! Full frames in, frames of the same size and format out, and kind `fill` for every frame: how much of the hole is real. A halo of
//! `window` + `gap` frames on both sides gives pixels and masks, so that a task is a function of what it sees; stills have no
//! neighbours and are filled from within. Objects that were missed in single frames are closed from the masks around.
//!
//! Besides its window a task holds the window's frames at the size of analysis (about 12 bytes a pixel, 3 MB a frame by default), one
//! output frame at a time (its bytes, and about 20 bytes for each pixel around the part of the hole that is worked on, or the parts that the
//! model takes together: what lies apart is a part of its own), and 2 MB per reference for the piece that is worked on. Finish holds the
//! images of one clean plate, nine of 8 bytes a pixel at most.

mod align;
mod mask;
mod patch;
mod plate;
mod process;
mod residual;
mod ring;
mod settings;
mod sources;

pub use residual::lama::Lama;
pub use settings::{Blend, InpaintingSettings, Rest};

use framefleet_frames::{Kind, MadeFrames, Rendition};
use framefleet_perception::{UNKNOWN_IDENTITY, require};
use framefleet_stage::{
    Batch, HalfNeeds, Halo, Host, Input, Job, ModelNeed, Needs, Outputs, Records, SetupError, Stage, StageError,
};

/// What the model is for, in the catalogue's words.
const ROLE: &str = "inpainting";

/// The stage.
#[derive(Debug)]
pub struct InpaintingStage {
    settings: InpaintingSettings,
    lama: Option<Lama>,
}

impl Stage for InpaintingStage {
    const NAME: &'static str = "inpainting";
    const ABOUT: &'static str =
        "removes what masks cover: filled from other frames, the rest by a model or from the edge";
    const VERSION: u32 = 4;
    type Settings = InpaintingSettings;

    fn needs(settings: &InpaintingSettings) -> Needs {
        let required = [Kind::new("mask")].into_iter().chain(settings.choice().kinds()).collect();
        // Source frames have their own gaps closed, too.
        let reach = u64::from(settings.window) + u64::from(settings.gap);
        let model = || ModelNeed::new(ROLE, Some(&settings.model));
        Needs {
            process: HalfNeeds { required, makes: vec![Kind::new("fill")], ..HalfNeeds::default() },
            finish: HalfNeeds {
                optional: if settings.clean_plate { vec![Kind::new("shot")] } else { Vec::new() },
                ..HalfNeeds::default()
            },
            renditions: vec![Rendition::Full],
            input: Input::Latest,
            halo: Halo { before: reach, after: reach },
            made: Some(MadeFrames::default()),
            models: if settings.rest == Rest::Lama { vec![model()] } else { Vec::new() },
            ..Needs::default()
        }
    }

    fn load(host: &Host, settings: &InpaintingSettings) -> Result<Self, SetupError> {
        let settings = settings.clone();
        if settings.rest != Rest::Lama {
            return Ok(Self { settings, lama: None });
        }
        let session = require::<Self>(host, ROLE)
            .map_err(|error| SetupError(format!("{error}; rest = \"telea\" fills without a model")))?;
        let lama = Lama::new(session).map_err(|error| SetupError(error.to_string()))?;
        Ok(Self { settings, lama: Some(lama) })
    }

    fn process(&self, job: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        match self.settings.choice().of(job, batch) {
            Ok(choice) => process::process(batch, &self.settings, &choice, self.lama.as_ref(), out),
            Err(error) => {
                batch.frames().iter().for_each(|frame| out.fail(*frame, UNKNOWN_IDENTITY, error.to_string()));
                Ok(())
            }
        }
    }

    fn finish(&self, job: &Job, records: &dyn Records, out: &mut Outputs) -> Result<(), StageError> {
        plate::finish(job, records, &self.settings, out)
    }
}

//! Stage `composite`: what masks cover, laid over a colour, over the blurred frame, or over nothing.
//!
//! Full frames in, frames of the same size and depth out, with alpha where nothing takes the background's place. Inside the masks, further from their edge than `edge_percent`, nothing
//! changes, not by one bit; along the edge the old background is taken out of the colours. A frame without masks is all
//! background. Process looks at one frame and remembers nothing; it holds the frame made, the mask, what a part of 1024×1024 pixels
//! needs, and, when it blurs, four bytes per channel.

mod edge;
mod picture;
mod planes;
mod settings;

pub use settings::{Background, CompositeSettings};

use framefleet_frames::{Frame, Kind, MadeFrames, Rendition};
use framefleet_perception::{PerceptionError, UNKNOWN_IDENTITY};
use framefleet_stage::{Batch, HalfNeeds, Host, Input, Job, Needs, Outputs, SetupError, Stage, StageError};

/// The stage.
#[derive(Debug)]
pub struct CompositeStage {
    settings: CompositeSettings,
}

impl Stage for CompositeStage {
    const NAME: &'static str = "composite";
    const ABOUT: &'static str = "what masks cover, laid over a colour, over the blurred frame, or over nothing";
    const VERSION: u32 = 2;
    type Settings = CompositeSettings;

    fn needs(settings: &CompositeSettings) -> Needs {
        let required = [Kind::new("mask")].into_iter().chain(settings.choice().kinds()).collect();
        Needs {
            process: HalfNeeds { required, ..HalfNeeds::default() },
            renditions: vec![Rendition::Full],
            input: Input::Latest,
            made: Some(MadeFrames { alpha: settings.background == Background::Transparent, ..MadeFrames::default() }),
            ..Needs::default()
        }
    }

    fn load(_: &Host, settings: &CompositeSettings) -> Result<Self, SetupError> {
        Ok(Self { settings: settings.clone() })
    }

    fn process(&self, job: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        let chosen = match self.settings.choice().of(job, batch) {
            Ok(chosen) => chosen,
            Err(error) => {
                batch.frames().iter().for_each(|frame| out.fail(*frame, UNKNOWN_IDENTITY, error.to_string()));
                return Ok(());
            }
        };
        let kind = Kind::new("mask");
        for &number in batch.frames() {
            let Some(Frame { image, pts_ns, .. }) = batch.frame(Rendition::Full, number) else {
                PerceptionError::Absent(Rendition::Full).settle(number, out)?;
                continue;
            };
            let kept = chosen.of_frame(batch, number, &kind);
            match picture::composite(image, kept, &self.settings) {
                Ok(image) => out.frame(Frame { number, pts_ns: *pts_ns, image }),
                Err(error) => PerceptionError::from(error).settle(number, out)?,
            }
        }
        Ok(())
    }
}

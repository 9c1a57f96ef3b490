//! Stage `segmentation`: which pixels belong to whom.
//!
//! Process makes masks, by one of four kinds of models behind one interface: persons (MediaPipe's selfie segmentation, shown every
//! person that poses or faces locate), the foreground of a video (Robust Video Matting), the foreground of a still (IS-Net), and
//! whatever is pointed at (SAM 2: boxes of persons, else a grid of points; on request followed by its memory). Which one runs is a
//! setting; none stands in for another. Finish follows objects from frame to frame, inside shots, and numbers them: by the tracks of the
//! poses that masks were made for, else by where masks should be and what they overlap.
//!
//! Masks are run lengths of the full frame, as COCO has them. Stereo frames are split before anything is scaled; every eye
//! has its own masks, whose `eye` says whose they are, and their soft masks are made to agree along the disparity.
//!
//! Process holds the frames of a batch (full ones unless `full_frames` is off) and the soft masks of eight of them and `steady_frames` more, at most 640 pixels wide
//! or high; finish the masks of the objects in sight and some 100 bytes per instance.

mod artifacts;
mod finish;
mod input;
mod masks;
mod models;
mod process;
mod settings;

pub use framefleet_masks::MaskProduct;
pub use settings::{
    DECODER, ENCODER, MEMORY_ATTENTION, MEMORY_DECODER, MEMORY_ENCODER, MEMORY_POINTER, Method, PERSON, STILL_MATTING,
    SegmentationSettings, Stereo, VIDEO_MATTING,
};

use framefleet_frames::Kind;
use framefleet_perception::{PerceptionError, require};
use framefleet_stage::{Batch, HalfNeeds, Halo, Host, Job, Needs, Outputs, Records, SetupError, Stage, StageError};
use models::foreground::Foreground;
use models::matting::Matting;
pub use models::prompted;
use models::prompted::{Memory, Prompted};

/// The stage.
pub struct SegmentationStage {
    settings: SegmentationSettings,
    maker: Maker,
}

/// What makes masks.
enum Maker {
    Foreground(Foreground, &'static str),
    Matting(Matting),
    Prompted(Prompted, Option<Memory>),
}

impl Stage for SegmentationStage {
    const NAME: &'static str = "segmentation";
    const ABOUT: &'static str = "masks of persons and objects, followed over time";
    const VERSION: u32 = 6;
    type Settings = SegmentationSettings;

    fn needs(settings: &SegmentationSettings) -> Needs {
        let before = match settings.method {
            Method::Person | Method::StillMatting => settings.steady_frames,
            Method::VideoMatting => settings.warm_up_frames,
            Method::Promptable => settings.follow_frames.saturating_sub(1),
        };
        Needs {
            process: HalfNeeds {
                optional: vec![Kind::new("pose"), Kind::new("face")],
                makes: vec![Kind::new("mask")],
                ..HalfNeeds::default()
            },
            finish: HalfNeeds {
                optional: vec![Kind::new("shot"), Kind::new("person_track")],
                makes: vec![Kind::new("mask_track")],
                ..HalfNeeds::default()
            },
            renditions: settings.renditions(),
            halo: Halo { before: u64::from(before), after: 0 },
            models: settings.models(),
            ..Needs::default()
        }
    }

    fn load(host: &Host, settings: &SegmentationSettings) -> Result<Self, SetupError> {
        let open = |role| require::<Self>(host, role);
        let setup = |error: PerceptionError| SetupError(error.to_string());
        let foreground = |role| Ok(Maker::Foreground(Foreground::new(open(role)?, role).map_err(setup)?, role));
        let maker = match settings.method {
            Method::Person => foreground(PERSON)?,
            Method::StillMatting => foreground(STILL_MATTING)?,
            Method::VideoMatting => Maker::Matting(Matting::new(open(VIDEO_MATTING)?).map_err(setup)?),
            Method::Promptable => {
                let memory = (settings.follow_frames > 1).then(|| Memory::open(host)).transpose()?;
                Maker::Prompted(Prompted::open(host)?, memory)
            }
        };
        Ok(Self { settings: settings.clone(), maker })
    }

    fn process(&self, _job: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        process::process(&self.maker, batch, &self.settings, out)
    }

    fn finish(&self, job: &Job, records: &dyn Records, out: &mut Outputs) -> Result<(), StageError> {
        finish::finish(job, records, &self.settings, out)
    }
}

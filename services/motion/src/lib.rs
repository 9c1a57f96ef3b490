//! Stage `motion`: how the picture moves from frame to frame, what of that is the camera, where shots begin and end, and the
//! paths of points.
//!
//! Process compares every frame with the one before it in the item: dense flow and its statistics, the camera by RANSAC on
//! tracked corners, what moves besides the camera, and how the colours change. Finish decides on shots (cuts, fades, dissolves, wipes), sums up the camera
//! per shot, names stretches of motion and joins tracked corners to trajectories. Sampling thins out the frames, not the
//! interval: frame n is always compared with frame n − 1.
//!
//! Everything published is in pixels of the full frame as displayed, y down, or in percent of its width. Compass names and
//! directions are those a viewer sees; camera labels say what the camera does, which is the opposite of what the content
//! does. Stills do not move: their frames are skipped by the rule `still`.
//!
//! Process remembers one frame, finish about 600 bytes per frame of one item besides what it publishes.

mod actions;
mod camera;
mod camera_path;
mod cells;
mod change;
mod compare;
mod direction;
mod field;
mod finish;
mod gradual;
mod magnitude;
mod picture;
mod prepare;
mod presentation;
mod process;
mod series;
mod settings;
mod shots;
mod summary;
mod trace;
mod tracking;
mod trajectories;

pub use process::STILL;
pub use settings::{DisPreset, Method, MotionSettings};

use framefleet_frames::{Kind, Rendition};
use framefleet_stage::{
    Batch, Field, HalfNeeds, Halo, Host, Job, Needs, Outputs, Records, SetupError, Stage, StageError,
};

/// The stage.
pub struct MotionStage {
    settings: MotionSettings,
}

impl Stage for MotionStage {
    const NAME: &'static str = "motion";
    const ABOUT: &'static str = "optical flow, camera and object motion, shots and trajectories";
    const VERSION: u32 = 3;
    const FIELDS: &'static [Field] = presentation::FIELDS;
    type Settings = MotionSettings;

    fn needs(settings: &MotionSettings) -> Needs {
        let mut made = vec![Kind::new("shot")];
        if settings.actions {
            made.push(Kind::new("action"));
        }
        if settings.trajectories > 0 {
            made.push(Kind::new("trajectory"));
        }
        Needs {
            process: HalfNeeds { makes: vec![Kind::new("motion")], ..HalfNeeds::default() },
            finish: HalfNeeds { makes: made, ..HalfNeeds::default() },
            renditions: vec![Rendition::Proxy],
            halo: Halo { before: 1, after: 0 },
            ..Needs::default()
        }
    }

    fn load(_host: &Host, settings: &MotionSettings) -> Result<Self, SetupError> {
        Ok(Self { settings: settings.clone() })
    }

    fn process(&self, _job: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        process::process(batch, &self.settings, out)
    }

    fn finish(&self, job: &Job, records: &dyn Records, out: &mut Outputs) -> Result<(), StageError> {
        finish::finish(job, records, &self.settings, out)
    }
}

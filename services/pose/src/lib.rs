//! Stage `pose`: the skeletons of all persons in a frame, and the persons followed through shots.
//!
//! Process finds persons with 17 keypoints (COCO) by one of three detectors, over the whole frame and over tiles of it
//! where these find more, and measures 33 points in 3-D (BlazePose) on a turned region around each. Persons of a batch go through the
//! landmarks' model together. Finish follows persons (two-stage association by keypoints and boxes, Kalman filters, shots end
//! tracks), smooths keypoints without lag, fills gaps, and reads from the limbs which way a person faces and what the body
//! does.
//!
//! Everything published is in pixels of the full frame as displayed, y down; pixel i spans i to i + 1. Stills have poses and
//! no tracks.
//!
//! Process remembers the frames of its batch, finish about 600 bytes per pose of one item besides what it publishes.

mod finish;
mod geometry;
mod models;
mod person;
mod presentation;
mod process;
mod settings;
mod skeleton;
mod tracks;

pub use settings::{Detector, PoseSettings};
pub use skeleton::{BLAZEPOSE_TO_COCO, SIGMAS, similarity};

use framefleet_frames::{Kind, Rendition};
use framefleet_perception::require;
use framefleet_stage::{
    Batch, Field, HalfNeeds, Host, Job, ModelNeed, Needs, Outputs, Records, SetupError, Stage, StageError,
};
use process::Detection;

/// Roles of models, in the catalogue's words.
const MULTI: &str = "multi-person-pose";
const SINGLE: &str = "single-person-pose";
const DETECTION: &str = "person-detection";
const LANDMARKS: &str = "pose-landmarks";

/// The stage.
pub struct PoseStage {
    settings: PoseSettings,
    detection: Detection,
    landmarks: Option<models::landmarks::Landmarks>,
}

impl Stage for PoseStage {
    const NAME: &'static str = "pose";
    const ABOUT: &'static str = "skeletons of persons, and tracks through shots";
    const VERSION: u32 = 5;
    const FIELDS: &'static [Field] = presentation::FIELDS;
    type Settings = PoseSettings;

    fn needs(settings: &PoseSettings) -> Needs {
        let id = settings.detection_model.as_deref();
        let detection = match settings.detector {
            Detector::Multi => ModelNeed::new(MULTI, id)
                .with_dim("H", settings.detection_height as usize)
                .with_dim("W", settings.detection_width as usize),
            Detector::Single => ModelNeed::new(SINGLE, Some(id.unwrap_or(models::single::USUAL))),
            Detector::Blazepose => ModelNeed::new(DETECTION, id),
        };
        let mut models = vec![detection.in_batches(settings.micro_batch)];
        if settings.wants_landmarks() {
            let landmarks = ModelNeed::new(LANDMARKS, settings.landmarks_model.as_deref());
            models.push(landmarks.in_batches(settings.micro_batch));
        }
        Needs {
            process: HalfNeeds { makes: vec![Kind::new("pose")], ..HalfNeeds::default() },
            finish: HalfNeeds {
                optional: vec![Kind::new("shot")],
                makes: vec![Kind::new("person_track")],
                ..HalfNeeds::default()
            },
            renditions: vec![settings.rendition()],
            models,
            ..Needs::default()
        }
    }

    fn load(host: &Host, settings: &PoseSettings) -> Result<Self, SetupError> {
        let open = |role| require::<Self>(host, role);
        let detection = match settings.detector {
            Detector::Multi => Detection::Multi(models::multi::Multi::new(open(MULTI)?, settings)),
            Detector::Single => Detection::Single(models::single::Single::new(open(SINGLE)?)?),
            Detector::Blazepose => Detection::Blazepose(models::blazepose::Blazepose::new(open(DETECTION)?)),
        };
        let landmarks =
            settings.wants_landmarks().then(|| open(LANDMARKS).map(models::landmarks::Landmarks::new)).transpose()?;
        Ok(Self { settings: settings.clone(), detection, landmarks })
    }

    fn process(&self, _job: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        process::process(self, batch, out)
    }

    fn finish(&self, job: &Job, records: &dyn Records, out: &mut Outputs) -> Result<(), StageError> {
        finish::finish(job, records, &self.settings, out)
    }
}

impl PoseSettings {
    /// The input of process.
    fn rendition(&self) -> Rendition {
        if self.full_frames || self.tiles > 1 { Rendition::Full } else { Rendition::Proxy }
    }

    /// Whether the landmarks' model runs: BlazePose has no other keypoints.
    fn wants_landmarks(&self) -> bool {
        self.landmarks || self.detector == Detector::Blazepose
    }
}

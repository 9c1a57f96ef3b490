//! Stage `face-clustering`: faces, who is who among them, and where each appears, over all items of the job.
//!
//! Process finds faces with five landmarks, looks twice at those that the detector is not sure of, searches frames without an
//! upright face turned, brings each into the position that the embedding model expects, embeds them in
//! micro-batches and rates the quality of each. Finish follows faces over the frames of a shot (a track is one
//! person), clusters the tracks of all items by HDBSCAN on unit vectors, cleans the clusters up (no person is twice in a
//! frame, what is left over joins whom it resembles, similar clusters are merged), and obeys the user's corrections.
//!
//! Everything published is in pixels of the full frame as displayed, y down. Finish keeps some 100 bytes per face and one
//! vector per track in memory; clustering takes memory proportional to the number of tracks, and time to its square.

mod face;
mod finish;
mod identities;
mod presentation;
mod process;
mod settings;
mod summary;
mod tracks;

pub use face::embedding::align;
pub use settings::{FaceClusteringSettings, Selection};

use face::detection::Detector;
use face::embedding::Embedder;
use framefleet_frames::{Kind, Rendition};
use framefleet_perception::require;
use framefleet_stage::{
    Batch, Field, HalfNeeds, Host, Job, ModelNeed, Needs, Outputs, Records, SetupError, Stage, StageError,
};

/// Role of the detector in the catalogue.
const DETECTION: &str = "face-detection";
/// Role of the model that embeds faces.
const EMBEDDING: &str = "face-embedding";

/// The stage.
pub struct FaceClusteringStage {
    settings: FaceClusteringSettings,
    detector: Detector,
    embedder: Embedder,
}

impl Stage for FaceClusteringStage {
    const NAME: &'static str = "face-clustering";
    const ABOUT: &'static str = "faces, tracks of them, and identities across all items";
    const VERSION: u32 = 4;
    const FIELDS: &'static [Field] = presentation::FIELDS;
    type Settings = FaceClusteringSettings;

    fn needs(settings: &FaceClusteringSettings) -> Needs {
        let mut renditions = vec![Rendition::Proxy];
        if settings.small_faces {
            renditions.push(Rendition::Full);
        }
        let side = face::detection::SIDE as usize;
        let need =
            |role, choice: &Option<String>| ModelNeed::new(role, choice.as_deref()).in_batches(settings.micro_batch);
        Needs {
            process: HalfNeeds { makes: vec![Kind::new("face")], ..HalfNeeds::default() },
            finish: HalfNeeds {
                optional: vec![Kind::new("shot")],
                makes: vec![Kind::new("face_track"), Kind::new("identity")],
                ..HalfNeeds::default()
            },
            renditions,
            models: vec![
                // CenterFace takes images of any size.
                need(DETECTION, &settings.detector).with_dim("H", side).with_dim("W", side),
                need(EMBEDDING, &settings.embedder),
            ],
            edits: &identities::corrections::VERBS,
            ..Needs::default()
        }
    }

    fn load(host: &Host, settings: &FaceClusteringSettings) -> Result<Self, SetupError> {
        Ok(Self {
            settings: settings.clone(),
            detector: Detector::new(require::<Self>(host, DETECTION)?)?,
            embedder: Embedder::new(require::<Self>(host, EMBEDDING)?)?,
        })
    }

    fn process(&self, _job: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        process::process(batch, &self.detector, &self.embedder, &self.settings, out)
    }

    fn finish(&self, job: &Job, records: &dyn Records, out: &mut Outputs) -> Result<(), StageError> {
        finish::finish(job, records, &self.settings, out)
    }
}

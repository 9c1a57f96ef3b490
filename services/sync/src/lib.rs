//! Stage `sync`: whether audio and video belong together, by how much the audio is ahead, and who speaks.
//!
//! Process measures the mouth of every face: a mesh model gives its lips, and the aperture is the distance of the inner lips ÷ the width
//! of the mouth. Finish listens: it follows the loudness of the voices' band and where somebody speaks (silero VAD), correlates the two over
//! segments of faces that move their mouth while somebody speaks, and lets the segments vote on the offset. A mouth that follows the
//! audio at that offset is the one who speaks; speakers of a diarisation are matched with faces one to one within a shot.
//!
//! Positive offsets: the audio comes before the image that belongs to it. A source without audio, without a face, or without
//! speech is said to be that, and no offset is made up; neither where mouths and audio do not go together. Of several sound tracks the one that
//! somebody speaks in is heard, or the one that the user chooses.
//!
//! Frame numbers and times are those of the item: names of files are never parsed for them.
//!
//! Finish remembers about 70 bytes per face and frame and 400 bytes per second of one item.

mod finish;
mod lip_sync;
mod mouth;
mod offset;
mod presentation;
mod process;
mod settings;
mod sound;
mod sound_track;
mod speakers;
mod summary;
mod track_setting;
mod tracks;

pub use process::STILL;
pub use settings::{Pictures, SyncSettings};
pub use track_setting::TrackSetting;

use framefleet_audio_features::voice;
use framefleet_frames::Kind;
use framefleet_infer::Session;
use framefleet_perception::{of_finish, require};
use framefleet_stage::{
    Batch, Field, HalfNeeds, Halo, Host, Job, ModelNeed, Needs, Outputs, Records, SetupError, SideInputs, Stage,
    StageError,
};
use speakers::diarisation::Diarisation;

/// Role of the model of voice activity, in the catalogue's words.
const VOICE: &str = "voice-activity";

/// The stage.
pub struct SyncStage {
    settings: SyncSettings,
    mesh: mouth::mesh::FaceMesh,
    /// Voice activity; finish alone has it.
    vad: Option<Session>,
    /// Who speaks when, where that is known; finish alone has it.
    diarisation: Diarisation,
    model: Option<lip_sync::LipSync>,
}

impl Stage for SyncStage {
    const NAME: &'static str = "sync";
    const ABOUT: &'static str = "lips and voice: offset of the sound, drift, who speaks";
    const VERSION: u32 = 3;
    const FIELDS: &'static [Field] = presentation::FIELDS;
    type Settings = SyncSettings;

    fn needs(settings: &SyncSettings) -> Needs {
        let mut models = vec![
            ModelNeed::new("face-mesh", settings.mesh.as_deref()).in_batches(settings.micro_batch),
            // It remembers: a piece of sound waits for the one before it.
            ModelNeed::new(VOICE, None).with_micro_batch(1).with_dim("L", voice::INPUT).only_finish(),
        ];
        let mut halo = Halo::default();
        if let Some(model) = &settings.lip_sync_model {
            models.push(ModelNeed::new("lip-sync", Some(model)).in_batches(settings.micro_batch));
            halo = lip_sync::HALO;
        }
        Needs {
            process: HalfNeeds {
                required: vec![Kind::new("face")],
                makes: vec![Kind::new("mouth")],
                // A lip-sync model compares both; the mesh only looks.
                side_inputs: SideInputs { audio: settings.lip_sync_model.is_some(), ..SideInputs::default() },
                ..HalfNeeds::default()
            },
            finish: HalfNeeds {
                required: vec![Kind::new("face_track")],
                optional: vec![Kind::new("shot")],
                makes: vec![Kind::new("av_offset"), Kind::new("speaking")],
                // What a file says of its tracks' languages is no sound.
                side_inputs: SideInputs { audio: true, metadata: settings.track.is_language() },
            },
            renditions: vec![settings.pictures.rendition()],
            halo,
            models,
            ..Needs::default()
        }
    }

    fn load(host: &Host, settings: &SyncSettings) -> Result<Self, SetupError> {
        let open = |role| require::<Self>(host, role);
        let model = match &settings.lip_sync_model {
            Some(_) => Some(lip_sync::LipSync::new(open("lip-sync")?)?),
            None => None,
        };
        let diarisation = settings.diarisation.read(host)?.map(|content| Diarisation::parse(&content));
        let diarisation = diarisation.transpose().map_err(|error| SetupError(format!("diarisation: {error}")))?;
        Ok(Self {
            settings: settings.clone(),
            diarisation: diarisation.unwrap_or_default(),
            mesh: mouth::mesh::FaceMesh::new(open("face-mesh")?)?,
            vad: of_finish::<Self>(host, VOICE)?,
            model,
        })
    }

    fn process(&self, job: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        process::process(job, batch, &self.mesh, self.model.as_ref(), &self.settings, out)
    }

    fn finish(&self, job: &Job, records: &dyn Records, out: &mut Outputs) -> Result<(), StageError> {
        let missing = || StageError::Fatal(format!("finish was given no model for {VOICE}"));
        finish::finish(job, records, self.vad.as_ref().ok_or_else(missing)?, &self.diarisation, &self.settings, out)
    }
}

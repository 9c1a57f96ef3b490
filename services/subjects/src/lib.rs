//! Stage `subjects`: one person is one record. It joins what other steps found of the same person: face, pose and mask in a frame, their
//! tracks over the frames of an item, and identities over all items.
//!
//! Process says which parts of a frame are of one person: a mask that was made for a pose is of its person; other masks are of the pose
//! whose points lie in them, and faces of the pose whose eyes and nose lie where theirs do, one to one, with the largest agreement of all.
//! What belongs to nobody else is a subject by itself. Finish says who of one frame is who of the others: tracks of faces, poses and masks
//! that are found together are of one subject, as long as no frame has it twice; so are parts of an item that have one identity. The parts'
//! own records stay as they are.
//!
//! No pixels are read. Process holds the parts of a frame; finish about 60 bytes per subject and frame of one item, and the tracks of all.

mod finish;
mod presentation;
mod process;
mod settings;

pub use settings::SubjectsSettings;

use framefleet_frames::Kind;
use framefleet_stage::{Batch, Field, HalfNeeds, Host, Job, Needs, Outputs, Records, SetupError, Stage, StageError};

/// The stage.
#[derive(Debug)]
pub struct SubjectsStage {
    settings: SubjectsSettings,
}

impl Stage for SubjectsStage {
    const NAME: &'static str = "subjects";
    const ABOUT: &'static str = "joins faces, poses and masks of one person into one subject, over time and over items";
    const VERSION: u32 = 1;
    const FIELDS: &'static [Field] = presentation::FIELDS;
    type Settings = SubjectsSettings;

    fn needs(_: &SubjectsSettings) -> Needs {
        let kinds = |names: &[&str]| names.iter().map(|name| Kind::new(name)).collect();
        Needs {
            process: HalfNeeds {
                optional: kinds(&["face", "pose", "mask"]),
                makes: kinds(&["subject"]),
                ..HalfNeeds::default()
            },
            finish: HalfNeeds {
                optional: kinds(&["face_track", "identity", "person_track", "mask_track"]),
                makes: kinds(&["subject_track"]),
                ..HalfNeeds::default()
            },
            renditions: Vec::new(),
            joins: true,
            ..Needs::default()
        }
    }

    fn load(_: &Host, settings: &SubjectsSettings) -> Result<Self, SetupError> {
        Ok(Self { settings: settings.clone() })
    }

    fn process(&self, _: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        process::process(batch, &self.settings, out)
    }

    fn finish(&self, job: &Job, records: &dyn Records, out: &mut Outputs) -> Result<(), StageError> {
        finish::finish(job, records, &self.settings, out)
    }
}

//! What a stage is: the traits that stages implement and the values they are given and give back.
//!
//! A stage is synchronous and pure: `process` is a function of one batch, its halo and the annotations it needs;
//! `finish` of a step's records in frame order. Neither keeps state between tasks, so the same answer comes out however
//! the work is spread.

mod batch;
pub mod codes;
mod error;
pub mod file;
mod half;
mod heap;
mod host;
mod job;
mod made;
mod needs;
mod outputs;
mod presentation;
mod records;
mod registry;
mod source;

pub use batch::{Annotated, Batch};
pub use error::{SettingsError, SetupError, StageError};
pub use file::{FileNeed, FileSetting, Files};
pub use half::{Half, finish_settings, only_finish, settings_of};
pub use heap::HeapSink;
pub use host::Host;
pub use job::{Audio, AudioSource, Job};
pub use made::{FrameSink, check_made, full_frame};
pub use needs::{HalfNeeds, Halo, Input, ModelNeed, Needs, SideInputs};
pub use outputs::{Artifact, Outputs, TaskOutput};
pub use presentation::{Field, Place};
pub use records::{Record, Records, RecordsError};
pub use registry::{AnyStage, Description, LoadedStage, Registry, RegistryError, Resolved, complete};
pub use source::{IndexRequest, IngestRequest, Ingested, OpenSource, PixelSink, Probe, SourceStage};

use framefleet_frames::Item;
use serde::{Serialize, de::DeserializeOwned};

/// Settings of a stage: everything that changes answers, and nothing else. Unknown keys are refused
/// (`#[serde(deny_unknown_fields, default)]`), every field has a default and a documentation comment. A field that `finish` alone
/// reads says so by `#[schemars(transform = only_finish)]`; a field that names a file is a [`FileSetting`].
pub trait Settings:
    Serialize + DeserializeOwned + Default + schemars::JsonSchema + Clone + Send + Sync + 'static
{
    /// Named sets of settings: `(profile, settings)`. `balanced` is what `Default` gives and need not be listed.
    fn profiles() -> Vec<(&'static str, Self)> {
        Vec::new()
    }

    /// Says what is wrong with values that parse: "grid must be 1 to 16, got 0".
    fn validate(&self) -> Result<(), String> {
        Ok(())
    }

    /// Says what these settings ask of an item that it does not have: "track: a.mp4 has no sound track 3; …". Asked when a job is planned.
    fn check_item(&self, _item: &Item) -> Result<(), String> {
        Ok(())
    }

    /// Says what is wrong with the content of a file that a setting names; asked where the job is submitted.
    fn check_file(_setting: &str, _content: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

/// Refuses a setting outside `low..=high`, and what is no number: for [`Settings::validate`].
pub fn in_range(key: &str, value: f64, low: f64, high: f64) -> Result<(), String> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(format!("{key} must be {low} to {high}, got {value}")) }
}

/// One kind of processing. There is one instance per process and digest of settings, shared by its tasks.
pub trait Stage: Send + Sync + Sized + 'static {
    /// Also crate, binary, image, subject token and metric label.
    const NAME: &'static str;
    /// One line for people: what it makes of frames.
    const ABOUT: &'static str;
    /// Raise when answers change; golden digests in tests catch a forgotten one.
    const VERSION: u32;
    /// What reports show of its results, most telling first; those of no fields show what they find, under its own name.
    const FIELDS: &'static [Field] = &[];
    /// What changes answers.
    type Settings: Settings;

    /// What the two halves read and make. Pure.
    fn needs(settings: &Self::Settings) -> Needs;

    /// Prepares the stage for work on this machine. Loaded for process, it has the defaults of the settings that finish alone reads, and
    /// the host has neither the models nor the files of finish alone; loaded for finish, it has everything.
    fn load(host: &Host, settings: &Self::Settings) -> Result<Self, SetupError>;

    /// Works on the frames `batch.frames()`; every one of them that `out` neither fails nor skips has a result.
    fn process(&self, job: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError>;

    /// Works once over all records of the step.
    fn finish(&self, _job: &Job, _records: &dyn Records, _out: &mut Outputs) -> Result<(), StageError> {
        Ok(())
    }
}

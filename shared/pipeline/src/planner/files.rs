//! Files that settings name: a digest in the plan, whatever path they were read from.
use crate::PlanError;
use crate::planner::needs::Draft;
use bytesize::ByteSize;
use framefleet_stage::{FileNeed, Half, file};
use serde::Serialize;
use serde_json::{Map, Value};

/// A file that was read where the job is submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenFile {
    /// The step.
    pub step: String,
    /// The setting that names it.
    pub setting: String,
    /// What the setting says.
    pub path: String,
    /// BLAKE3 of its content, 64 hex digits.
    pub digest: String,
    /// Length of its content.
    pub bytes: u64,
}

/// A file of a step, fixed when the plan is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedFile {
    /// The setting that names it.
    pub setting: String,
    /// Where it was read, for people: not keyed.
    pub path: String,
    /// BLAKE3 of its content, 64 hex digits: keyed, since the step's settings have it in place of the path.
    pub digest: String,
    /// Process: both halves may read it. Finish: finish alone does.
    pub half: Half,
}

/// The files of a step. Refused: a file that nobody read, and one that is too long.
pub(crate) fn planned(draft: &Draft, given: &[GivenFile]) -> Result<Vec<PlannedFile>, PlanError> {
    let find = |need: &FileNeed| {
        let refused = |problem: String| PlanError::SettingFile {
            step: draft.step.name.clone(),
            setting: need.setting.clone(),
            path: need.path.clone(),
            problem,
        };
        let is_it =
            |file: &&GivenFile| file.step == draft.step.name && file.setting == need.setting && file.path == need.path;
        let found = given.iter().find(is_it).ok_or_else(|| {
            refused("the request does not carry the file; `framefleet run` and `framefleet submit` put in the files of the stages they know".to_owned())
        })?;
        if found.bytes > need.max_bytes {
            let (length, limit) = (ByteSize(found.bytes), ByteSize(need.max_bytes));
            return Err(refused(format!("the file has {length}, at most {limit} are taken")));
        }
        let (setting, path) = (need.setting.clone(), need.path.clone());
        Ok(PlannedFile { setting, path, digest: found.digest.clone(), half: need.half })
    };
    draft.resolved.files.iter().map(find).collect()
}

/// The settings with the digests of files in place of their paths.
pub(crate) fn with_digests(mut settings: Map<String, Value>, files: &[PlannedFile]) -> Map<String, Value> {
    for planned in files {
        settings.insert(planned.setting.clone(), file::as_setting(&planned.digest).into());
    }
    settings
}

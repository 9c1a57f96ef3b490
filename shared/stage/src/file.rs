//! Settings that name files: a table of colours, a reference picture, a logo.
use crate::{Half, Host, SetupError};
use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What a digest begins with where it stands for a file.
const DIGEST: &str = "blake3:";

/// Where the schema of a setting says that it names a file, and how long that may be.
const MARK: &str = "x-max-bytes";

/// A setting that names a file of at most `MAX_BYTES`, or none.
///
/// The user gives a path. Where the job is submitted the file is read, and from then on the setting is the digest of its content:
/// the plan, the keys and the tasks know no path, so a file that moves changes nothing and one changed byte changes the keys. The
/// content travels with the job and lies in its output; the stage reads it with [`FileSetting::read`] when it is loaded. Which
/// format it has must follow from the content, since its name does not travel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileSetting<const MAX_BYTES: u64>(Option<String>);

impl<const MAX_BYTES: u64> FileSetting<MAX_BYTES> {
    /// The setting as a plan has it, for tests: the file with this content, which [`Files::of`] holds.
    pub fn of_content(content: &[u8]) -> Self {
        Self(Some(as_setting(&digest(content))))
    }

    /// Whether a file is named.
    pub fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// The content of the file; `None` when none is named.
    ///
    /// # Errors
    /// The file was not delivered. Runners deliver the files of their half, so this is a fault of the program that loads the stage.
    pub fn read(&self, host: &Host) -> Result<Option<Bytes>, SetupError> {
        let Some(named) = &self.0 else { return Ok(None) };
        let files = host.get::<Files>();
        let content = files.as_ref().and_then(|files| files.0.get(named.strip_prefix(DIGEST)?));
        let missing = || SetupError(format!("the file {named} was not delivered to the stage"));
        content.cloned().map(Some).ok_or_else(missing)
    }
}

impl<const MAX_BYTES: u64> JsonSchema for FileSetting<MAX_BYTES> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "FileSetting".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({ "type": ["string", "null"] });
        schema.insert(MARK.to_owned(), MAX_BYTES.into());
        schema
    }
}

/// The contents of the files that a task's settings name; a runner puts them into the stage's host.
#[derive(Debug, Default)]
pub struct Files(BTreeMap<String, Bytes>);

impl Files {
    /// These contents.
    pub fn of<B: Into<Bytes>>(contents: impl IntoIterator<Item = B>) -> Self {
        Self(contents.into_iter().map(Into::into).map(|content: Bytes| (digest(&content), content)).collect())
    }
}

/// A file that a setting names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileNeed {
    /// The setting.
    pub setting: String,
    /// What it names, as the user gave it.
    pub path: String,
    /// The file may not be longer.
    pub max_bytes: u64,
    /// Process: both halves may read it. Finish: finish alone does.
    pub half: Half,
}

/// The files that settings name, by a stage's schema: the settings of type [`FileSetting`] that are set.
pub(crate) fn needs(schema: &Value, settings: &Map<String, Value>, only_finish: &BTreeSet<String>) -> Vec<FileNeed> {
    let need = |(setting, path): (&String, &Value)| {
        Some(FileNeed {
            setting: setting.clone(),
            max_bytes: max_bytes(schema, setting)?,
            path: path.as_str()?.to_owned(),
            half: if only_finish.contains(setting) { Half::Finish } else { Half::Process },
        })
    };
    settings.iter().filter_map(need).collect()
}

/// How long the file may be that a setting names; `None` for settings that name none.
pub fn max_bytes(schema: &Value, setting: &str) -> Option<u64> {
    schema["properties"][setting][MARK].as_u64()
}

/// The digest of a file's content: BLAKE3, 64 hex digits.
pub fn digest(content: &[u8]) -> String {
    blake3::hash(content).to_hex().to_string()
}

/// What a setting is in a plan that names the file of this digest.
pub fn as_setting(digest: &str) -> String {
    format!("{DIGEST}{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const TABLE: &[u8] = b"a table";

    #[test]
    fn a_file_is_read_by_its_digest_and_absence_is_told_apart_from_none() {
        let host = Host::default().with(Arc::new(Files::of([TABLE])));
        let named = FileSetting::<64>::of_content(TABLE);
        assert_eq!(named.read(&host).unwrap().unwrap(), TABLE);
        assert_eq!(FileSetting::<64>::default().read(&host).unwrap(), None);
        let other = FileSetting::<64>::of_content(b"another");
        assert!(other.read(&host).unwrap_err().to_string().contains(&digest(b"another")));
        assert!(named.read(&Host::default()).is_err());
        let path: FileSetting<64> = serde_json::from_str("\"table.txt\"").unwrap();
        assert!(path.read(&host).is_err(), "a path that nobody resolved is no file");
    }
}

//! Digests that the user vouched for, of files whose digest the catalogue does not know.
use crate::digest::Sha256;
use crate::disk::write_whole;
use crate::error::{ModelError, access};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Digests by model and file. They lie in the cache, beside the files that were accepted because of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pins(BTreeMap<String, BTreeMap<String, Sha256>>);

impl Pins {
    /// The digest of a file, if the user stated it.
    pub fn get(&self, id: &str, file: &str) -> Option<Sha256> {
        self.0.get(id)?.get(file).copied()
    }

    /// States a digest.
    pub(crate) fn set(&mut self, id: &str, file: &str, digest: Sha256) {
        self.0.entry(id.to_owned()).or_default().insert(file.to_owned(), digest);
    }

    /// Reads them; there are none when the file is not there.
    pub(crate) fn read(path: &Path) -> Result<Self, ModelError> {
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text)
                .map_err(|error| ModelError::Catalogue { file: path.to_owned(), reason: error.to_string() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(access("read", path)(error)),
        }
    }

    /// Writes them, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> Result<(), ModelError> {
        let text = toml::to_string(self)
            .map_err(|error| ModelError::Catalogue { file: path.to_owned(), reason: error.to_string() })?;
        write_whole(path, text.as_bytes())
    }
}

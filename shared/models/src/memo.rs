//! Remembers which files were hashed, so that opening gigabytes of weights does not hash them every time.
//!
//! A file counts as unchanged when its length, inode, and times of modification and of status change are what they were
//! when it was hashed. The time of status change cannot be set by a program: whatever writes to a file moves it.
use crate::digest::Sha256;
use crate::disk::write_whole;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The file's name in a model's folder.
const NAME: &str = ".hashed.json";

/// What was hashed in one folder.
#[derive(Debug)]
pub(crate) struct Memo {
    path: PathBuf,
    known: BTreeMap<String, Hashed>,
    changed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Hashed {
    size: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    sha256: Sha256,
}

impl Memo {
    /// What is remembered of a folder; nothing when that cannot be read.
    pub(crate) fn open(folder: &Path) -> Self {
        let path = folder.join(NAME);
        let known = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { path, known, changed: false }
    }

    /// The digest of a file that has not changed since it was hashed.
    pub(crate) fn get(&self, name: &str, metadata: &Metadata) -> Option<Sha256> {
        let hashed = self.known.get(name)?;
        (*hashed == describe(metadata, hashed.sha256)).then_some(hashed.sha256)
    }

    /// Remembers a digest. `metadata` is what the file had before it was hashed.
    pub(crate) fn set(&mut self, name: &str, metadata: &Metadata, sha256: Sha256) {
        self.known.insert(name.to_owned(), describe(metadata, sha256));
        self.changed = true;
    }

    /// Writes what is new. A folder that cannot be written (a cache mounted read-only) only costs the hashing again.
    pub(crate) fn save(self) {
        if !self.changed {
            return;
        }
        let written = serde_json::to_vec(&self.known)
            .map_err(|error| error.to_string())
            .and_then(|bytes| write_whole(&self.path, &bytes).map_err(|error| error.to_string()));
        if let Err(reason) = written {
            tracing::debug!(%reason, "digests are not remembered");
        }
    }
}

fn describe(metadata: &Metadata, sha256: Sha256) -> Hashed {
    Hashed {
        size: metadata.len(),
        inode: metadata.ino(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        sha256,
    }
}

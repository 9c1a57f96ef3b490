//! A folder that holds files instead of the network: an air-gapped machine's copy of what was fetched elsewhere.
//!
//! Any layout will do, the cache of another machine included. A file is found by its digest as its name, by its own name or
//! the last part of its address, or by its length; whatever is found is compared with the digest before it is used.
use crate::digest::{Hashing, Sha256};
use crate::error::{ModelError, access};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Folders within folders that are looked into.
const DEPTH: usize = 16;

/// A folder of files, read once.
#[derive(Clone, Debug)]
pub(crate) struct Mirror {
    folder: PathBuf,
    files: Vec<(PathBuf, u64)>,
}

/// What is looked for.
pub(crate) struct Sought<'a> {
    /// For messages.
    pub(crate) what: String,
    /// Names it may have.
    pub(crate) names: Vec<&'a str>,
    pub(crate) size: Option<u64>,
    pub(crate) sha256: Sha256,
}

impl Mirror {
    /// Lists a folder.
    pub(crate) fn open(folder: &Path) -> Result<Self, ModelError> {
        let mut files = Vec::new();
        list(folder, DEPTH, &mut files).map_err(access("read", folder))?;
        files.sort();
        Ok(Self { folder: folder.to_owned(), files })
    }

    /// Copies a file to `to`, if a sound one is here.
    ///
    /// # Errors
    /// [`ModelError::NotInMirror`] says what was there instead.
    pub(crate) fn take(&self, sought: &Sought, to: &Path) -> Result<(), ModelError> {
        let candidates = self.candidates(sought);
        for path in &candidates {
            if copy(path, to)? == sought.sha256 {
                return Ok(());
            }
        }
        let _ = std::fs::remove_file(to);
        let named: Vec<String> =
            candidates.iter().filter(|path| is_named(path, sought)).map(|path| path.display().to_string()).collect();
        let seen = match named.is_empty() {
            true => "no file there has its name, its digest as a name, or its content: copy it there".to_owned(),
            false => {
                format!("{} has another content: it is damaged or another version, copy it again", named.join(", "))
            }
        };
        let what = format!("{} (sha256 {})", sought.what, sought.sha256);
        Err(ModelError::NotInMirror { what, folder: self.folder.clone(), seen })
    }

    /// Files that may be it, the likeliest first.
    fn candidates(&self, sought: &Sought) -> Vec<&Path> {
        let digest = sought.sha256.to_string();
        let is_called = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().contains(&digest));
        let mut found: Vec<(u8, &Path)> = Vec::new();
        for (path, size) in &self.files {
            let rank = match (is_called(path), is_named(path, sought)) {
                (true, _) => 0,
                (_, true) => 1,
                _ if sought.size == Some(*size) => 2,
                _ => continue,
            };
            found.push((rank, path));
        }
        found.sort_by_key(|(rank, _)| *rank);
        found.into_iter().map(|(_, path)| path).collect()
    }
}

fn is_named(path: &Path, sought: &Sought) -> bool {
    path.file_name().is_some_and(|name| sought.names.iter().any(|known| name == *known))
}

/// All files below a folder. Links to files count, links to folders are not followed: they may lead round in circles.
fn list(folder: &Path, depth: usize, files: &mut Vec<(PathBuf, u64)>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => files.push((path, metadata.len())),
            Ok(metadata) if metadata.is_dir() && !entry.file_type()?.is_symlink() && depth > 0 => {
                list(&path, depth - 1, files)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Copies a file; the digest of what was copied.
fn copy(from: &Path, to: &Path) -> Result<Sha256, ModelError> {
    let mut source = File::open(from).map_err(access("read", from))?;
    let mut target = Hashing::new(File::create(to).map_err(access("create", to))?);
    io::copy(&mut source, &mut target).map_err(access("copy", from))?;
    target.flush().map_err(access("write", to))?;
    Ok(target.finish().1)
}

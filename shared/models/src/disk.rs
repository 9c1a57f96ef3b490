//! Folders and files that are there whole or not at all.
use crate::error::{ModelError, access};
use std::io::Write as _;
use std::path::Path;

/// Makes a folder and those above it.
pub(crate) fn create_folder(path: &Path) -> Result<(), ModelError> {
    std::fs::create_dir_all(path).map_err(access("create", path))
}

/// Writes a file that is there whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(access("write in", folder))?;
    file.write_all(bytes).map_err(access("write", path))?;
    file.persist(path).map_err(|error| access("write", path)(error.error))?;
    Ok(())
}

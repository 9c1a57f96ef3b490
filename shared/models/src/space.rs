//! Space on the disk: checked before anything is fetched.
use crate::error::{ModelError, access};
use std::path::Path;

/// Bytes that are free where a folder lies, which need not exist yet.
pub(crate) fn free(folder: &Path) -> Result<u64, ModelError> {
    let existing = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    let state = rustix::fs::statvfs(existing).map_err(|error| access("read the size of", existing)(error.into()))?;
    Ok(state.f_bavail.saturating_mul(state.f_frsize))
}

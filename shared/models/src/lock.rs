//! One process at a time fetches a thing; others wait and find it there.
use crate::disk::create_folder;
use crate::error::{ModelError, access};
use crate::progress::{Activity, Progress};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

/// The right to fetch a thing; ends with the value, or with the process.
#[derive(Debug)]
pub(crate) struct Lock(#[allow(dead_code, reason = "the lock lasts as long as the open file")] File);

impl Lock {
    /// Waits for the lock of `name` in the cache.
    pub(crate) fn take(cache: &Path, name: &str, what: &str, progress: &dyn Progress) -> Result<Self, ModelError> {
        let folder = cache.join("locks");
        create_folder(&folder)?;
        let path = folder.join(name);
        let options = OpenOptions::new().create(true).truncate(false).write(true).clone();
        let file = options.open(&path).map_err(access("write", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                let _activity =
                    Activity::begin(progress, &format!("waiting for another process that fetches {what}"), None);
                file.lock().map_err(access("lock", &path))?;
                Ok(Self(file))
            }
            Err(TryLockError::Error(error)) => Err(access("lock", &path)(error)),
        }
    }
}

//! The lock of an output in a folder: it ends with its process.
use super::owner::{Owner, encode};
use crate::LedgerError;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};

/// Locks a folder's lock file and writes into it who did.
pub(super) fn lock(url: &str, path: &std::path::Path) -> Result<File, LedgerError> {
    let fail = |source| LedgerError::access("lock", path, source);
    let mut file = File::options().create(true).truncate(false).read(true).write(true).open(path).map_err(fail)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            file.read_to_string(&mut text).map_err(fail)?;
            return Err(serde_json::from_str::<Owner>(&text).unwrap_or_default().refusal(url));
        }
        Err(TryLockError::Error(source)) => return Err(fail(source)),
    }
    file.set_len(0).map_err(fail)?;
    file.rewind().map_err(fail)?;
    file.write_all(&encode(&Owner::this_process())).map_err(fail)?;
    Ok(file)
}

//! Compiled forms of models, made once and loaded by all: by every session of a pool, every process of a machine.
//!
//! An entry is a folder `<cache>/<kind>/<key>/`. Its maker works in a folder beside it, under a lock that other processes wait for, and
//! renames it into place when it is complete; what is there under its name is whole.
use crate::InferError;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Everything that a compiled form depends on, in a fixed order.
pub(crate) struct Key(Sha256);

impl Key {
    pub fn new() -> Self {
        Self(Sha256::new())
    }

    /// One more dependency. Name and value are framed, so that no two lists read the same.
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        let value = value.to_string();
        for part in [name, &value] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// 32 hexadecimal digits.
    pub fn text(self) -> String {
        hexadecimal(&self.0.finalize()[..16])
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The entry `<cache>/<kind>/<key>`, made by `make` in an empty folder if it is not there. Also says whether it was there.
pub(crate) fn entry(
    cache: &Path,
    kind: &str,
    key: &str,
    refresh: bool,
    make: impl FnOnce(&Path) -> Result<(), InferError>,
) -> Result<(PathBuf, bool), InferError> {
    let place = cache.join(kind).join(key);
    if place.is_dir() && !refresh {
        return Ok((place, true));
    }
    let folder = cache.join(kind);
    fs::create_dir_all(&folder).map_err(problem(&folder))?;
    let lock_path = folder.join(format!("{key}.lock"));
    let lock = File::create(&lock_path).map_err(problem(&lock_path))?;
    lock.lock().map_err(problem(&lock_path))?;
    if place.is_dir() {
        if !refresh {
            return Ok((place, true));
        }
        fs::remove_dir_all(&place).map_err(problem(&place))?;
    }
    let work = tempfile::Builder::new().prefix(&format!(".{key}.")).tempdir_in(&folder).map_err(problem(&folder))?;
    make(work.path())?;
    fs::rename(work.path(), &place).map_err(problem(&place))?;
    Ok((place, false))
}

/// An error of the file system at a path of the cache.
pub(crate) fn problem(path: &Path) -> impl Fn(std::io::Error) -> InferError + '_ {
    move |error| InferError::Cache { path: path.to_owned(), reason: error.to_string() }
}

/// Bytes of all files in a folder.
pub(crate) fn folder_bytes(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).filter(fs::Metadata::is_file).map(|file| file.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_frame_their_parts() {
        let one = Key::new().with("a", "bc").with("d", "").text();
        let other = Key::new().with("a", "b").with("cd", "").text();
        assert_ne!(one, other);
        assert_eq!(one.len(), 32);
        assert_eq!(one, Key::new().with("a", "bc").with("d", "").text());
    }

    #[test]
    fn a_failed_maker_leaves_nothing_and_the_next_may_try() {
        let cache = tempfile::tempdir().unwrap();
        let fails = entry(cache.path(), "graphs", "k", false, |folder| {
            fs::write(folder.join("half"), "x").unwrap();
            Err(InferError::Setting("no".to_owned()))
        });
        assert!(fails.is_err());
        assert!(!cache.path().join("graphs/k").exists());
        let (place, hit) = entry(cache.path(), "graphs", "k", false, |folder| {
            fs::write(folder.join("whole"), "x").unwrap();
            Ok(())
        })
        .unwrap();
        assert!(!hit && place.join("whole").is_file() && !place.join("half").exists());
        let again = entry(cache.path(), "graphs", "k", false, |_| panic!("made twice")).unwrap();
        assert!(again.1);
    }

    #[test]
    fn threads_make_an_entry_once() {
        let cache = tempfile::tempdir().unwrap();
        let made = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let make = |folder: &Path| {
                        made.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        fs::write(folder.join("whole"), "x").map_err(problem(folder))
                    };
                    let (place, _) = entry(cache.path(), "graphs", "k", false, make).unwrap();
                    assert!(place.join("whole").is_file());
                });
            }
        });
        assert_eq!(made.load(std::sync::atomic::Ordering::SeqCst), 1);
    }
}

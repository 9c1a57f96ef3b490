//! Compiled forms of models, made once and loaded by all: by every session of a pool, every process of a machine.
//!
//! An entry is a folder `<cache>/<kind>/<key>/`. Its maker works in a folder beside it, under a lock that other processes wait for, and
//! renames it into place when it is complete; what is there under its name is whole. That it still is says `digests`.
use crate::{InferError, digests};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Everything that a compiled model depends on, in a fixed order.
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
        hex::encode(&self.0.finalize()[..16])
    }
}

/// How an entry came to be where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It was there, and its files are those that were made.
    Found,
    /// It was not there, or was to be made anew.
    Made,
    /// What was there is not what was made: which file, and what is wrong with it.
    Repaired(String),
}

/// The entry `<cache>/<kind>/<key>`, made by `make` in an empty folder if it is not there, if its files are not what they
/// were when it was made, or to `refresh` it. Files are compared by their digests every time: nothing else tells a weight
/// that was changed on the disk from a right one.
pub(crate) fn entry(
    cache: &Path,
    kind: &str,
    key: &str,
    refresh: bool,
    make: impl FnOnce(&Path) -> Result<(), InferError>,
) -> Result<(PathBuf, Origin), InferError> {
    let place = cache.join(kind).join(key);
    if !refresh && place.is_dir() && digests::damage(&place).is_none() {
        return Ok((place, Origin::Found));
    }
    let folder = cache.join(kind);
    fs::create_dir_all(&folder).map_err(InferError::cache(&folder))?;
    let lock_path = folder.join(format!("{key}.lock"));
    let lock = File::create(&lock_path).map_err(InferError::cache(&lock_path))?;
    lock.lock().map_err(InferError::cache(&lock_path))?;
    let there = place.is_dir();
    let damage = if there { digests::damage(&place) } else { None };
    if there && !refresh && damage.is_none() {
        return Ok((place, Origin::Found));
    }
    if let Some(damage) = &damage {
        tracing::warn!(entry = %place.display(), damage, "a compiled model is not what was made: it is made anew");
    }
    let work =
        tempfile::Builder::new().prefix(&format!(".{key}.")).tempdir_in(&folder).map_err(InferError::cache(&folder))?;
    let (new, old) = (work.path().join("new"), work.path().join("old"));
    fs::create_dir(&new).map_err(InferError::cache(&new))?;
    make(&new)?;
    digests::write(&new)?;
    if there {
        // Who has its files open keeps them; they go with the folder.
        fs::rename(&place, &old).map_err(InferError::cache(&place))?;
    }
    fs::rename(&new, &place).map_err(InferError::cache(&place))?;
    Ok((place, damage.map_or(Origin::Made, Origin::Repaired)))
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
        let (place, origin) = entry(cache.path(), "graphs", "k", false, |folder| {
            fs::write(folder.join("whole"), "x").unwrap();
            Ok(())
        })
        .unwrap();
        assert!(origin == Origin::Made && place.join("whole").is_file() && !place.join("half").exists());
        let again = entry(cache.path(), "graphs", "k", false, |_| panic!("made twice")).unwrap();
        assert_eq!(again.1, Origin::Found);
    }

    #[test]
    fn what_was_changed_cut_or_lost_is_made_anew_and_the_rest_stays() {
        let cache = tempfile::tempdir().unwrap();
        let make = |folder: &Path| {
            fs::write(folder.join("weights"), [7; 5000]).map_err(InferError::cache(folder))?;
            fs::write(folder.join("cache.timing"), "first").map_err(InferError::cache(folder))
        };
        let open = || entry(cache.path(), "engines", "k", false, make).unwrap();
        let (place, _) = open();
        let weights = place.join("weights");
        let mut flipped = [7; 5000];
        flipped[4321] ^= 1;
        let damages: [(&str, &dyn Fn()); 4] = [
            ("not what was written", &|| fs::write(&weights, flipped).unwrap()),
            ("4999 bytes", &|| File::options().write(true).open(&weights).unwrap().set_len(4999).unwrap()),
            ("weights", &|| fs::remove_file(&weights).unwrap()),
            ("digests.json", &|| fs::remove_file(place.join("digests.json")).unwrap()),
        ];
        for (what, harm) in damages {
            harm();
            let Origin::Repaired(said) = open().1 else { panic!("{what} was not seen") };
            assert!(said.contains(what), "{said}");
            assert_eq!(fs::read(&weights).unwrap(), [7; 5000]);
            assert_eq!(open().1, Origin::Found, "{what}");
        }
        // TensorRT goes on writing what it measures.
        fs::write(place.join("cache.timing"), "second").unwrap();
        fs::write(place.join("later.engine"), "made in the first run").unwrap();
        assert_eq!(open().1, Origin::Found);
        let left: Vec<_> =
            fs::read_dir(cache.path().join("engines")).unwrap().flatten().map(|file| file.file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{left:?}");
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
                        fs::write(folder.join("whole"), "x").map_err(InferError::cache(folder))
                    };
                    let (place, _) = entry(cache.path(), "graphs", "k", false, make).unwrap();
                    assert!(place.join("whole").is_file());
                });
            }
        });
        assert_eq!(made.load(std::sync::atomic::Ordering::SeqCst), 1);
    }
}

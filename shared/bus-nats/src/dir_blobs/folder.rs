//! The files of a folder of blobs: names, room, and what becomes of them.
use super::account::{Account, Locked};
use framefleet_bus::BlobError;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is escaped in file names: all but letters, digits, `-` and `_`. No name leaves the folder, none is hidden, and
/// a key begins with a prefix exactly when its escaped form begins with the escaped prefix.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// The longest escaped key: what a file name may have, less what is added.
const LONGEST: usize = 200;

/// The endings of finished and of unfinished files.
const FINISHED: &str = "blob";
const UNFINISHED: &str = "part";

/// Tells the unfinished files of one process apart.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A folder of blobs.
pub(super) struct Folder {
    path: PathBuf,
    capacity: u64,
    place: String,
    account: Account,
}

impl Folder {
    /// Opens a folder and counts what is in it.
    pub(super) fn open(path: &Path, capacity: u64) -> Result<Self, BlobError> {
        std::fs::create_dir_all(path).map_err(|error| named(path, &error))?;
        let account = Account::open(path).map_err(|error| named(path, &error))?;
        let locked = account.lock()?;
        let place = locked.place()?;
        let used = count(path)?;
        locked.set(used)?;
        drop(locked);
        let filesystem = statvfs(path).map_err(io::Error::from)?;
        let possible = used.saturating_add(filesystem.f_bavail.saturating_mul(filesystem.f_frsize));
        if possible < capacity {
            return Err(io::Error::other(format!(
                "{} has room for {possible} bytes of blobs where {capacity} are to fit: give it a larger tmpfs or ask for less",
                path.display()
            ))
            .into());
        }
        Ok(Self { path: path.to_owned(), capacity, place, account })
    }

    /// What tells this folder from every other.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Bytes in use; all of them when that cannot be found out.
    pub(super) fn used(&self) -> u64 {
        self.account.used().unwrap_or(self.capacity)
    }

    /// Takes room for a blob: from the account, then from the filesystem.
    pub(super) fn reserve(self: &Arc<Self>, key: &str, length: u64) -> Result<Unfinished, BlobError> {
        let escaped = escaped(key)?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = self.path.join(format!("{escaped}.{}-{number}.{UNFINISHED}", std::process::id()));
        let locked = self.account.lock()?;
        let used = self.room_for(&locked, length)?;
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        // Held for as long as the file is written; whoever gets it knows that the writer is gone.
        file.lock()?;
        file.set_len(length)?;
        locked.set(used + length)?;
        drop(locked);
        let finished = self.path.join(format!("{escaped}.{FINISHED}"));
        let unfinished = Unfinished { folder: Arc::clone(self), file, path: Some(path), finished, length };
        match self.allocate(&unfinished.file, length) {
            Ok(()) => Ok(unfinished),
            Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                drop(unfinished);
                let filesystem = statvfs(&self.path).map_err(io::Error::from)?;
                let free = filesystem.f_bavail.saturating_mul(filesystem.f_frsize);
                Err(BlobError::NoRoom { wanted: length, free, capacity: self.capacity })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The bytes in use when `length` more fit.
    fn room_for(&self, locked: &Locked<'_>, length: u64) -> Result<u64, BlobError> {
        let fits = |used: u64| used.checked_add(length).is_some_and(|sum| sum <= self.capacity);
        let used = locked.used()?;
        if fits(used) {
            return Ok(used);
        }
        let used = if length <= self.capacity { count(&self.path)? } else { used };
        locked.set(used)?;
        let no_room =
            BlobError::NoRoom { wanted: length, free: self.capacity.saturating_sub(used), capacity: self.capacity };
        if fits(used) { Ok(used) } else { Err(no_room) }
    }

    fn allocate(&self, file: &File, length: u64) -> io::Result<()> {
        match length {
            0 => Ok(()),
            length => Ok(fallocate(file, FallocateFlags::empty(), 0, length)?),
        }
    }

    /// Opens a finished blob of a length.
    pub(super) fn finished(&self, key: &str, length: u64) -> Result<File, BlobError> {
        let stale = || BlobError::Stale(key.to_owned());
        let escaped = escaped(key).map_err(|_| stale())?;
        let file = match File::open(self.path.join(format!("{escaped}.{FINISHED}"))) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(stale()),
            file => file?,
        };
        if file.metadata()?.len() == length { Ok(file) } else { Err(stale()) }
    }

    /// Removes a finished blob, if it is there.
    pub(super) fn release(&self, key: &str) -> Result<(), BlobError> {
        let path = self.path.join(format!("{}.{FINISHED}", escaped(key)?));
        let locked = self.account.lock()?;
        Ok(locked.give_back(remove(&path)?.unwrap_or_default())?)
    }

    /// Removes the finished blobs whose keys start with a prefix, and what dead writers left of such; returns how many.
    pub(super) fn release_all(&self, prefix: &str) -> Result<u64, BlobError> {
        let prefix = file_stem(prefix);
        let locked = self.account.lock()?;
        let mut released = 0;
        for path in files(&self.path)? {
            let path = path?;
            let is_meant = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix));
            if is_meant
                && (has_ending(&path, FINISHED) || is_abandoned(&path)?)
                && let Some(length) = remove(&path)?
            {
                locked.give_back(length)?;
                released += 1;
            }
        }
        Ok(released)
    }
}

/// A file that a blob is written to. Dropping it unfinished removes it.
pub(super) struct Unfinished {
    folder: Arc<Folder>,
    file: File,
    /// Its name, until it is finished.
    path: Option<PathBuf>,
    finished: PathBuf,
    length: u64,
}

impl Unfinished {
    /// The file, of its full length.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Gives the file the name that readers know. Another of that name is replaced, and its room is free again.
    pub(super) fn finish(mut self) -> Result<(), BlobError> {
        let Some(path) = &self.path else { return Ok(()) };
        let locked = self.folder.account.lock()?;
        let replaced = length(&self.finished)?.unwrap_or_default();
        std::fs::rename(path, &self.finished)?;
        locked.give_back(replaced)?;
        drop(locked);
        self.path = None;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some(path) = self.path.take() else { return };
        let removed = self.folder.account.lock().and_then(|locked| {
            remove(&path)?;
            locked.give_back(self.length)
        });
        if let Err(error) = removed {
            tracing::warn!(path = %path.display(), %error, "an unfinished blob was not removed");
        }
    }
}

/// The bytes of all blobs in a folder; what dead writers left is removed. Only right while the account is locked.
fn count(folder: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for path in files(folder)? {
        let path = path?;
        if is_abandoned(&path)? {
            remove(&path)?;
        } else if has_ending(&path, FINISHED) || has_ending(&path, UNFINISHED) {
            sum += length(&path)?.unwrap_or_default();
        }
    }
    Ok(sum)
}

fn files(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<PathBuf>>> {
    Ok(std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())))
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|extension| extension == ending)
}

/// Whether a file is unfinished and its writer is gone. Only right while the account is locked: a writer makes its file
/// and locks it under that lock.
fn is_abandoned(path: &Path) -> io::Result<bool> {
    if !has_ending(path, UNFINISHED) {
        return Ok(false);
    }
    match File::open(path) {
        Ok(file) => Ok(file.try_lock().is_ok()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The length of a file; `None` when it is not there.
fn length(path: &Path) -> io::Result<Option<u64>> {
    match path.metadata() {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file; its length, or `None` when it is not there.
fn remove(path: &Path) -> io::Result<Option<u64>> {
    let Some(length) = length(path)? else { return Ok(None) };
    std::fs::remove_file(path)?;
    Ok(Some(length))
}

/// A key as the beginning of a file name; the letter in front is for the empty key.
fn file_stem(key: &str) -> String {
    format!("k{}", utf8_percent_encode(key, ESCAPED))
}

/// A key as the beginning of a file name that is not too long.
fn escaped(key: &str) -> Result<String, BlobError> {
    let stem = file_stem(key);
    if stem.len() <= LONGEST {
        return Ok(stem);
    }
    Err(io::Error::new(ErrorKind::InvalidInput, format!("the key {key:?} is too long for the name of a file")).into())
}

/// An error that names the folder.
fn named(folder: &Path, error: &io::Error) -> BlobError {
    BlobError::Io(io::Error::new(error.kind(), format!("{}: {error}", folder.display())))
}

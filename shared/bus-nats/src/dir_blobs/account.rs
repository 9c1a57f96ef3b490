//! How many bytes of a folder are in use, known to all processes that share it.
//!
//! Counting files at every reservation would take longer the more there are. So the sum is kept in a small file beside
//! them, changed only together with the files and under a lock on it. A process that dies in between leaves it wrong; it is
//! made right by counting whenever a process opens the folder and before a caller hears that there is no room.
use parking_lot::{Mutex, MutexGuard};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The name of the file.
pub(super) const NAME: &str = ".account";

/// Bytes of the sum; the name of the place follows it.
const SUM: usize = size_of::<u64>();

/// Bytes of a place's name: a UUID.
const PLACE: usize = 36;

/// The account of a folder.
pub(super) struct Account {
    /// Locks of one open file do not exclude threads of one process from each other, hence the mutex.
    file: Mutex<File>,
    reader: File,
}

/// The account, which nobody else changes or relies on meanwhile.
pub(super) struct Locked<'a>(MutexGuard<'a, File>);

impl Account {
    /// Opens the account of a folder; makes it when there is none.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(folder.join(NAME))?;
        let reader = file.try_clone()?;
        Ok(Self { file: Mutex::new(file), reader })
    }

    /// Waits until nobody else has it. Blocks the thread, for microseconds unless somebody counts.
    pub(super) fn lock(&self) -> io::Result<Locked<'_>> {
        let file = self.file.lock();
        file.lock()?;
        Ok(Locked(file))
    }

    /// The sum as it is now.
    pub(super) fn used(&self) -> io::Result<u64> {
        read_sum(&self.reader)
    }
}

impl Locked<'_> {
    /// The sum.
    pub(super) fn used(&self) -> io::Result<u64> {
        read_sum(&self.0)
    }

    /// Changes the sum.
    pub(super) fn set(&self, used: u64) -> io::Result<()> {
        self.0.write_all_at(&used.to_le_bytes(), 0)
    }

    /// Lowers the sum.
    pub(super) fn give_back(&self, bytes: u64) -> io::Result<()> {
        self.set(self.used()?.saturating_sub(bytes))
    }

    /// What tells this folder from every other, wherever it is mounted; made when first asked for.
    pub(super) fn place(&self) -> io::Result<String> {
        let mut place = [0; PLACE];
        if self.0.read_exact_at(&mut place, SUM as u64).is_ok() {
            return String::from_utf8(place.to_vec()).map_err(io::Error::other);
        }
        let made = std::fs::read_to_string("/proc/sys/kernel/random/uuid")?.trim().to_owned();
        self.0.write_all_at(&[&[0; SUM], made.as_bytes()].concat(), 0)?;
        Ok(made)
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

fn read_sum(file: &File) -> io::Result<u64> {
    let mut sum = [0; SUM];
    file.read_exact_at(&mut sum, 0)?;
    Ok(u64::from_le_bytes(sum))
}

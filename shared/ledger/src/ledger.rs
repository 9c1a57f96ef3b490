//! The ledger of one output: what it holds in memory, and what its role allows.
use crate::index::{BlockCache, Index, Slot};
use crate::output_state::{SourceIdentity, read_state};
use crate::ownership::Ownership;
use crate::store::Store;
use crate::{LedgerError, Output, TaskKey, layout};
use bytes::Bytes;
use framefleet_proto::v1::{AnnotationBlock, Entry, EntryOutcomes};
use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The list of finished tasks of one output, and what they made: the truth. Clones share everything.
#[derive(Clone, Debug)]
pub struct Ledger {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    output: Output,
    store: Store,
    role: Role,
    identity: Identity,
    index: RwLock<Index>,
    /// Shared by those who create entries; compaction has it alone while it moves them.
    commits: tokio::sync::RwLock<()>,
    /// Held by compaction and by completing steps: one at a time.
    maintenance: tokio::sync::Mutex<()>,
    blocks: Mutex<BlockCache>,
    /// Files fetched from a store, until the ledger is dropped.
    downloads: OnceLock<tempfile::TempDir>,
}

/// What this process may do with an output.
#[derive(Debug)]
pub(crate) enum Role {
    /// Everything: the output is its own.
    Owner(Ownership),
    /// File the results of tasks that the owner of this epoch handed out ([`Ledger::join`]).
    Worker,
    /// Read.
    Reader,
}

/// What a ledger is opened as.
#[derive(Debug)]
pub(crate) struct Identity {
    /// Number of the owner.
    pub epoch: u64,
    /// Version and revision of the program.
    pub build: String,
    /// What the job reads.
    pub source: SourceIdentity,
}

impl Ledger {
    pub(crate) fn new(output: Output, store: Store, role: Role, identity: Identity, index: Index) -> Self {
        let inner = Inner {
            output,
            store,
            role,
            identity,
            index: RwLock::new(index),
            commits: tokio::sync::RwLock::default(),
            maintenance: tokio::sync::Mutex::default(),
            blocks: Mutex::default(),
            downloads: OnceLock::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Where the output lies.
    pub fn output(&self) -> &Output {
        &self.inner.output
    }

    /// The objects of the output. Whoever writes through it answers for what the ledger says of them.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Counts the owners that the output has had; every entry says under which it was made.
    pub fn epoch(&self) -> u64 {
        self.inner.identity.epoch
    }

    /// What the output was made from: the job's source and the identity of every item that it has seen.
    pub fn source(&self) -> &SourceIdentity {
        &self.inner.identity.source
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.index().slots.len()
    }

    /// Whether no task is finished.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entry of a finished task that this process knows of; [`Ledger::find`] also looks into the output.
    pub fn entry(&self, key: &TaskKey) -> Option<Arc<Entry>> {
        Some(self.index().slots.ask(key)?.entry)
    }

    /// What came of a finished task that this process knows of: as [`Ledger::entry`], without what its entry says besides.
    pub fn outcomes(&self, key: &TaskKey) -> Option<EntryOutcomes> {
        self.index().slots.ask_outcomes(key)
    }

    /// The entries that this process knows of and that `chosen` accepts, in no order.
    pub fn entries_where(&self, chosen: impl Fn(&TaskKey, &Entry) -> bool) -> Vec<(TaskKey, Arc<Entry>)> {
        let index = self.index();
        let slots = index.slots.iter().filter(|(key, slot)| chosen(key, &slot.entry));
        slots.map(|(key, slot)| (*key, slot.entry)).collect()
    }

    /// Whether this run asked for an entry or made it.
    pub fn was_asked(&self, key: &TaskKey) -> bool {
        self.index().slots.was_asked(key)
    }

    /// What is wrong with entries that could not be read when the output was opened, in words.
    pub fn problems(&self) -> Vec<String> {
        self.index().problems.clone()
    }

    /// Writes a small file (job.json, report.html) whole or not at all. `relative` lies below the output and outside the
    /// ledger's own folder. Possible without ownership: reports are drawn at any moment.
    pub async fn write_file(&self, relative: &str, bytes: Bytes) -> Result<(), LedgerError> {
        layout::check_name("a file of the output", relative)?;
        if relative.split('/').next() == Some(layout::INTERNAL) {
            return Err(LedgerError::invalid(relative, "the ledger alone writes below .framefleet"));
        }
        self.store().write(relative, bytes).await
    }

    /// A small file of the output, if it is there.
    pub async fn read_file(&self, relative: &str) -> Result<Option<Bytes>, LedgerError> {
        layout::check_name("a file of the output", relative)?;
        self.store().read(relative).await
    }

    /// Keeps something that can be found out again (an item's index) under a name, whole or not at all.
    pub async fn write_cache(&self, name: &str, bytes: Bytes) -> Result<(), LedgerError> {
        layout::check_name("a name in the cache", name)?;
        self.check_writer("keep a cache").await?;
        self.store().write(&format!("{}/{name}", layout::CACHE), bytes).await
    }

    /// What the cache holds under a name.
    pub async fn read_cache(&self, name: &str) -> Result<Option<Bytes>, LedgerError> {
        layout::check_name("a name in the cache", name)?;
        self.store().read(&format!("{}/{name}", layout::CACHE)).await
    }

    /// Gives the output back. Clones that are left can still read.
    pub async fn close(self) -> Result<(), LedgerError> {
        match &self.inner.role {
            Role::Owner(owner) => owner.release().await,
            Role::Worker | Role::Reader => Ok(()),
        }
    }

    /// Refuses when another owner has the output by now ([`LedgerError::Superseded`], of a worker's ledger).
    pub async fn check_current(&self) -> Result<(), LedgerError> {
        match &self.inner.role {
            Role::Worker => self.check_epoch().await,
            Role::Owner(_) | Role::Reader => Ok(()),
        }
    }

    /// Refuses unless this ledger owns the output (still). `action` is what was to be done, for the message.
    pub fn check_owner(&self, action: &'static str) -> Result<(), LedgerError> {
        match &self.inner.role {
            Role::Owner(owner) => owner.check(self.store()),
            Role::Worker | Role::Reader => Err(LedgerError::NotOwner { action }),
        }
    }

    /// Refuses unless results may be filed here: by the owner, and by workers while their owner has the output.
    pub(crate) async fn check_writer(&self, action: &'static str) -> Result<(), LedgerError> {
        match &self.inner.role {
            Role::Worker => self.check_epoch().await,
            Role::Owner(_) | Role::Reader => self.check_owner(action),
        }
    }

    /// Refuses when another owner has the output by now: what this one's workers still make is not wanted.
    async fn check_epoch(&self) -> Result<(), LedgerError> {
        let missing = || LedgerError::NoOutput { output: self.output().url().to_owned() };
        self.check_is_of(read_state(self.store()).await?.ok_or_else(missing)?.epoch)
    }

    /// Refuses unless the owner of the output is still that of this ledger.
    pub(crate) fn check_is_of(&self, found: u64) -> Result<(), LedgerError> {
        let (output, epoch) = (self.output().url().to_owned(), self.epoch());
        if found == epoch { Ok(()) } else { Err(LedgerError::Superseded { output, epoch, found }) }
    }

    pub(crate) fn is_owner(&self) -> bool {
        matches!(self.inner.role, Role::Owner(_))
    }

    pub(crate) fn is_worker(&self) -> bool {
        matches!(self.inner.role, Role::Worker)
    }

    /// Version and revision of this program, recorded in entries.
    pub(crate) fn build(&self) -> &str {
        &self.inner.identity.build
    }

    pub(crate) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.inner.index.read()
    }

    pub(crate) fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.inner.index.write()
    }

    pub(crate) fn slot(&self, key: &TaskKey) -> Option<Slot> {
        self.index().slots.get(key)
    }

    /// Entries stay where they are, and may be created, while this is held.
    pub(crate) async fn entries_stay(&self) -> tokio::sync::RwLockReadGuard<'_, ()> {
        self.inner.commits.read().await
    }

    /// Nobody creates entries while this is held.
    pub(crate) async fn no_commits(&self) -> tokio::sync::RwLockWriteGuard<'_, ()> {
        self.inner.commits.write().await
    }

    /// Held by one maintenance task at a time.
    pub(crate) async fn alone(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.inner.maintenance.lock().await
    }

    /// A task's annotations, if they are in memory.
    pub(crate) fn cached_block(&self, key: &TaskKey) -> Option<Arc<AnnotationBlock>> {
        self.inner.blocks.lock().get(key)
    }

    /// Keeps a task's annotations, of `length` encoded bytes, in memory.
    pub(crate) fn cache_block(&self, key: TaskKey, length: u64, block: Arc<AnnotationBlock>) {
        self.inner.blocks.lock().insert(key, length, block);
    }

    /// A folder for files fetched from a store. It goes with the ledger.
    pub(crate) fn downloads(&self) -> Result<&Path, LedgerError> {
        if let Some(folder) = self.inner.downloads.get() {
            return Ok(folder.path());
        }
        let folder =
            tempfile::tempdir().map_err(|source| LedgerError::access("create", std::env::temp_dir(), source))?;
        Ok(self.inner.downloads.get_or_init(|| folder).path())
    }
}

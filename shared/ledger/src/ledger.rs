//! The ledger of one output: who owns it, what it holds, and small files beside it.
use crate::cache::BlockCache;
use crate::index::{Index, Slot};
use crate::ownership::Ownership;
use crate::state::SourceIdentity;
use crate::store::Store;
use crate::{LedgerError, Output, TaskKey, layout};
use bytes::Bytes;
use framefleet_proto::v1::{CompletedStep, Entry, EntryOutcomes};
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The list of finished tasks of one output, and what they made: the truth. Clones share everything.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub output: Output,
    pub store: Store,
    pub role: Role,
    pub epoch: u64,
    pub build: String,
    pub source: SourceIdentity,
    index: RwLock<Index>,
    /// Shared by those who create entries; compaction has it alone while it moves them.
    pub commits: tokio::sync::RwLock<()>,
    /// Held by compaction and by completing steps: one at a time.
    pub maintenance: tokio::sync::Mutex<()>,
    pub cache: Mutex<BlockCache>,
    /// Files fetched from a store, until the ledger is dropped.
    pub downloads: OnceLock<tempfile::TempDir>,
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

impl Ledger {
    pub(crate) fn assemble(
        output: Output,
        store: Store,
        role: Role,
        (epoch, build, source): (u64, String, SourceIdentity),
        index: Index,
    ) -> Self {
        let inner = Inner {
            output,
            store,
            role,
            epoch,
            build,
            source,
            index: RwLock::new(index),
            commits: tokio::sync::RwLock::default(),
            maintenance: tokio::sync::Mutex::default(),
            cache: Mutex::default(),
            downloads: OnceLock::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Where the output lies.
    pub fn output(&self) -> &Output {
        &self.inner.output
    }

    /// Counts the owners that the output has had; every entry says under which it was made.
    pub fn epoch(&self) -> u64 {
        self.inner.epoch
    }

    /// What the output was made from: the job's source and the identity of every item that it has seen.
    pub fn source(&self) -> &SourceIdentity {
        &self.inner.source
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

    /// Writes a small file (job.json, report.html) whole or not at all. `relative` lies below the output and outside the
    /// ledger's own folder. Possible without ownership: reports are drawn at any moment.
    pub async fn write_file(&self, relative: &str, bytes: Bytes) -> Result<(), LedgerError> {
        layout::check_name("a file of the output", relative)?;
        if relative.split('/').next() == Some(layout::INTERNAL) {
            return Err(LedgerError::invalid(relative, "the ledger alone writes below .framefleet"));
        }
        self.inner.store.write(relative, bytes).await
    }

    /// A small file of the output, if it is there.
    pub async fn read_file(&self, relative: &str) -> Result<Option<Bytes>, LedgerError> {
        layout::check_name("a file of the output", relative)?;
        self.inner.store.read(relative).await
    }

    /// Keeps something that can be found out again (an item's index) under a name, whole or not at all.
    pub async fn write_cache(&self, name: &str, bytes: Bytes) -> Result<(), LedgerError> {
        layout::check_name("a name in the cache", name)?;
        self.check_writer("keep a cache").await?;
        self.inner.store.write(&format!("{}/{name}", layout::CACHE), bytes).await
    }

    /// What the cache holds under a name.
    pub async fn read_cache(&self, name: &str) -> Result<Option<Bytes>, LedgerError> {
        layout::check_name("a name in the cache", name)?;
        self.inner.store.read(&format!("{}/{name}", layout::CACHE)).await
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

    /// Refuses unless this ledger owns the output (still).
    pub(crate) fn check_owner(&self, action: &'static str) -> Result<(), LedgerError> {
        match &self.inner.role {
            Role::Owner(owner) => owner.check(&self.inner.store),
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

    pub(crate) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.inner.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.inner.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn slot(&self, key: &TaskKey) -> Option<Slot> {
        self.index().slots.get(key)
    }

    /// What the output holds of every step, by name.
    pub(crate) async fn completed_steps(&self) -> Result<Vec<CompletedStep>, LedgerError> {
        completed_steps(&self.inner.store).await
    }
}

/// What an output holds of every step, by name.
pub(crate) async fn completed_steps(store: &Store) -> Result<Vec<CompletedStep>, LedgerError> {
    let mut paths = store.list(layout::STEPS).await?;
    paths.sort();
    let read = |(path, _): (String, u64)| async move {
        let Some(bytes) = store.read(&path).await? else { return Ok(None) };
        CompletedStep::decode(bytes).map(Some).map_err(|error| store.damaged(&path, error))
    };
    let found: Vec<_> = futures::stream::iter(paths).map(read).buffered(8).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

//! What an output remembers about itself, and the opening of outputs.
use crate::index::{Index, Place, own_parts};
use crate::kept::prune_documents;
use crate::ledger::{Role, completed_steps};
use crate::ownership::{LeaseTiming, Ownership};
use crate::presence::GonePictures;
use crate::store::Store;
use crate::{Ledger, LedgerError, Output, TaskKey, layout};
use framefleet_proto::v1::{Part, PartKind};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// Raised when older programs could no longer read an output, or this one those of older programs.
const FORMAT: u32 = 2;

/// What a job reads, as far as the output has to recognise it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceIdentity {
    /// The job's source as the user gave it.
    pub source: String,
    /// A digest of the identity of every item, by the item's name: other content under a known name is refused.
    pub items: BTreeMap<String, String>,
}

/// How an output is opened for a job.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Remove what is there (but for the user's corrections) and start over.
    pub fresh: bool,
    /// Version and revision of this program: recorded in entries, never keyed.
    pub build: String,
    /// What the job reads.
    pub source: SourceIdentity,
}

/// `.framefleet/output.json`: its presence makes a place an output.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    format: u32,
    epoch: u64,
    #[serde(flatten)]
    source: SourceIdentity,
}

impl Ledger {
    /// Opens an output for a job: creates it or takes it over, and reads what is finished.
    ///
    /// Refused when the place holds other things ([`LedgerError::NotAnOutput`]), is a file ([`LedgerError::InTheWay`]) or cannot be
    /// written ([`LedgerError::Access`]), when another living process owns it ([`LedgerError::Owned`]), and when an item's content is
    /// another than the output knows under its name ([`LedgerError::OtherContent`]).
    pub async fn open(output: Output, options: OpenOptions) -> Result<Self, LedgerError> {
        Self::open_timed(output, options, LeaseTiming::default()).await
    }

    /// [`Ledger::open`] with a choice of how long a lease lasts.
    pub(crate) async fn open_timed(
        output: Output,
        options: OpenOptions,
        timing: LeaseTiming,
    ) -> Result<Self, LedgerError> {
        if let Some(folder) = output.local_path() {
            prepare_folder(&output, folder)?;
        }
        let store = Store::new(&output)?;
        if output.local_path().is_none() {
            check_store(&store).await?;
        }
        let owner = Ownership::take(&store, timing).await?;
        match take_over(&store, &options).await {
            Ok((state, mut index)) => {
                let stale = std::mem::take(&mut index.stale);
                let about = (state.epoch, options.build, state.source);
                let ledger = Self::assemble(output, store, Role::Owner(owner), about, index);
                ledger.rewrite(&stale).await?;
                Ok(ledger)
            }
            Err(error) => {
                // The reason for not opening matters more than a lease that was not given back: it runs out.
                let _ = owner.release().await;
                Err(error)
            }
        }
    }

    /// Opens an output for reading: reports, `verify`. Somebody else may be writing to it.
    pub async fn read(output: Output) -> Result<Self, LedgerError> {
        let nothing = || LedgerError::NoOutput { output: output.url().to_owned() };
        if output.local_path().is_some_and(|folder| !folder.is_dir()) {
            return Err(nothing());
        }
        let store = Store::new(&output)?;
        let state = read_state(&store).await?.ok_or_else(nothing)?;
        let index = Index::load(&store).await?;
        Ok(Self::assemble(output, store, Role::Reader, (state.epoch, String::new(), state.source), index))
    }

    /// Opens an output for a worker of the owner of this epoch: it reads what tasks made and files results, and neither
    /// lists what there is nor owns it. [`LedgerError::Superseded`] when another owner has the output by now.
    pub async fn join(output: Output, epoch: u64, build: String) -> Result<Self, LedgerError> {
        let store = Store::new(&output)?;
        let state = read_state(&store).await?;
        let state = state.ok_or_else(|| LedgerError::NoOutput { output: output.url().to_owned() })?;
        let ledger = Self::assemble(output, store, Role::Worker, (epoch, build, state.source), Index::default());
        ledger.is_of_epoch(state.epoch)?;
        Ok(ledger)
    }

    /// Refuses when another owner has the output by now: what this one's workers still make is not wanted.
    pub(crate) async fn check_epoch(&self) -> Result<(), LedgerError> {
        let missing = || LedgerError::NoOutput { output: self.inner.output.url().to_owned() };
        self.is_of_epoch(read_state(&self.inner.store).await?.ok_or_else(missing)?.epoch)
    }

    fn is_of_epoch(&self, found: u64) -> Result<(), LedgerError> {
        let (output, epoch) = (self.inner.output.url().to_owned(), self.inner.epoch);
        if found == epoch { Ok(()) } else { Err(LedgerError::Superseded { output, epoch, found }) }
    }
}

/// Makes the folder of an output, or refuses what is there.
pub(crate) fn prepare_folder(output: &Output, folder: &Path) -> Result<(), LedgerError> {
    let in_the_way = folder.ancestors().find(|path| path.exists()).filter(|path| !path.is_dir());
    if let Some(path) = in_the_way {
        return Err(LedgerError::InTheWay { path: path.to_owned() });
    }
    let create =
        |path: &Path| std::fs::create_dir_all(path).map_err(|source| LedgerError::access("create", path, source));
    create(folder)?;
    let refuse = |found: String| LedgerError::NotAnOutput { output: output.url().to_owned(), found };
    if !folder.join(layout::STATE).exists() {
        let mut found = std::fs::read_dir(folder).map_err(|source| LedgerError::access("read", folder, source))?;
        let foreign = |name: &std::ffi::OsStr| name != layout::INTERNAL;
        if let Some(other) =
            found.find_map(|entry| entry.ok().map(|entry| entry.file_name()).filter(|name| foreign(name)))
        {
            return Err(refuse(other.to_string_lossy().into_owned()));
        }
    }
    create(&folder.join(layout::INTERNAL))
}

/// Refuses a bucket's prefix that holds other things.
pub(crate) async fn check_store(store: &Store) -> Result<(), LedgerError> {
    if store.length(layout::STATE).await?.is_some() {
        return Ok(());
    }
    match store.anything().await? {
        Some(found) if found != layout::INTERNAL => {
            Err(LedgerError::NotAnOutput { output: store.url().to_owned(), found })
        }
        _ => Ok(()),
    }
}

async fn read_state(store: &Store) -> Result<Option<State>, LedgerError> {
    let Some(bytes) = store.read(layout::STATE).await? else { return Ok(None) };
    let state: State = serde_json::from_slice(&bytes).map_err(|error| store.damaged(layout::STATE, error))?;
    let (output, found, known) = (store.url().to_owned(), state.format, FORMAT);
    match found.cmp(&known) {
        Ordering::Greater => Err(LedgerError::NewerFormat { output, found, known }),
        Ordering::Less => Err(LedgerError::OlderFormat { output, found, known }),
        Ordering::Equal => Ok(Some(state)),
    }
}

/// What the new owner does first: checks the items, starts over when asked to, raises the epoch, reads the entries and
/// removes what crashes left behind.
async fn take_over(store: &Store, options: &OpenOptions) -> Result<(State, Index), LedgerError> {
    let found = match read_state(store).await {
        // What an older program wrote is not read, but it can make room.
        Err(LedgerError::OlderFormat { .. }) if options.fresh => None,
        found => found?,
    };
    let epoch = found.as_ref().map_or(0, |state| state.epoch) + 1;
    let mut source = options.source.clone();
    if options.fresh {
        start_over(store).await?;
    } else if let Some(found) = found {
        source.items = merge_items(found.source.items, source.items)?;
    }
    let state = State { format: FORMAT, epoch, source };
    let text = serde_json::to_vec_pretty(&state).map_err(|error| store.damaged(layout::STATE, error))?;
    store.write(layout::STATE, text.into()).await?;
    let mut index = Index::load(store).await?;
    clean(store, &mut index).await?;
    Ok((state, index))
}

/// Known items and new ones; an item of both must have one identity.
fn merge_items(
    mut known: BTreeMap<String, String>,
    new: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, LedgerError> {
    for (item, identity) in new {
        match known.get(&item) {
            Some(before) if *before != identity => return Err(LedgerError::OtherContent { item }),
            _ => known.insert(item, identity),
        };
    }
    Ok(known)
}

async fn start_over(store: &Store) -> Result<(), LedgerError> {
    for folder in layout::FOLDERS_MADE {
        let paths = store.list(folder).await?;
        store.delete(paths.into_iter().map(|(path, _)| path)).await?;
    }
    store.delete(layout::FILES_MADE.map(str::to_owned)).await
}

/// Forgets entries whose parts are gone (their tasks are done again), and removes parts that no entry lists: pieces of
/// tasks that never got their entry.
async fn clean(store: &Store, index: &mut Index) -> Result<(), LedgerError> {
    let parts: HashSet<String> = store.list(layout::PARTS).await?.into_iter().map(|(path, _)| path).collect();
    let steps = completed_steps(store).await?;
    let published: HashSet<&[u8]> =
        steps.iter().flat_map(|step| &step.files).map(|file| file.digest.as_ref()).collect();
    let mut listed = HashSet::new();
    let mut forgotten = Vec::new();
    let there = |key: &TaskKey, part: &Part| {
        let moved = layout::kind(part) == PartKind::Artifact && published.contains(part.digest.as_ref());
        moved || parts.contains(&layout::part(key, part))
    };
    let lacks = |key: &TaskKey, part: &Part| part.frame.is_some() && !there(key, part);
    let slots = index.slots.with_parts();
    let lacking = slots.filter(|(key, slot)| own_parts(&slot.entry.parts, &slot.place).any(|part| lacks(key, part)));
    let gone = GonePictures::find(store, &steps, &lacking.map(|(key, _)| *key).collect()).await?;
    for (key, slot) in index.slots.with_parts() {
        let own: Vec<&Part> = own_parts(&slot.entry.parts, &slot.place).collect();
        match own.iter().find(|part| !there(key, part) && !gone.have(key, part)) {
            None => listed.extend(own.iter().map(|part| layout::part(key, part))),
            Some(part) => {
                let what = crate::index::describe(&slot.entry);
                index.problems.push(format!("part \"{}\" of {what} is gone: its task will be done again", part.name));
                forgotten.push((*key, slot.place.clone()));
            }
        }
    }
    for (key, place) in forgotten {
        index.slots.remove(&key);
        match place {
            Place::Loose => index.surplus.push(layout::entry(&key)),
            Place::Segment(id, _) => {
                index.stale.insert(id);
            }
        }
    }
    for problem in &index.problems {
        tracing::warn!(output = store.url(), "{problem}");
    }
    store.delete(std::mem::take(&mut index.surplus)).await?;
    store.delete(parts.into_iter().filter(|path| !listed.contains(path))).await?;
    prune_documents(store, &steps).await?;
    clean_segments(store).await
}

/// Removes blocks whose index was never written.
async fn clean_segments(store: &Store) -> Result<(), LedgerError> {
    let paths: HashSet<String> = store.list(layout::SEGMENTS).await?.into_iter().map(|(path, _)| path).collect();
    let orphan =
        |path: &&String| path.strip_suffix(".blocks").is_some_and(|id| !paths.contains(&format!("{id}.index")));
    store.delete(paths.iter().filter(orphan).cloned()).await
}

//! What a new owner removes: everything when it starts over, else what crashes left behind.
use crate::documents::prune_documents;
use crate::index::{Index, Place, own_parts};
use crate::presence::GonePictures;
use crate::steps::read_steps;
use crate::store::Store;
use crate::tasks::describe;
use crate::{LedgerError, TaskKey, layout};
use framefleet_proto::v1::{Part, PartKind};
use std::collections::HashSet;

/// Removes all but the user's own.
pub(super) async fn start_over(store: &Store) -> Result<(), LedgerError> {
    for folder in layout::FOLDERS_MADE {
        let paths = store.list(folder).await?;
        store.delete(paths.into_iter().map(|(path, _)| path)).await?;
    }
    store.delete(layout::FILES_MADE.map(str::to_owned)).await
}

/// Forgets entries whose parts are gone (their tasks are done again), and removes parts that no entry lists: pieces of
/// tasks that never got their entry.
pub(super) async fn clean(store: &Store, index: &mut Index) -> Result<(), LedgerError> {
    let parts: HashSet<String> = store.list(layout::PARTS).await?.into_iter().map(|(path, _)| path).collect();
    let steps = read_steps(store).await?;
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
                let what = describe(&slot.entry);
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
    let unreferenced =
        |path: &&String| path.strip_suffix(".blocks").is_some_and(|id| !paths.contains(&format!("{id}.index")));
    store.delete(paths.iter().filter(unreferenced).cloned()).await
}

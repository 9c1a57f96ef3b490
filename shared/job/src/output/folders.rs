//! Folders of images that an output has seen before: their stills keep their numbers.
use crate::error::JobError;
use framefleet_folders::KnownFolder;
use framefleet_frames::{Item, ItemKind, KnownBatch};
use framefleet_ledger::{Ledger, LedgerError};
use futures::TryStreamExt as _;
use std::collections::HashSet;

/// Lays known folders on the grid that they have, and refuses one that has nothing in common with what the output knows under its name.
pub(crate) async fn recognise(items: &mut [Item], ledger: &Ledger) -> Result<(), JobError> {
    for item in items.iter_mut().filter(|item| is_folder(item)) {
        let Some(document) = ledger.folder(&item.name).await? else { continue };
        let names: HashSet<&str> = item.files.iter().map(|file| file.name.as_str()).collect();
        let mut chunks = ledger.document_chunks::<KnownBatch>(&document);
        let (mut known, mut is_known) = (Vec::new(), false);
        while let Some(chunk) = chunks.try_next().await? {
            let mut files = chunk.iter().filter_map(|known| known.batch.as_ref()).flat_map(|batch| &batch.files);
            is_known = files.any(|file| names.contains(file.name.as_str()));
            known.extend(chunk);
            if is_known {
                break;
            }
        }
        let known = KnownFolder::new(known);
        if !is_known && known.has_nothing_of(item) {
            return Err(LedgerError::OtherContent { item: item.name.clone() }.into());
        }
        // The frames of a sequence are its files as they are now.
        if item.kind() == ItemKind::Stills {
            let frames = known.batch_frames().and_then(|frames| u32::try_from(frames).ok());
            item.batch_frames = frames.unwrap_or_default();
        }
    }
    Ok(())
}

/// What an output knows of an item; nothing of one that is no folder of images.
pub(crate) async fn known(item: &Item, ledger: &Ledger) -> Result<KnownFolder, JobError> {
    if !is_folder(item) {
        return Ok(KnownFolder::default());
    }
    let Some(document) = ledger.folder(&item.name).await? else { return Ok(KnownFolder::default()) };
    Ok(KnownFolder::new(ledger.read_document::<KnownBatch>(&document).try_collect().await?))
}

fn is_folder(item: &Item) -> bool {
    matches!(item.kind(), ItemKind::Stills | ItemKind::Sequence)
}

//! Index tasks: find the batches of an item and tell of them. What was found is kept in the output as the list of what was told, so that an
//! item whose files have not changed is not read again, and whoever missed something reads it there.
use crate::execute::compute;
use crate::failure::TaskFailure;
use crate::inputs;
use crate::worker::Shared;
use bytes::Bytes;
use framefleet_ledger::{DocumentWriter, KeyHasher, Ledger, TaskKey};
use framefleet_media::times::Times;
use framefleet_media::{BatchInfo, Item, ItemKind, KnownBatch, KnownFolder, Stamps};
use framefleet_proto::v1::{FrameTimes, IndexWork, Indexed, Task, event::What};
use framefleet_stage::IndexRequest;
use futures::TryStreamExt as _;
use prost::Message as _;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Bytes that the batches of one event may take; a batch that alone takes more is told of by reference.
const EVENT: usize = 32 << 10;

/// Calls of the source whose batches wait to be told.
const WAITING: usize = 16;

/// Finds the batches of an item, telling them as they are found.
pub(crate) async fn index(
    shared: &Arc<Shared>,
    ledger: &Ledger,
    task: &Task,
    work: &IndexWork,
) -> Result<(), TaskFailure> {
    let item = inputs::item(task, ledger).await?;
    let name = format!("index/{}", name(&item, task));
    let known = match item.kind() {
        ItemKind::Video => Bytes::new(),
        _ => ledger.folder(&item.name).await?.unwrap_or_default(),
    };
    let Looked { item, request, stamps, state } = look(item, known.clone(), ledger, task, work).await?;
    if let Some(document) = ledger.kept_document(&name, made_of(&state, &known).as_bytes()).await? {
        return shared.tell(task, What::Indexed(Indexed { document, ..Indexed::default() })).await;
    }
    let (found, batches) = mpsc::channel(WAITING);
    let source = shared.source(task).await?;
    let indexing =
        compute(shared, move || source.index(&item, request, &mut |batches| found.blocking_send(batches).is_ok()));
    let folder = stamps.map(|stamps| Folder { batches: ledger.document(), stamps, grid: u64::from(work.batch_frames) });
    let mut telling = Telling { shared, task, list: ledger.document(), folder, from: 0 };
    let (indexed, told) = tokio::join!(indexing, telling.tell_all(batches));
    told?;
    let (item, damage) = indexed.0??;
    let Telling { mut list, folder, from, .. } = telling;
    // Another index of the same files finds what this one does, whichever of the two states of the folder is known to it.
    let mut known = known;
    if let Some(folder) = folder {
        known = folder.batches.finish().await?;
        ledger.keep_folder(&item.name, &known).await?;
    }
    let end = Indexed {
        from,
        complete: true,
        damage: damage.unwrap_or_default(),
        item: Some(framefleet_media::item::without_files(&item)),
        ..Indexed::default()
    };
    list.push(&end).await?;
    let document = list.finish().await?;
    ledger.keep_document(&name, &document, made_of(&state, &known).as_bytes()).await?;
    shared.tell(task, What::Indexed(Indexed { document, ..end })).await
}

/// What is kept of a folder of images.
struct Folder {
    batches: DocumentWriter<KnownBatch>,
    stamps: Stamps,
    grid: u64,
}

/// Tells of batches, and lists what was told.
struct Telling<'a> {
    shared: &'a Shared,
    task: &'a Task,
    list: DocumentWriter<Indexed>,
    folder: Option<Folder>,
    /// Batches told of so far.
    from: u64,
}

impl Telling<'_> {
    /// Tells of all that come. The receiver goes when that fails, which ends the search for more.
    async fn tell_all(&mut self, mut found: mpsc::Receiver<Vec<BatchInfo>>) -> Result<(), TaskFailure> {
        while let Some(batches) = found.recv().await {
            if let Some(Folder { batches: list, stamps, grid }) = &mut self.folder {
                for batch in &batches {
                    list.push(&stamps.keep(batch.clone(), *grid)).await?;
                }
            }
            self.tell(batches).await?;
        }
        Ok(())
    }

    async fn tell(&mut self, batches: Vec<BatchInfo>) -> Result<(), TaskFailure> {
        for batches in by_size(batches) {
            let indexed = Indexed { from: self.from, batches, ..Indexed::default() };
            self.from += indexed.batches.len() as u64;
            self.list.push(&listed(&indexed)).await?;
            if indexed.encoded_len() <= EVENT {
                self.shared.tell(self.task, What::Indexed(indexed)).await?;
            }
        }
        Ok(())
    }
}

/// What is told, as the list has it: times of a constant rate take less apart.
fn listed(told: &Indexed) -> Indexed {
    let without_times = |batch: &BatchInfo| BatchInfo { pts_ns: Vec::new(), ..batch.clone() };
    Indexed {
        from: told.from,
        batches: told.batches.iter().map(without_times).collect(),
        times: told.batches.iter().map(|batch| FrameTimes::from(&Times::new(&batch.pts_ns))).collect(),
        ..Indexed::default()
    }
}

/// Batches in order, as many together as fit into an event.
fn by_size(batches: Vec<BatchInfo>) -> Vec<Vec<BatchInfo>> {
    let (mut parts, mut bytes) = (Vec::<Vec<BatchInfo>>::new(), usize::MAX);
    for batch in batches {
        let length = batch.encoded_len() + 8;
        match parts.last_mut() {
            Some(part) if bytes + length <= EVENT => {
                part.push(batch);
                bytes += length;
            }
            _ => {
                parts.push(vec![batch]);
                bytes = length;
            }
        }
    }
    parts
}

/// What an item's index is kept under: another one takes its place when the item's files change.
fn name(item: &Item, task: &Task) -> TaskKey {
    KeyHasher::new("index").field("item", item.name.as_bytes()).field("settings", task.settings.as_bytes()).finish()
}

/// An item whose files were looked at, and what is asked about it.
struct Looked {
    item: Item,
    request: IndexRequest,
    /// Of a folder of images, those of its files.
    stamps: Option<Stamps>,
    state: KeyHasher,
}

/// Finds out the state of an item's files, by path, size, time and inode, and which of them are `known`. Asks the file system, so on a
/// thread that may wait.
async fn look(
    mut item: Item,
    known: Bytes,
    ledger: &Ledger,
    task: &Task,
    work: &IndexWork,
) -> Result<Looked, TaskFailure> {
    let batches = match known.is_empty() {
        true => Vec::new(),
        false => ledger.read_document::<KnownBatch>(&known).try_collect().await?,
    };
    let mut request = IndexRequest::fresh(u64::from(work.batch_frames));
    let state = KeyHasher::new("files")
        .field_u64("form", u64::from(framefleet_media::index::FORM))
        .field_u64("version", u64::from(task.version));
    let looking = tokio::task::spawn_blocking(move || {
        let mut state = with_file(state, Path::new(&item.location));
        if item.kind() == ItemKind::Video {
            return Looked { item, request, stamps: None, state };
        }
        let folder = KnownFolder::new(batches);
        let stamps = folder.recognise(&mut item);
        for file in &item.files {
            state = state.field("file", file.name.as_bytes()).field_u64("stamp", stamps.of(&file.name));
        }
        // On another grid it is another folder.
        if folder.batch_frames() == Some(request.batch_frames) {
            request.known = folder.into_batches();
        }
        Looked { item, request, stamps: Some(stamps), state }
    });
    looking.await.map_err(|error| TaskFailure::crashed(error.to_string()))
}

/// What an index is made of: the state of the files, and what was known of the folder.
fn made_of(state: &KeyHasher, known: &[u8]) -> TaskKey {
    state.clone().field("known", known).finish()
}

fn with_file(key: KeyHasher, path: &Path) -> KeyHasher {
    use std::os::unix::fs::MetadataExt as _;
    let key = key.field("path", path.as_os_str().as_encoded_bytes());
    let Ok(found) = std::fs::metadata(path) else { return key };
    key.field_u64("size", found.len())
        .field_u64("inode", found.ino())
        .field("time", &found.mtime().to_le_bytes())
        .field("nanoseconds", &found.mtime_nsec().to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_media::ImageFile;

    #[test]
    fn an_event_has_as_many_batches_as_fit() {
        let batch = |start: u64, name: usize| BatchInfo {
            start,
            pts_ns: vec![0; 32],
            files: (0..32).map(|frame| ImageFile { frame, name: "n".repeat(name), ..ImageFile::default() }).collect(),
            ..BatchInfo::default()
        };
        let batches: Vec<BatchInfo> = [250, 250, 250, 250, 10, 4000, 250, 250]
            .into_iter()
            .zip(0..)
            .map(|(name, start)| batch(start, name))
            .collect();
        let parts = by_size(batches.clone());
        let sizes: Vec<usize> = parts.iter().map(Vec::len).collect();
        assert_eq!(sizes, [3, 2, 1, 2]);
        for part in parts.iter().filter(|part| part.len() > 1) {
            assert!(Indexed { batches: part.clone(), ..Indexed::default() }.encoded_len() <= EVENT);
        }
        assert_eq!(parts.concat(), batches);
        assert_eq!(by_size(Vec::new()), Vec::<Vec<BatchInfo>>::new());
    }
}

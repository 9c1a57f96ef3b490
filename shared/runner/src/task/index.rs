//! Index tasks: find the batches of an item and report them. What was found is kept in the output as the list of what was reported, so that
//! an item whose files have not changed is not read again, and whoever missed an event reads it there.
use super::{TaskCall, TaskContext};
use crate::failure::TaskFailure;
use bytes::Bytes;
use framefleet_folders::{KnownFolder, Stamps};
use framefleet_frames::times::Times;
use framefleet_frames::{BatchInfo, Item, ItemKind, KnownBatch};
use framefleet_ledger::{DocumentWriter, KeyHasher, Ledger, TaskKey};
use framefleet_proto::v1::{Done, FrameTimes, IndexWork, Indexed, Task, event::Kind as EventKind};
use framefleet_stage::{IndexRequest, SourceStage, StageError};
use futures::TryStreamExt as _;
use prost::Message as _;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Bytes that the batches of one event may take; a batch that alone takes more is reported by reference.
const EVENT: usize = 32 << 10;

/// Calls of the source whose batches wait to be reported.
const WAITING: usize = 16;

/// An item of the source, the state of its files, and what is known of them.
pub(super) struct IndexCall {
    source: Arc<dyn SourceStage>,
    /// What the item's index is kept under: another one takes its place when the item's files change.
    name: String,
    /// Document of the batches that are known of a folder of images; empty when there is none.
    known: Bytes,
    files: FileState,
}

impl TaskCall for IndexCall {
    type Work = IndexWork;
    type Output = (Item, Option<String>);

    async fn prepare(task: &TaskContext<'_>, work: &IndexWork) -> Result<Self, TaskFailure> {
        let item = task.item().await?;
        let name = format!("index/{}", index_key(&item, task.task));
        let known = match item.kind() {
            ItemKind::Video => Bytes::new(),
            _ => task.ledger.folder(&item.name).await?.unwrap_or_default(),
        };
        let files = FileState::inspect(item, &known, &task.ledger, task.task, work).await?;
        Ok(Self { source: task.source()?, name, known, files })
    }

    fn run(&self, _absent: &[u64]) -> Result<Self::Output, TaskFailure> {
        Ok(self.search(&mut |_| true)?)
    }

    /// Commits and reports while it runs: the batches of a long item are never in memory together.
    async fn complete(self, task: &TaskContext<'_>, work: &IndexWork) -> Result<Option<Done>, TaskFailure> {
        if let Some(document) = task.ledger.kept_document(&self.name, self.made_of(&self.known).as_bytes()).await? {
            task.report(EventKind::Indexed(Indexed { document, ..Indexed::default() })).await?;
            return Ok(None);
        }
        let (found, batches) = mpsc::channel(WAITING);
        let mut reporter = Reporter::new(task, self.files.stamps.clone(), u64::from(work.batch_frames));
        let call = Arc::new(self);
        let search = Arc::clone(&call);
        let indexing = task.compute(move || search.search(&mut |batches| found.blocking_send(batches).is_ok()));
        let (indexed, reported) = tokio::join!(indexing, reporter.report_all(batches));
        reported?;
        let (item, damage) = indexed.0??;
        let Reporter { mut list, folder, from, .. } = reporter;
        // Another index of the same files finds what this one does, whichever of the two states of the folder is known to it.
        let mut known = call.known.clone();
        if let Some(folder) = folder {
            known = folder.batches.finish().await?;
            task.ledger.keep_folder(&item.name, &known).await?;
        }
        let end = Indexed {
            from,
            complete: true,
            damage: damage.unwrap_or_default(),
            item: Some(Item { notes: item.notes.clone(), ..framefleet_frames::item::without_files(&item) }),
            ..Indexed::default()
        };
        list.push(&end).await?;
        let document = list.finish().await?;
        task.ledger.keep_document(&call.name, &document, call.made_of(&known).as_bytes()).await?;
        task.report(EventKind::Indexed(Indexed { document, ..end })).await?;
        Ok(None)
    }
}

impl IndexCall {
    fn search(&self, found: &mut dyn FnMut(Vec<BatchInfo>) -> bool) -> Result<(Item, Option<String>), StageError> {
        self.source.index(&self.files.item, self.files.request.clone(), found)
    }

    /// What an index is made of: the state of the files, and what was known of the folder.
    fn made_of(&self, known: &[u8]) -> TaskKey {
        self.files.state.clone().field("known", known).finish()
    }
}

/// What is kept of a folder of images.
struct Folder {
    batches: DocumentWriter<KnownBatch>,
    stamps: Stamps,
    grid: u64,
}

/// Reports batches, and lists what was reported.
struct Reporter<'a> {
    task: &'a TaskContext<'a>,
    list: DocumentWriter<Indexed>,
    folder: Option<Folder>,
    /// Batches reported so far.
    from: u64,
}

impl<'a> Reporter<'a> {
    fn new(task: &'a TaskContext<'a>, stamps: Option<Stamps>, grid: u64) -> Self {
        let folder = stamps.map(|stamps| Folder { batches: task.ledger.document(), stamps, grid });
        Self { task, list: task.ledger.document(), folder, from: 0 }
    }

    /// Reports all that come. The receiver goes when that fails, which ends the search for more.
    async fn report_all(&mut self, mut found: mpsc::Receiver<Vec<BatchInfo>>) -> Result<(), TaskFailure> {
        while let Some(batches) = found.recv().await {
            if let Some(Folder { batches: list, stamps, grid }) = &mut self.folder {
                for batch in &batches {
                    list.push(&stamps.keep(batch.clone(), *grid)).await?;
                }
            }
            self.report(batches).await?;
        }
        Ok(())
    }

    async fn report(&mut self, batches: Vec<BatchInfo>) -> Result<(), TaskFailure> {
        for batches in by_size(batches) {
            let indexed = Indexed { from: self.from, batches, ..Indexed::default() };
            self.from += indexed.batches.len() as u64;
            self.list.push(&listed(&indexed)).await?;
            if indexed.encoded_len() <= EVENT {
                self.task.report(EventKind::Indexed(indexed)).await?;
            }
        }
        Ok(())
    }
}

/// What is reported, as the list has it: times of a constant rate take less apart.
fn listed(reported: &Indexed) -> Indexed {
    let without_times = |batch: &BatchInfo| BatchInfo { pts_ns: Vec::new(), ..batch.clone() };
    Indexed {
        from: reported.from,
        batches: reported.batches.iter().map(without_times).collect(),
        times: reported.batches.iter().map(|batch| FrameTimes::from(&Times::new(&batch.pts_ns))).collect(),
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

fn index_key(item: &Item, task: &Task) -> TaskKey {
    KeyHasher::new("index").field("item", item.name.as_bytes()).field("settings", task.settings.as_bytes()).finish()
}

/// The state of an item's files, by path, size, time and inode, and what is asked about them.
struct FileState {
    item: Item,
    request: IndexRequest,
    /// Of a folder of images, those of its files.
    stamps: Option<Stamps>,
    state: KeyHasher,
}

impl FileState {
    /// Finds out the state of the files, and which of them are `known`. Asks the file system, so on a thread that may wait.
    async fn inspect(
        mut item: Item,
        known: &Bytes,
        ledger: &Ledger,
        task: &Task,
        work: &IndexWork,
    ) -> Result<Self, TaskFailure> {
        let batches = match known.is_empty() {
            true => Vec::new(),
            false => ledger.read_document::<KnownBatch>(known).try_collect().await?,
        };
        let mut request = IndexRequest::fresh(u64::from(work.batch_frames));
        let state = KeyHasher::new("files")
            .field_u64("form", u64::from(framefleet_index::FORM))
            .field_u64("version", u64::from(task.version));
        let inspection = tokio::task::spawn_blocking(move || {
            let mut state = with_file(state, Path::new(&item.location));
            if item.kind() == ItemKind::Video {
                return Self { item, request, stamps: None, state };
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
            Self { item, request, stamps: Some(stamps), state }
        });
        inspection.await.map_err(|error| TaskFailure::crashed(error.to_string()))
    }
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
    use framefleet_frames::ImageFile;

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

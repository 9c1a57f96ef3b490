//! The manifest of a step's results: which entries count, and in which order. Its items are in memory; its tasks, which grow with the footage,
//! lie in a document and are read as they are needed.
use super::presence::frames_there;
use crate::{DocumentWriter, Ledger, LedgerError, TaskKey};
use bytes::Bytes;
use framefleet_frames::{FrameRange, Item, item};
use framefleet_proto::v1::{ManifestItem, StepManifest, TaskResult};
use futures::TryStreamExt;
use futures::stream::BoxStream;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

/// The stage that decodes.
const DECODING: &str = "ingest";

/// A step's manifest with its items.
#[derive(Clone, Debug)]
pub struct Manifest {
    head: StepManifest,
    items: Arc<[ManifestItem]>,
}

impl Manifest {
    /// A manifest whose items are known.
    pub fn new(head: StepManifest, items: impl Into<Arc<[ManifestItem]>>) -> Self {
        Self { head, items: items.into() }
    }

    /// The items of the job, in order.
    pub fn items(&self) -> impl ExactSizeIterator<Item = &Item> + Clone {
        static NONE: std::sync::LazyLock<Item> = std::sync::LazyLock::new(Item::default);
        self.items.iter().map(|of| of.item.as_ref().unwrap_or(&NONE))
    }

    /// The items with the frames that tasks cover.
    pub fn covered(&self) -> &[ManifestItem] {
        &self.items
    }

    /// Whether it is of decoding, which has no results of its own: frames that no step looks at are in no task of it.
    pub fn is_of_decoding(&self) -> bool {
        self.head.stage == DECODING
    }

    /// Name of the item of a task.
    pub fn item_name(&self, task: &TaskResult) -> &str {
        let item = self.items.get(task.item as usize).and_then(|of| of.item.as_ref());
        item.map_or("", |item| item.name.as_str())
    }
}

impl Deref for Manifest {
    type Target = StepManifest;

    fn deref(&self) -> &StepManifest {
        &self.head
    }
}

impl Ledger {
    /// What is known of all steps that have records, by step.
    pub async fn manifests(&self) -> Result<Vec<Manifest>, LedgerError> {
        // Steps of one job have the same items.
        let mut known: HashMap<Bytes, Arc<[ManifestItem]>> = HashMap::new();
        let mut manifests = Vec::new();
        for head in self.completed_steps().await?.into_iter().filter_map(|step| step.manifest) {
            let manifest = match known.get(&head.items) {
                Some(items) => Manifest::new(head, items.clone()),
                None => self.open_manifest(head).await?,
            };
            known.insert(manifest.head.items.clone(), manifest.items.clone());
            manifests.push(manifest);
        }
        Ok(manifests)
    }

    /// Reads the items of a manifest.
    pub async fn open_manifest(&self, head: StepManifest) -> Result<Manifest, LedgerError> {
        let items: Vec<ManifestItem> = match head.items.is_empty() {
            true => Vec::new(),
            false => self.read_document(&head.items).try_collect().await?,
        };
        Ok(Manifest::new(head, items))
    }

    /// The tasks of a step's process half: items as the manifest lists them, frames ascending. A few chunks are in memory at a time.
    pub fn tasks(&self, manifest: &StepManifest) -> BoxStream<'static, Result<TaskResult, LedgerError>> {
        match manifest.tasks.is_empty() {
            true => Box::pin(futures::stream::empty()),
            false => self.read_document(&manifest.tasks),
        }
    }

    /// Begins the documents of a manifest.
    pub fn write_manifest(&self) -> ManifestWriter {
        ManifestWriter { items: self.document(), tasks: self.document(), current: None, count: 0 }
    }
}

/// Writes the documents of a manifest, task by task.
pub struct ManifestWriter {
    items: DocumentWriter<ManifestItem>,
    tasks: DocumentWriter<TaskResult>,
    current: Option<ManifestItem>,
    /// Items that were begun.
    count: u32,
}

impl ManifestWriter {
    /// The tasks that follow are of this item.
    pub async fn item(&mut self, item: &Item) -> Result<(), LedgerError> {
        self.end_item().await?;
        self.count += 1;
        self.current = Some(ManifestItem { item: Some(item::without_files(item)), ..ManifestItem::default() });
        Ok(())
    }

    /// Appends a task of the current item; frames ascend.
    pub async fn task(&mut self, task: TaskResult) -> Result<(), LedgerError> {
        let range = task.range.unwrap_or_default();
        if let Some(current) = &mut self.current {
            let start = current.frames.map_or(range.start, |frames| frames.start);
            current.frames = Some(FrameRange { start, end: range.end });
            current.count += frames_there(&task);
        }
        self.tasks.push(&TaskResult { item: self.count.saturating_sub(1), ..task }).await
    }

    /// Makes the documents readable: `manifest` with their names.
    pub async fn finish(mut self, manifest: StepManifest) -> Result<StepManifest, LedgerError> {
        self.end_item().await?;
        Ok(StepManifest { items: self.items.finish().await?, tasks: self.tasks.finish().await?, ..manifest })
    }

    async fn end_item(&mut self) -> Result<(), LedgerError> {
        match self.current.take() {
            Some(item) => self.items.push(&item).await,
            None => Ok(()),
        }
    }
}

/// The key of a step's finish, once that is done.
pub fn finish_key(manifest: &StepManifest) -> Result<Option<TaskKey>, LedgerError> {
    match manifest.finish_key.is_empty() {
        true => Ok(None),
        false => parse_key(manifest, &manifest.finish_key).map(Some),
    }
}

/// The key of a task in a step's manifest.
pub fn task_key(manifest: &StepManifest, task: &TaskResult) -> Result<TaskKey, LedgerError> {
    parse_key(manifest, &task.key)
}

fn parse_key(manifest: &StepManifest, bytes: &[u8]) -> Result<TaskKey, LedgerError> {
    TaskKey::from_bytes(bytes)
        .map_err(|error| LedgerError::invalid(format!("step {}", manifest.step), error.to_string()))
}

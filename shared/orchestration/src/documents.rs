//! What grows with the footage goes through the ledger: the files of folders, the results that a finish reads, corrections, indices. Messages
//! name the documents.
use crate::driver::Orchestrator;
use crate::job::{Fact, JobState, Results, indexed_fact};
use crate::task::{TaskRef, Work};
use bytes::Bytes;
use framefleet_frames::{ImageFile, Item};
use framefleet_ledger::LedgerError;
use framefleet_proto::v1::{Indexed, StepManifest, Task, task::Work as WireWork};
use futures::TryStreamExt as _;
use prost::Message;

/// Bytes of a task from which on its item's files, whose names may be long, travel by reference.
const MESSAGE: usize = 32 << 10;

/// Takes the files of a task's item out of a message that is long with them: they are to travel by reference.
pub fn take_long_files(message: &mut Task) -> Option<Vec<ImageFile>> {
    let is_long = message.encoded_len() > MESSAGE;
    let files = message.item.as_mut().map(|item| &mut item.files).filter(|files| is_long && !files.is_empty());
    files.map(std::mem::take)
}

impl Orchestrator {
    /// Lists the files of items, which are taken out of them: no task carries them all.
    pub(crate) async fn list_files(&self, state: &mut JobState, items: &mut [Item]) -> Result<(), LedgerError> {
        for (item, of) in items.iter_mut().enumerate() {
            let files = std::mem::take(&mut of.files);
            if !files.is_empty() {
                let files = self.list(&files).await?;
                state.apply(Fact::Listed { item, files }, &|key| self.ledger.outcomes(key));
            }
        }
        Ok(())
    }

    /// Writes the documents that a task names, and names them.
    pub(crate) async fn add_documents(
        &self,
        state: &JobState,
        task: TaskRef,
        message: &mut Task,
    ) -> Result<(), LedgerError> {
        if let (Work::Finish, Some(WireWork::Finish(work))) = (task.kind, &mut message.work) {
            let results = |item| state.results(task.step, item);
            let manifest = self.write_manifest(state, StepManifest::default(), results).await?;
            (work.items, work.tasks) = (manifest.items, manifest.tasks);
            let edits: Vec<_> = state.edits(task.step).cloned().collect();
            if !edits.is_empty() {
                work.edits = self.list(&edits).await?;
            }
        }
        if let Some(files) = take_long_files(message) {
            message.files = self.list(&files).await?;
        }
        Ok(())
    }

    /// Writes the items and tasks of a manifest.
    pub(crate) async fn write_manifest<'a>(
        &self,
        state: &'a JobState,
        manifest: StepManifest,
        results: impl Fn(usize) -> Results<'a>,
    ) -> Result<StepManifest, LedgerError> {
        let mut writer = self.ledger.write_manifest();
        for item in 0..state.items() {
            writer.item(state.item(item)).await?;
            for task in results(item) {
                writer.task(task).await?;
            }
        }
        writer.finish(manifest).await
    }

    /// Folds in what is kept of an item's index: what was not reported one by one, and what was missed.
    pub(crate) async fn read_index(
        &self,
        state: &mut JobState,
        item: usize,
        document: &[u8],
    ) -> Result<(), LedgerError> {
        let mut chunks = self.ledger.document_chunks::<Indexed>(document);
        while let Some(chunk) = chunks.try_next().await? {
            for indexed in chunk {
                state.apply(indexed_fact(item, indexed), &|key| self.ledger.outcomes(key));
            }
        }
        Ok(())
    }

    /// Makes a document of messages.
    async fn list<M: Message>(&self, messages: &[M]) -> Result<Bytes, LedgerError> {
        let mut list = self.ledger.document();
        for message in messages {
            list.push(message).await?;
        }
        list.finish().await
    }
}

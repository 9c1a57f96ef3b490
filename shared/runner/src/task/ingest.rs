//! Ingest tasks: decode the frames of a batch into blobs.
use super::{TaskCall, TaskContext, commit};
use crate::blobs::{BlobSink, BlobTarget};
use crate::failure::TaskFailure;
use framefleet_frames::outcomes::skips;
use framefleet_frames::{AnnotationBlock, FrameFailure, Item, Outcomes};
use framefleet_proto::v1::{Done, Entry, IngestWork, Pixels};
use framefleet_stage::{IngestRequest, SourceStage};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A batch of the source with the frames that are wanted of it.
pub(super) struct IngestCall {
    source: Arc<dyn SourceStage>,
    item: Item,
    request: IngestRequest,
    target: BlobTarget,
}

impl TaskCall for IngestCall {
    type Work = IngestWork;
    type Output = (Vec<Pixels>, Vec<FrameFailure>);

    async fn prepare(task: &TaskContext<'_>, work: &IngestWork) -> Result<Self, TaskFailure> {
        let batch = work.batch.clone().ok_or_else(|| TaskFailure::malformed("a batch"))?;
        Ok(Self {
            source: task.source()?,
            item: task.item().await?,
            request: IngestRequest { batch, proxy: work.proxy.clone(), full: work.full.clone() },
            target: BlobTarget::new(task.context.blobs(), task.context.blob_key(task.task)),
        })
    }

    fn run(&self, _absent: &[u64]) -> Result<Self::Output, TaskFailure> {
        let mut sink = BlobSink::new(self.target.clone());
        let ingested = self.source.ingest(&self.item, &self.request, &mut sink);
        if let Some(failure) = sink.take_failure() {
            return Err(failure);
        }
        let (frames, failures) = ingested?;
        Ok((sink.finish(&frames)?, failures))
    }

    async fn complete(self, task: &TaskContext<'_>, work: &IngestWork) -> Result<Option<Done>, TaskFailure> {
        let range = task.range()?;
        let wanted: BTreeSet<u64> = work.proxy.iter().chain(&work.full).copied().collect();
        let (ran, usage) = task.compute(move || self.run(&[])).await;
        // A source that cannot be read at all fails every frame that was asked for: nothing is lost silently.
        let (made, failed) = match ran? {
            Err(failure) if failure.can_be_located() => {
                (Vec::new(), wanted.iter().map(|&frame| commit::blame(frame, &failure)).collect())
            }
            result => result?,
        };
        let skipped = skips((range.start..range.end).filter(|frame| !wanted.contains(frame)), "sampling");
        let frames_done = wanted.len() as u64 - failed.len() as u64;
        let entry = Entry {
            outcomes: Some(Outcomes { failed, skipped }),
            frames_done,
            stage_seconds: usage.wall,
            ..commit::entry(task)
        };
        let entry = task.ledger.commit(entry, AnnotationBlock::default(), Vec::new()).await?;
        Ok(Some(Done { made, ..commit::done(&entry, usage) }))
    }
}

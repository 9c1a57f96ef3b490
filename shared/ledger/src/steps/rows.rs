//! A step's results as rows, in frame order, with what finish amended.
use super::manifest::{Manifest, finish_key, task_key};
use super::presence::{file_of, is_there};
use crate::outcomes::{ByFrame, SAMPLING};
use crate::tasks::describe;
use crate::{Ledger, LedgerError};
use framefleet_frames::times::Times;
use framefleet_frames::{Amendment, Annotation, AnnotationBlock, ImageFile, Outcome, annotation};
use framefleet_proto::v1::{StepManifest, TaskResult};
use futures::future;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use std::sync::Arc;

/// Tasks whose annotations are read ahead.
const READ_AHEAD: usize = 4;

/// One frame of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Name of the item.
    pub item: String,
    /// Number in the whole item.
    pub frame: u64,
    /// Presentation time in nanoseconds from the item's first frame.
    pub pts_ns: i64,
    /// The file that the frame is, of sequences and stills.
    pub file: Option<ImageFile>,
    /// What became of the frame.
    pub outcome: Outcome,
    /// What process made, in order of kind and instance; empty unless the outcome is a result.
    pub annotations: Vec<Annotation>,
    /// What finish adds to it, in the order it was made.
    pub amendments: Vec<Amendment>,
}

impl Ledger {
    /// The rows of a step: items as the manifest lists them, frames ascending; frames that sampling left out have none, nor
    /// do numbers of stills that are not there any more. A few
    /// tasks' annotations are in memory at a time, besides what finish made.
    pub fn rows<'a>(&'a self, manifest: &'a Manifest) -> BoxStream<'a, Result<Row, LedgerError>> {
        self.rows_from(manifest, 0)
    }

    /// The same from an item on, by its place among the manifest's.
    pub fn rows_from<'a>(&'a self, manifest: &'a Manifest, item: u32) -> BoxStream<'a, Result<Row, LedgerError>> {
        let rows = move |amendments: Arc<Amendments>| {
            let read = move |task: TaskResult| {
                let amendments = amendments.clone();
                async move { self.task_rows(manifest, &task, &amendments).await }
            };
            self.tasks(manifest)
                .try_skip_while(move |task| future::ready(Ok(task.item < item)))
                .map_ok(read)
                .try_buffered(READ_AHEAD)
                .map_ok(|rows| stream::iter(rows).map(Ok))
                .try_flatten()
        };
        let amendments = async move { self.scoped(manifest).await.map(Amendments::new).map(Arc::new) };
        stream::once(amendments).map_ok(rows).try_flatten().boxed()
    }

    /// What a step's finish made: item- and job-scoped annotations, amendments, statistics. Empty without finish.
    pub async fn scoped(&self, manifest: &StepManifest) -> Result<Arc<AnnotationBlock>, LedgerError> {
        match finish_key(manifest)? {
            Some(key) => self.annotations(&key).await,
            None => Ok(Arc::default()),
        }
    }

    async fn task_rows(
        &self,
        manifest: &Manifest,
        task: &TaskResult,
        amendments: &Amendments,
    ) -> Result<Vec<Row>, LedgerError> {
        let (item, range) = (manifest.item_name(task), task.range.unwrap_or_default());
        let times = task.times.as_ref().map(Times::from).unwrap_or_default();
        let what = || format!("step {}, {item} frames {}–{}", manifest.step, range.start, range.end);
        let key = task_key(manifest, task)?;
        let entry = self.existing(&key, &what()).await?;
        if entry.id.as_ref().and_then(|id| id.range) != task.range {
            return Err(LedgerError::invalid(what(), format!("its entry is that of {}", describe(&entry))));
        }
        if range.end.saturating_sub(range.start) != times.len() as u64 {
            return Err(LedgerError::invalid(what(), format!("it has {} presentation times", times.len())));
        }
        let block = self.annotations(&key).await?;
        let outcomes = ByFrame::new(entry.outcomes.as_ref());
        let frames = (range.start..range.end).zip(times.iter()).filter(|(frame, _)| is_there(task, *frame));
        let rows =
            frames.filter_map(|(frame, pts_ns)| row(item, task, frame, pts_ns, outcomes.of(frame), &block, amendments));
        Ok(rows.collect())
    }
}

/// One row, unless sampling left the frame out.
fn row(
    item: &str,
    task: &TaskResult,
    frame: u64,
    pts_ns: i64,
    outcome: Outcome,
    block: &AnnotationBlock,
    amendments: &Amendments,
) -> Option<Row> {
    if matches!(&outcome, Outcome::Skipped { rule } if rule == SAMPLING) {
        return None;
    }
    let (mut annotations, mut amended) = (Vec::new(), Vec::new());
    if outcome == Outcome::Result {
        annotations = on_frame(block, frame).to_vec();
        annotations.sort_by(|a, b| (annotation::kind_name(a), a.instance).cmp(&(annotation::kind_name(b), b.instance)));
        amended = amendments.of(item, frame).cloned().collect();
    }
    let file = file_of(task, frame).cloned();
    Some(Row { item: item.to_owned(), frame, pts_ns, file, outcome, annotations, amendments: amended })
}

/// The annotations of a frame; blocks list frames in ascending order.
fn on_frame(block: &AnnotationBlock, frame: u64) -> &[Annotation] {
    let found = block.frames.binary_search_by_key(&frame, |on_frame| on_frame.frame);
    found.ok().and_then(|position| block.frames.get(position)).map_or(&[], |on_frame| &on_frame.annotations)
}

/// What finish amended, found by frame.
struct Amendments {
    block: Arc<AnnotationBlock>,
    /// Positions in the block, by item and frame; those of one frame in the order they were made.
    order: Vec<usize>,
}

impl Amendments {
    fn new(block: Arc<AnnotationBlock>) -> Self {
        let mut order: Vec<usize> = (0..block.amendments.len()).collect();
        order.sort_by_key(|&position| place(&block.amendments[position]));
        Self { block, order }
    }

    fn of<'a>(&'a self, item: &'a str, frame: u64) -> impl Iterator<Item = &'a Amendment> {
        let from = self.order.partition_point(|&position| place(&self.block.amendments[position]) < (item, frame));
        let following = self.order[from..].iter().map(|&position| &self.block.amendments[position]);
        following.take_while(move |amendment| place(amendment) == (item, frame))
    }
}

fn place(amendment: &Amendment) -> (&str, u64) {
    (&amendment.item, amendment.frame)
}

//! A step's results as rows, in frame order, with what finish amended.
use crate::files::file_of;
use crate::outcomes::{ByFrame, SAMPLING};
use crate::parts::parse_key;
use crate::presence::is_there;
use crate::{Ledger, LedgerError, Manifest, index};
use framefleet_media::times::Times;
use framefleet_media::{Amendment, Annotation, AnnotationBlock, ImageFile, Outcome, annotation};
use framefleet_proto::v1::TaskResult;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Tasks whose annotations are read ahead.
const READ_AHEAD: usize = 4;
/// Version of the rows' shape.
const SCHEMA: u32 = 1;

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

impl Row {
    /// The row as a record shows it: `{"schema", "item", "frame", "pts_ns"}`, the `file` of an image, the `outcome` unless it is a result, then for each of
    /// `kinds` the list of its annotations with their amendments merged in. An annotation of another kind is an error:
    /// it would be lost.
    pub fn to_json(&self, kinds: &[String]) -> Result<Map<String, Value>, LedgerError> {
        let mut lists: Vec<(&str, Vec<Map<String, Value>>)> =
            kinds.iter().map(|kind| (kind.as_str(), Vec::new())).collect();
        for made in &self.annotations {
            let body = annotation::to_json(made).map_err(|error| self.invalid(error.to_string()))?;
            self.list(&mut lists, annotation::kind_name(made))?.push(body);
        }
        for amendment in &self.amendments {
            let fields: Map<String, Value> = serde_json::from_str(&amendment.json)
                .map_err(|error| self.invalid(format!("an amendment is no JSON object: {error}")))?;
            merge(self.list(&mut lists, &amendment.kind)?, amendment.instance, fields);
        }
        let mut record = Map::new();
        record.insert("schema".to_owned(), SCHEMA.into());
        record.insert("item".to_owned(), self.item.as_str().into());
        record.insert("frame".to_owned(), self.frame.into());
        record.insert("pts_ns".to_owned(), self.pts_ns.into());
        if let Some(file) = &self.file {
            record.insert("file".to_owned(), file.name.as_str().into());
        }
        match &self.outcome {
            Outcome::Result => {}
            Outcome::Failed { code, reason } => {
                record.insert("outcome".to_owned(), json!({"failed": {"code": code, "reason": reason}}));
            }
            Outcome::Skipped { rule } => {
                record.insert("outcome".to_owned(), json!({"skipped": rule}));
            }
        }
        record.extend(
            lists.into_iter().map(|(kind, list)| (kind.to_owned(), list.into_iter().map(Value::Object).collect())),
        );
        Ok(record)
    }

    fn list<'l>(
        &self,
        lists: &'l mut [(&str, Vec<Map<String, Value>>)],
        kind: &str,
    ) -> Result<&'l mut Vec<Map<String, Value>>, LedgerError> {
        let found = lists.iter_mut().find(|(name, _)| *name == kind).map(|(_, list)| list);
        found.ok_or_else(|| {
            self.invalid(format!("it has an annotation of kind \"{kind}\", which its step does not declare to make"))
        })
    }

    fn invalid(&self, reason: String) -> LedgerError {
        LedgerError::invalid(format!("{} frame {}", self.item, self.frame), reason)
    }
}

/// Merges fields into the instance they speak of; without one they make an instance of their own.
fn merge(list: &mut Vec<Map<String, Value>>, instance: u32, fields: Map<String, Value>) {
    match list.iter_mut().find(|body| body.get("instance") == Some(&instance.into())) {
        Some(body) => body.extend(fields),
        None => {
            let mut body = Map::from_iter([("instance".to_owned(), instance.into())]);
            body.extend(fields);
            list.push(body);
        }
    }
}

impl Ledger {
    /// The rows of a step: items as the manifest lists them, frames ascending; frames that sampling left out have none, nor
    /// do numbers of stills that are not there any more. A few
    /// tasks' annotations are in memory at a time, besides what finish made.
    pub fn rows<'a>(&'a self, manifest: &'a Manifest) -> BoxStream<'a, Result<Row, LedgerError>> {
        let rows = move |amendments: Arc<Amendments>| {
            let read = move |task: TaskResult| {
                let amendments = amendments.clone();
                async move { self.task_rows(manifest, &task, &amendments).await }
            };
            self.tasks(manifest)
                .map_ok(read)
                .try_buffered(READ_AHEAD)
                .map_ok(|rows| stream::iter(rows).map(Ok))
                .try_flatten()
        };
        let amendments = async move { self.finish_block(manifest).await.map(Amendments::new).map(Arc::new) };
        stream::once(amendments).map_ok(rows).try_flatten().boxed()
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
        let key = parse_key(manifest, &task.key)?;
        let entry = self.existing(&key, &what()).await?;
        if entry.id.as_ref().and_then(|id| id.range) != task.range {
            return Err(LedgerError::invalid(what(), format!("its entry is that of {}", index::describe(&entry))));
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

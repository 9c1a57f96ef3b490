//! What process made, as finish reads it.
use framefleet_frames::annotation::{Value, kind_name};
use framefleet_frames::{Annotation, Outcome};
use framefleet_stage::{Record, Records, RecordsError};
use std::path::PathBuf;
use tempfile::TempDir;

/// Records in memory, and the files that belong to them.
#[derive(Debug, Default)]
pub struct Kept {
    /// In order of item and frame.
    pub records: Vec<Record>,
    /// Item, name and path.
    pub attachments: Vec<(String, String, PathBuf)>,
    /// Where attachments lie.
    pub(crate) folders: Vec<TempDir>,
}

impl Kept {
    /// Records that no stage made; no files belong to them.
    pub fn new(records: Vec<Record>) -> Self {
        Self { records, ..Self::default() }
    }

    /// One item's frames from 0 on, `rate` a second, each with these results.
    pub fn of(item: &str, rate: i64, frames: impl IntoIterator<Item = Vec<Value>>) -> Self {
        let record = |(frame, values): (u64, Vec<Value>)| Record {
            item: item.to_owned(),
            frame,
            pts_ns: frame as i64 * 1_000_000_000 / rate,
            file: None,
            outcome: Outcome::Result,
            annotations: (0..)
                .zip(values)
                .map(|(instance, value)| Annotation { instance, value: Some(value) })
                .collect(),
        };
        Self::new((0..).zip(frames).map(record).collect())
    }

    /// Frames with a result, and what `pick` takes of it: see [`crate::only`].
    pub fn each<T: Clone>(&self, pick: impl Fn(&Value) -> Option<&T>) -> impl Iterator<Item = (&Record, Vec<T>)> {
        let results = self.records.iter().filter(|record| record.outcome == Outcome::Result);
        results.map(move |record| {
            let values = record.annotations.iter().filter_map(|annotation| annotation.value.as_ref());
            (record, values.filter_map(&pick).cloned().collect())
        })
    }

    /// Frames that failed, with the code.
    pub fn failed(&self) -> Vec<(u64, String)> {
        let code = |record: &Record| match &record.outcome {
            Outcome::Failed { code, .. } => Some((record.frame, code.clone())),
            _ => None,
        };
        self.records.iter().filter_map(code).collect()
    }

    /// Frames that the stage left out, with the rule.
    pub fn skipped(&self) -> Vec<(u64, String)> {
        let rule = |record: &Record| match &record.outcome {
            Outcome::Skipped { rule } if rule != UPSTREAM => Some((record.frame, rule.clone())),
            _ => None,
        };
        self.records.iter().filter_map(rule).collect()
    }

    /// Adds a frame; annotations come in the order that they have in an output.
    pub(crate) fn add(
        &mut self,
        item: &str,
        frame: u64,
        pts_ns: i64,
        outcome: Outcome,
        mut annotations: Vec<Annotation>,
    ) {
        annotations.sort_by(|a, b| (kind_name(a), a.instance).cmp(&(kind_name(b), b.instance)));
        self.records.push(Record { item: item.to_owned(), frame, pts_ns, file: None, outcome, annotations });
    }
}

/// The rule that leaves out frames whose inputs are not there.
pub(crate) const UPSTREAM: &str = "upstream";

impl Records for Kept {
    fn read(&self) -> Box<dyn Iterator<Item = Result<Record, RecordsError>> + '_> {
        Box::new(self.records.iter().cloned().map(Ok))
    }

    fn attachments(&self, prefix: &str) -> Result<Vec<(String, String, PathBuf)>, RecordsError> {
        Ok(self.attachments.iter().filter(|(_, name, _)| name.starts_with(prefix)).cloned().collect())
    }
}

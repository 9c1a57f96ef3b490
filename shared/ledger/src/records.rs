//! A step's records as JSON lines and Parquet, written in one go over its rows.
use crate::columns::ParquetRows;
use crate::store::{Store, Upload};
use crate::{Ledger, LedgerError, layout};
use framefleet_proto::v1::{CompletedStep, OutputFile, StepManifest};
use futures::TryStreamExt;
use serde_json::{Map, Value};

/// Fields, as "kind.field", that are too heavy for lines of text: embeddings, run-lengths.
const HEAVY: [&str; 1] = ["face.embedding"];

/// How a step's records are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordsOptions {
    /// Whether there is a Parquet file beside the JSON lines.
    pub parquet: bool,
    /// Fields, as "kind.field", that the JSON lines leave to Parquet: embeddings, run-lengths.
    pub parquet_only: Vec<String>,
}

impl Default for RecordsOptions {
    /// Both files, with everything in both but what is heavy: that is in Parquet alone.
    fn default() -> Self {
        Self { parquet: true, parquet_only: HEAVY.map(str::to_owned).to_vec() }
    }
}

/// The files of a step's records while they are written. Nothing shows before all rows are there.
struct Records {
    lines: Upload,
    parquet: Option<(Upload, ParquetRows)>,
    hidden: Vec<(String, String)>,
}

impl Ledger {
    /// Writes `records/<step>.jsonl` and, if asked for, `.parquet`.
    pub(crate) async fn write_records(
        &self,
        step: &CompletedStep,
        manifest: &StepManifest,
    ) -> Result<Vec<OutputFile>, LedgerError> {
        let mut records = Records::begin(&self.inner.store, step, manifest).await?;
        let mut rows = self.rows(manifest);
        while let Some(row) = rows.try_next().await? {
            records.push(&row, row.to_json(&manifest.kinds)?).await?;
        }
        records.finish().await
    }
}

impl Records {
    async fn begin(store: &Store, step: &CompletedStep, manifest: &StepManifest) -> Result<Self, LedgerError> {
        let lines = store.upload(&layout::records(&manifest.step, "jsonl")).await?;
        let parquet = match step.parquet {
            false => None,
            true => {
                let rows = ParquetRows::new(&manifest.step, &manifest.kinds)?;
                Some((store.upload(&layout::records(&manifest.step, "parquet")).await?, rows))
            }
        };
        let hidden = step.parquet_only.iter().filter_map(|field| field.split_once('.'));
        Ok(Self { lines, parquet, hidden: hidden.map(|(kind, field)| (kind.to_owned(), field.to_owned())).collect() })
    }

    async fn push(&mut self, row: &crate::Row, record: Map<String, Value>) -> Result<(), LedgerError> {
        self.lines.write(&line(&without(record.clone(), &self.hidden))).await?;
        if let Some((upload, rows)) = &mut self.parquet {
            let ready = rows.push(row, record)?;
            upload.write(&ready).await?;
        }
        Ok(())
    }

    async fn finish(self) -> Result<Vec<OutputFile>, LedgerError> {
        let mut files = Vec::new();
        if let Some((mut upload, rows)) = self.parquet {
            upload.write(&rows.finish()?).await?;
            files.push(upload.finish().await?);
        }
        files.push(self.lines.finish().await?);
        Ok(files)
    }
}

/// A record as a line.
pub(crate) fn line(record: &Map<String, Value>) -> Vec<u8> {
    let mut line = Value::from(record.clone()).to_string().into_bytes();
    line.push(b'\n');
    line
}

/// The record without some fields of its kinds.
pub(crate) fn without(mut record: Map<String, Value>, hidden: &[(String, String)]) -> Map<String, Value> {
    for (kind, field) in hidden {
        let list = record.get_mut(kind).and_then(Value::as_array_mut);
        for body in list.into_iter().flatten().filter_map(Value::as_object_mut) {
            body.shift_remove(field);
        }
    }
    record
}

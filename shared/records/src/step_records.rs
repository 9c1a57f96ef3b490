//! A step's records as JSON lines and Parquet, written in one go over its rows.
use crate::RecordsError;
use crate::json::{hidden_fields, line, without};
use crate::parquet_file::ParquetFile;
use framefleet_ledger::{Ledger, Manifest, Row, Store, Upload, layout};
use framefleet_objects::record;
use framefleet_proto::kinds::KINDS;
use framefleet_proto::v1::{CompletedStep, OutputFile, StepManifest};
use futures::TryStreamExt;
use serde_json::{Map, Value};

/// How a step's records are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordsOptions {
    /// Whether there is a Parquet file beside the JSON lines.
    pub parquet: bool,
    /// Fields, as "kind.field", that the JSON lines leave to Parquet: embeddings, run-lengths.
    pub parquet_only: Vec<String>,
}

impl Default for RecordsOptions {
    /// Both files, with everything in both but what the kinds' `.proto` files mark as `parquet_only`.
    fn default() -> Self {
        let heavy =
            KINDS.iter().flat_map(|kind| kind.parquet_only.iter().map(move |field| format!("{}.{field}", kind.name)));
        Self { parquet: true, parquet_only: heavy.collect() }
    }
}

/// Writes `records/<step>.jsonl` and, if asked for, `.parquet`.
pub(crate) async fn write(
    ledger: &Ledger,
    step: &CompletedStep,
    manifest: &Manifest,
) -> Result<Vec<OutputFile>, RecordsError> {
    let mut records = Records::begin(ledger.store(), step, manifest).await?;
    let mut rows = ledger.rows(manifest);
    while let Some(row) = rows.try_next().await? {
        let record = record(&row, &manifest.kinds)?;
        records.push(row, record).await?;
    }
    records.finish().await
}

/// The files of a step's records while they are written. Nothing shows before all rows are there.
struct Records {
    lines: Upload,
    parquet: Option<ParquetFile>,
    hidden: Vec<(String, String)>,
}

impl Records {
    async fn begin(store: &Store, step: &CompletedStep, manifest: &StepManifest) -> Result<Self, RecordsError> {
        let lines = store.upload(&layout::records(&manifest.step, "jsonl")).await?;
        let parquet = match step.parquet {
            true => Some(ParquetFile::begin(store, manifest).await?),
            false => None,
        };
        let mut hidden = hidden_fields(&step.parquet_only);
        hidden.retain(|(kind, _)| manifest.kinds.contains(kind));
        Ok(Self { lines, parquet, hidden })
    }

    async fn push(&mut self, row: Row, record: Map<String, Value>) -> Result<(), RecordsError> {
        let text = if self.hidden.is_empty() { line(&record) } else { line(&without(record.clone(), &self.hidden)) };
        self.lines.write(&text).await?;
        match &mut self.parquet {
            Some(parquet) => parquet.push(row, record).await,
            None => Ok(()),
        }
    }

    async fn finish(self) -> Result<Vec<OutputFile>, RecordsError> {
        let mut files = Vec::new();
        if let Some(parquet) = self.parquet {
            files.push(parquet.finish().await?);
        }
        files.push(self.lines.finish().await?);
        Ok(files)
    }
}

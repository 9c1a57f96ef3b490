//! A step's records as JSON lines and Parquet, written in one go over its rows.
use crate::columns::ParquetRows;
use crate::store::{Store, Upload};
use crate::{Ledger, LedgerError, Manifest, Row, layout};
use framefleet_proto::kinds::KINDS;
use framefleet_proto::v1::{CompletedStep, OutputFile, StepManifest};
use futures::TryStreamExt;
use serde_json::{Map, Value};
use tokio::task::{JoinError, JoinHandle};

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

/// The files of a step's records while they are written. Nothing shows before all rows are there.
struct Records {
    lines: Upload,
    parquet: Option<Parquet>,
    hidden: Vec<(String, String)>,
}

/// The Parquet file while it is written: columns are made on a thread of their own, beside the lines.
struct Parquet {
    step: String,
    upload: Upload,
    chunk: Vec<(Row, Map<String, Value>)>,
    making: Making,
}

/// Columns in the making, and the bytes of the file that are ready.
type Making = JoinHandle<Result<(ParquetRows, Vec<u8>), LedgerError>>;

impl Ledger {
    /// Writes `records/<step>.jsonl` and, if asked for, `.parquet`.
    pub(crate) async fn write_records(
        &self,
        step: &CompletedStep,
        manifest: &Manifest,
    ) -> Result<Vec<OutputFile>, LedgerError> {
        let mut records = Records::begin(&self.inner.store, step, manifest).await?;
        let mut rows = self.rows(manifest);
        while let Some(row) = rows.try_next().await? {
            let record = row.to_json(&manifest.kinds)?;
            records.push(row, record).await?;
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
                let upload = store.upload(&layout::records(&manifest.step, "parquet")).await?;
                Some(Parquet {
                    step: manifest.step.clone(),
                    upload,
                    chunk: Vec::new(),
                    making: tokio::spawn(async { Ok((rows, Vec::new())) }),
                })
            }
        };
        let hidden = step.parquet_only.iter().filter_map(|field| field.split_once('.'));
        let hidden = hidden.filter(|(kind, _)| manifest.kinds.iter().any(|made| made == kind));
        Ok(Self { lines, parquet, hidden: hidden.map(|(kind, field)| (kind.to_owned(), field.to_owned())).collect() })
    }

    async fn push(&mut self, row: Row, record: Map<String, Value>) -> Result<(), LedgerError> {
        let text = if self.hidden.is_empty() { line(&record) } else { line(&without(record.clone(), &self.hidden)) };
        self.lines.write(&text).await?;
        match &mut self.parquet {
            Some(parquet) => parquet.push(row, record).await,
            None => Ok(()),
        }
    }

    async fn finish(self) -> Result<Vec<OutputFile>, LedgerError> {
        let mut files = Vec::new();
        if let Some(parquet) = self.parquet {
            files.push(parquet.finish().await?);
        }
        files.push(self.lines.finish().await?);
        Ok(files)
    }
}

impl Parquet {
    async fn push(&mut self, row: Row, record: Map<String, Value>) -> Result<(), LedgerError> {
        self.chunk.push((row, record));
        if self.chunk.len() < ParquetRows::CHUNK {
            return Ok(());
        }
        let rows = self.made().await?;
        self.make(rows);
        Ok(())
    }

    /// The columns so far, once they are made; what is ready of the file is written.
    async fn made(&mut self) -> Result<ParquetRows, LedgerError> {
        let (rows, ready) = (&mut self.making).await.map_err(|error| self.broken(&error))??;
        self.upload.write(&ready).await?;
        Ok(rows)
    }

    fn broken(&self, error: &JoinError) -> LedgerError {
        LedgerError::Parquet { step: self.step.clone(), reason: error.to_string() }
    }

    /// Turns the chunk into columns meanwhile.
    fn make(&mut self, mut rows: ParquetRows) {
        let chunk = std::mem::take(&mut self.chunk);
        self.making = tokio::task::spawn_blocking(move || {
            let mut ready = Vec::new();
            for (row, record) in chunk {
                ready.extend(rows.push(&row, record)?);
            }
            Ok((rows, ready))
        });
    }

    async fn finish(mut self) -> Result<OutputFile, LedgerError> {
        let rows = self.made().await?;
        self.make(rows);
        let rows = self.made().await?;
        self.upload.write(&rows.finish()?).await?;
        self.upload.finish().await
    }
}

/// A record as a line.
pub(crate) fn line(record: &Map<String, Value>) -> Vec<u8> {
    // A map of plain values: there is nothing in it that JSON cannot say.
    let mut line = serde_json::to_vec(record).unwrap_or_default();
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

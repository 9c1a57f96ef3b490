//! A step's records as Parquet: columns are made on a thread of their own, one row group at a time.
use crate::RecordsError;
use crate::columns::columns;
use arrow_array::RecordBatch;
use arrow_schema::{DataType, FieldRef};
use framefleet_frames::Outcome;
use framefleet_ledger::{Row, Store, Upload, layout};
use framefleet_proto::v1::{OutputFile, StepManifest};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value};
use std::sync::Arc;
use tokio::task::{JoinError, JoinHandle};

/// The file while it is written: columns are made beside the JSON lines.
pub(crate) struct ParquetFile {
    step: String,
    upload: Upload,
    chunk: Vec<(Row, Map<String, Value>)>,
    making: Making,
}

/// Columns in the making, and the bytes of the file that are ready.
type Making = JoinHandle<Result<(ParquetRows, Vec<u8>), RecordsError>>;

impl ParquetFile {
    /// Begins `records/<step>.parquet`.
    pub async fn begin(store: &Store, manifest: &StepManifest) -> Result<Self, RecordsError> {
        let rows = ParquetRows::new(&manifest.step, &manifest.kinds)?;
        Ok(Self {
            step: manifest.step.clone(),
            upload: store.upload(&layout::records(&manifest.step, "parquet")).await?,
            chunk: Vec::new(),
            making: tokio::spawn(async { Ok((rows, Vec::new())) }),
        })
    }

    /// Adds a row, whose record is `record`.
    pub async fn push(&mut self, row: Row, record: Map<String, Value>) -> Result<(), RecordsError> {
        self.chunk.push((row, record));
        if self.chunk.len() < ParquetRows::CHUNK {
            return Ok(());
        }
        let rows = self.made().await?;
        self.make(rows);
        Ok(())
    }

    /// The columns so far, once they are made; what is ready of the file is written.
    async fn made(&mut self) -> Result<ParquetRows, RecordsError> {
        let (rows, ready) = (&mut self.making).await.map_err(|error| self.broken(&error))??;
        self.upload.write(&ready).await?;
        Ok(rows)
    }

    fn broken(&self, error: &JoinError) -> RecordsError {
        RecordsError::Parquet { step: self.step.clone(), reason: error.to_string() }
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

    /// Makes the file appear.
    pub async fn finish(mut self) -> Result<OutputFile, RecordsError> {
        let rows = self.made().await?;
        self.make(rows);
        let rows = self.made().await?;
        self.upload.write(&rows.finish()?).await?;
        Ok(self.upload.finish().await?)
    }
}

/// Collects rows and turns them into the bytes of a Parquet file, one row group at a time.
struct ParquetRows {
    step: String,
    kinds: Vec<String>,
    columns: Vec<FieldRef>,
    rows: Vec<Map<String, Value>>,
    writer: ArrowWriter<Vec<u8>>,
}

impl ParquetRows {
    /// Rows in a row group at most.
    const GROUP: usize = 10_000;
    /// Rows that become columns together: as JSON they take many times the memory.
    const CHUNK: usize = 100;

    fn new(step: &str, kinds: &[String]) -> Result<Self, RecordsError> {
        let fail = |reason: String| RecordsError::Parquet { step: step.to_owned(), reason };
        let columns = columns(kinds).map_err(|error| fail(error.to_string()))?;
        let schema = Arc::new(arrow_schema::Schema::new(columns.clone()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(Self::GROUP))
            .build();
        let writer =
            ArrowWriter::try_new(Vec::new(), schema, Some(properties)).map_err(|error| fail(error.to_string()))?;
        Ok(Self { step: step.to_owned(), kinds: kinds.to_vec(), columns, rows: Vec::new(), writer })
    }

    /// Adds a row, whose record is `record`; the bytes of the file that are ready.
    fn push(&mut self, row: &Row, record: Map<String, Value>) -> Result<Vec<u8>, RecordsError> {
        self.rows.push(self.cells(row, record));
        if self.rows.len() >= Self::CHUNK {
            self.write_chunk()?;
        }
        self.ready()
    }

    /// The rest of the file.
    fn finish(mut self) -> Result<Vec<u8>, RecordsError> {
        self.write_chunk()?;
        let step = self.step;
        self.writer.finish().map_err(|error| RecordsError::Parquet { step, reason: error.to_string() })?;
        Ok(std::mem::take(self.writer.inner_mut()))
    }

    fn write_chunk(&mut self) -> Result<(), RecordsError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let batch: RecordBatch =
            serde_arrow::to_record_batch(&self.columns, &self.rows).map_err(|error| self.fail(error))?;
        self.rows.clear();
        self.writer.write(&batch).map_err(|error| self.fail(error))
    }

    fn ready(&mut self) -> Result<Vec<u8>, RecordsError> {
        self.writer.sync().map_err(|error| self.fail(error))?;
        Ok(std::mem::take(self.writer.inner_mut()))
    }

    fn cells(&self, row: &Row, mut record: Map<String, Value>) -> Map<String, Value> {
        let (outcome, code, reason, rule) = match &row.outcome {
            Outcome::Result => ("result", None, None, None),
            Outcome::Failed { code, reason } => ("failed", Some(code), Some(reason), None),
            Outcome::Skipped { rule } => ("skipped", None, None, Some(rule)),
        };
        record.insert("file".to_owned(), row.file.as_ref().map(|file| file.name.as_str()).into());
        record.insert("outcome".to_owned(), outcome.into());
        for (name, text) in [("code", code), ("reason", reason), ("rule", rule)] {
            record.insert(name.to_owned(), text.map(String::as_str).into());
        }
        for (kind, column) in self.kinds.iter().zip(self.columns.iter().skip(self.columns.len() - self.kinds.len())) {
            if *column.data_type() == DataType::Utf8
                && let Some(list) = record.get_mut(kind)
            {
                *list = list.to_string().into();
            }
        }
        record
    }

    fn fail(&self, error: impl ToString) -> RecordsError {
        RecordsError::Parquet { step: self.step.clone(), reason: error.to_string() }
    }
}

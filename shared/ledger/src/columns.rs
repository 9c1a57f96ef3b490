//! The columns of records in Parquet. They follow from the kinds alone, never from what a step happened to find.
use crate::{LedgerError, Row};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use framefleet_media::Outcome;
use framefleet_proto::kinds::{TypeVisitor, with_type};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde::Deserialize;
use serde_arrow::schema::{SchemaLike, TracingOptions};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Columns of the rows of a step that makes `kinds`: `item`, `frame`, `pts_ns`; `file` (null in videos); `outcome` ("result", "failed", "skipped") with `code`,
/// `reason` or `rule`; then one column per kind, a list of structs whose fields are those of the kind's protobuf type. The
/// column of a kind without such a type is text: the list as JSON.
pub(crate) fn columns(kinds: &[String]) -> Result<Vec<FieldRef>, serde_arrow::Error> {
    let column = |name: &str, kind: DataType, nullable: bool| Arc::new(Field::new(name, kind, nullable));
    let mut columns = vec![
        column("item", DataType::Utf8, false),
        column("frame", DataType::UInt64, false),
        column("pts_ns", DataType::Int64, false),
        column("file", DataType::Utf8, true),
        column("outcome", DataType::Utf8, false),
        column("code", DataType::Utf8, true),
        column("reason", DataType::Utf8, true),
        column("rule", DataType::Utf8, true),
    ];
    for kind in kinds {
        let data = match typed(kind)? {
            None => DataType::Utf8,
            Some(fields) => {
                let instance = column("instance", DataType::UInt32, true);
                let fields: Fields = std::iter::once(instance).chain(fields.iter().map(optional)).collect();
                DataType::List(column("item", DataType::Struct(fields), true))
            }
        };
        columns.push(column(kind, data, false));
    }
    Ok(columns)
}

/// The fields of a kind with a protobuf type; `None` for all others.
fn typed(kind: &str) -> Result<Option<Vec<FieldRef>>, serde_arrow::Error> {
    with_type(kind, FieldsOf).transpose()
}

/// Traces a message's fields.
struct FieldsOf;

impl TypeVisitor for FieldsOf {
    type Output = Result<Vec<FieldRef>, serde_arrow::Error>;

    fn visit<T: for<'de> Deserialize<'de>>(self) -> Self::Output {
        let options = TracingOptions::default()
            .sequence_as_large_list(false)
            .strings_as_large_utf8(false)
            .enums_without_data_as_strings(true)
            .from_type_budget(10_000);
        Vec::<FieldRef>::from_type::<T>(options)
    }
}

/// The same field, and all inside it, allowed to be absent: numbers that are no numbers are null in JSON, and what finish
/// amends may be all there is of an instance.
fn optional(field: &FieldRef) -> FieldRef {
    let data = match field.data_type() {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(optional).collect()),
        DataType::List(inner) => DataType::List(optional(inner)),
        other => other.clone(),
    };
    Arc::new(Field::new(field.name(), data, true).with_metadata(field.metadata().clone()))
}

/// Collects rows and turns them into the bytes of a Parquet file, one row group at a time.
pub(crate) struct ParquetRows {
    step: String,
    kinds: Vec<String>,
    columns: Vec<FieldRef>,
    rows: Vec<Map<String, Value>>,
    writer: ArrowWriter<Vec<u8>>,
}

impl ParquetRows {
    /// Rows in a row group at most.
    pub const GROUP: usize = 10_000;
    /// Rows that become columns together: as JSON they take many times the memory.
    pub const CHUNK: usize = 100;

    pub fn new(step: &str, kinds: &[String]) -> Result<Self, LedgerError> {
        let fail = |reason: String| LedgerError::Parquet { step: step.to_owned(), reason };
        let columns = columns(kinds).map_err(|error| fail(error.to_string()))?;
        let schema = Arc::new(arrow::datatypes::Schema::new(columns.clone()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(Self::GROUP))
            .build();
        let writer =
            ArrowWriter::try_new(Vec::new(), schema, Some(properties)).map_err(|error| fail(error.to_string()))?;
        Ok(Self { step: step.to_owned(), kinds: kinds.to_vec(), columns, rows: Vec::new(), writer })
    }

    /// Adds a row, whose record is `record`; the bytes of the file that are ready.
    pub fn push(&mut self, row: &Row, record: Map<String, Value>) -> Result<Vec<u8>, LedgerError> {
        self.rows.push(self.cells(row, record));
        if self.rows.len() >= Self::CHUNK {
            self.write_chunk()?;
        }
        self.ready()
    }

    /// The rest of the file.
    pub fn finish(mut self) -> Result<Vec<u8>, LedgerError> {
        self.write_chunk()?;
        let step = self.step;
        self.writer.finish().map_err(|error| LedgerError::Parquet { step, reason: error.to_string() })?;
        Ok(std::mem::take(self.writer.inner_mut()))
    }

    fn write_chunk(&mut self) -> Result<(), LedgerError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let batch: RecordBatch =
            serde_arrow::to_record_batch(&self.columns, &self.rows).map_err(|error| self.fail(error))?;
        self.rows.clear();
        self.writer.write(&batch).map_err(|error| self.fail(error))
    }

    fn ready(&mut self) -> Result<Vec<u8>, LedgerError> {
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

    fn fail(&self, error: impl ToString) -> LedgerError {
        LedgerError::Parquet { step: self.step.clone(), reason: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_proto::kinds::KINDS;

    fn column(kind: &str) -> DataType {
        columns(&[kind.to_owned()]).unwrap().last().unwrap().data_type().clone()
    }

    #[test]
    fn kinds_with_a_type_have_columns_and_others_are_text() {
        assert!(KINDS.len() > 10);
        for kind in KINDS {
            let DataType::List(of) = column(kind.name) else { panic!("{} has no columns", kind.name) };
            let DataType::Struct(fields) = of.data_type() else { panic!("{} is a list of {of}", kind.name) };
            let shown = kind.fields.iter().map(|path| path.split('.').next().unwrap());
            assert!(shown.chain(["instance"]).all(|name| fields.find(name).is_some()), "{}: {fields:?}", kind.name);
        }
        assert_eq!((column("brightness"), column("extension")), (DataType::Utf8, DataType::Utf8));
    }
}

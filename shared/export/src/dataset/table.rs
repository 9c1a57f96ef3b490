//! A flat table: a row per person or thing and frame, and one for a frame in which nothing was found. The columns are always the same.
use super::sample::{Dataset, Sample};
use crate::ExportError;
use crate::exported::Written;
use arrow_schema::{DataType, Field, FieldRef, Schema};
use framefleet_frames::skeleton::POINTS;
use framefleet_objects::{Object, ObjectFrame};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows that become columns together.
const CHUNK: usize = 2_000;

/// Columns before those of the points: names and types.
const COLUMNS: [(&str, DataType); 34] = [
    ("item", DataType::Utf8),
    ("file", DataType::Utf8),
    ("frame", DataType::UInt64),
    ("pts_ns", DataType::Int64),
    ("width", DataType::UInt32),
    ("height", DataType::UInt32),
    ("step", DataType::Utf8),
    ("kind", DataType::Utf8),
    ("instance", DataType::UInt32),
    ("label", DataType::Utf8),
    ("track", DataType::UInt64),
    ("identity", DataType::UInt64),
    ("name", DataType::Utf8),
    ("eye", DataType::Utf8),
    ("interpolated", DataType::Boolean),
    ("score", DataType::Float64),
    ("x0", DataType::Float64),
    ("y0", DataType::Float64),
    ("x1", DataType::Float64),
    ("y1", DataType::Float64),
    ("area", DataType::Float64),
    ("face_x0", DataType::Float64),
    ("face_y0", DataType::Float64),
    ("face_x1", DataType::Float64),
    ("face_y1", DataType::Float64),
    ("face_score", DataType::Float64),
    ("face_quality", DataType::Float64),
    ("face_sharpness", DataType::Float64),
    ("face_yaw", DataType::Float64),
    ("face_pitch", DataType::Float64),
    ("face_roll", DataType::Float64),
    ("mask_height", DataType::UInt32),
    ("mask_width", DataType::UInt32),
    ("mask_counts", DataType::Utf8),
];

/// The writer.
pub(super) struct Table {
    path: PathBuf,
    columns: Vec<FieldRef>,
    rows: Vec<Map<String, Value>>,
    file: TableFile,
    written: Written,
}

/// The file that rows go to.
enum TableFile {
    Csv(Box<csv::Writer<File>>),
    Parquet(Box<ArrowWriter<File>>),
}

impl Table {
    /// Begins `objects.csv`.
    pub fn csv(folder: &Path) -> Result<Self, ExportError> {
        let (path, columns) = (folder.join("objects.csv"), columns());
        let file = File::create(&path).map_err(ExportError::write(&path))?;
        let mut writer = csv::Writer::from_writer(file);
        let header = writer.write_record(columns.iter().map(|column| column.name().as_str()));
        header.map_err(|error| wrong(&path, error))?;
        Ok(Self::new(path, columns, TableFile::Csv(Box::new(writer))))
    }

    /// Begins `objects.parquet`.
    pub fn parquet(folder: &Path) -> Result<Self, ExportError> {
        let (path, columns) = (folder.join("objects.parquet"), columns());
        let file = File::create(&path).map_err(ExportError::write(&path))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let schema = Arc::new(Schema::new(columns.clone()));
        let writer = ArrowWriter::try_new(file, schema, Some(properties)).map_err(|error| wrong(&path, error))?;
        Ok(Self::new(path, columns, TableFile::Parquet(Box::new(writer))))
    }

    fn new(path: PathBuf, columns: Vec<FieldRef>, file: TableFile) -> Self {
        Self { path, columns, rows: Vec::new(), file, written: Written::default() }
    }

    fn push(&mut self, row: Map<String, Value>) -> Result<(), ExportError> {
        self.rows.push(row);
        if self.rows.len() >= CHUNK { self.write_chunk() } else { Ok(()) }
    }

    fn write_chunk(&mut self) -> Result<(), ExportError> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Ok(());
        }
        match &mut self.file {
            TableFile::Csv(writer) => {
                for row in &rows {
                    let cells = self.columns.iter().map(|column| cell(row.get(column.name())));
                    writer.write_record(cells).map_err(|error| wrong(&self.path, error))?;
                }
            }
            TableFile::Parquet(writer) => {
                let batch = serde_arrow::to_record_batch(&self.columns, &rows);
                let batch = batch.map_err(|error| wrong(&self.path, error))?;
                writer.write(&batch).map_err(|error| wrong(&self.path, error))?;
            }
        }
        Ok(())
    }
}

impl Dataset for Table {
    fn frame(&mut self, sample: &Sample<'_>) -> Result<(), ExportError> {
        let objects = &sample.frame.objects;
        self.written.objects += objects.len() as u64;
        if objects.is_empty() {
            return self.push(row(&self.columns, sample.frame, None));
        }
        objects.iter().try_for_each(|object| {
            let row = row(&self.columns, sample.frame, Some(object));
            self.push(row)
        })
    }

    fn finish(mut self: Box<Self>) -> Result<Written, ExportError> {
        self.write_chunk()?;
        let Self { path, file, mut written, .. } = *self;
        match file {
            TableFile::Csv(mut writer) => writer.flush().map_err(ExportError::write(&path))?,
            TableFile::Parquet(writer) => {
                writer.close().map_err(|error| wrong(&path, error))?;
            }
        }
        written.files.push(path);
        Ok(written)
    }
}

fn columns() -> Vec<FieldRef> {
    let field = |name: &str, kind: DataType| Arc::new(Field::new(name, kind, true));
    let fixed = COLUMNS.into_iter().map(|(name, kind)| field(name, kind));
    let points = POINTS.iter().flat_map(|point| {
        [("x", DataType::Float64), ("y", DataType::Float64), ("flag", DataType::UInt8)]
            .map(|(part, kind)| field(&format!("{point}_{part}"), kind))
    });
    fixed.chain(points).collect()
}

/// A row: every column, null where there is nothing.
fn row(columns: &[FieldRef], frame: &ObjectFrame<'_>, object: Option<&Object>) -> Map<String, Value> {
    let mut row: Map<String, Value> = columns.iter().map(|column| (column.name().clone(), Value::Null)).collect();
    let mut set = |name: &str, value: Value| {
        row.insert(name.to_owned(), value);
    };
    set("item", frame.item.name.as_str().into());
    set("file", frame.file.as_ref().map(|file| file.name.as_str()).into());
    set("frame", frame.number.into());
    set("pts_ns", frame.pts_ns.into());
    set("width", frame.size.0.into());
    set("height", frame.size.1.into());
    let Some(object) = object else { return row };
    set("step", (*object.step).into());
    set("kind", object.kind.into());
    set("instance", object.instance.into());
    set("label", object.label.as_str().into());
    set("track", object.track.into());
    set("identity", object.identity.into());
    set("name", object.name.as_deref().into());
    set("eye", object.eye.as_deref().into());
    set("interpolated", object.interpolated.into());
    set("score", object.score.into());
    for (name, side) in ["x0", "y0", "x1", "y1"].into_iter().zip(object.corners) {
        set(name, side.into());
    }
    set("area", object.area().into());
    if let Some(face) = &object.face {
        let sides = face.get("box").and_then(Value::as_array).into_iter().flatten();
        for (name, side) in ["face_x0", "face_y0", "face_x1", "face_y1"].into_iter().zip(sides) {
            set(name, side.clone());
        }
        set("face_score", face.get("score").cloned().unwrap_or_default());
        let quality = |field: &str| face.get("quality").and_then(|of| of.get(field)).cloned().unwrap_or_default();
        set("face_quality", quality("value"));
        for field in ["sharpness", "yaw", "pitch", "roll"] {
            set(&format!("face_{field}"), quality(field));
        }
    }
    if let Some(mask) = object.run_lengths() {
        set("mask_height", mask.height.into());
        set("mask_width", mask.width.into());
        set("mask_counts", mask.counts.into());
    }
    for (point, at) in POINTS.iter().zip(&object.keypoints) {
        set(&format!("{point}_x"), at.x.into());
        set(&format!("{point}_y"), at.y.into());
        set(&format!("{point}_flag"), at.flag.into());
    }
    row
}

/// A value as CSV has it.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn wrong(path: &Path, error: impl ToString) -> ExportError {
    ExportError::Table { path: path.to_owned(), reason: error.to_string() }
}

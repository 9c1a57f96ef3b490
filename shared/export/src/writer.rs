//! What a format does with records.
use crate::ExportError;
use framefleet_frames::{ImageFile, Item, Outcome};
use framefleet_records::ArtifactPaths;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Writes records of one step: for each item its frames in ascending order, `end`; then `finish`.
pub(crate) trait Writer {
    /// A frame, also one that failed or was skipped; those that sampling left out do not come.
    fn frame(&mut self, record: &FrameRecord<'_>) -> Result<(), ExportError>;

    /// The item has no more frames.
    fn end(&mut self, _item: &Item) -> Result<(), ExportError> {
        Ok(())
    }

    /// Completes what was written; the files.
    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>, ExportError>;
}

/// One frame as records have it.
pub(crate) struct FrameRecord<'a> {
    /// Its item.
    pub item: &'a Item,
    /// Number in the whole item.
    pub number: u64,
    /// The image that it is, of sequences and stills.
    pub file: Option<&'a ImageFile>,
    /// Names of what is made of frames.
    pub paths: &'a ArtifactPaths,
    /// Presentation time, nanoseconds from the item's first frame.
    pub pts_ns: i64,
    /// What became of it.
    pub outcome: &'a Outcome,
    /// By kind the list of annotations, amendments merged in.
    pub record: Map<String, Value>,
}

impl FrameRecord<'_> {
    /// What a file that is made of the frame is called below the export's folder, as the stages call theirs: `pattern` has `*` for the
    /// frame's stem.
    pub fn path(&self, pattern: &str) -> String {
        self.paths.of_frame(&self.item.name, self.number, self.file, pattern)
    }

    /// Whether the frame has a result (perhaps without any annotation).
    pub fn has_result(&self) -> bool {
        *self.outcome == Outcome::Result
    }

    /// Annotations of a kind, as the kind's message or whatever fields of it `T` has.
    pub fn of<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>, ExportError> {
        let list = self.record.get(kind).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        list.iter().map(|body| T::deserialize(body).map_err(|error| self.wrong(kind, error.to_string()))).collect()
    }

    /// An annotation of it is not what its kind says.
    pub fn wrong(&self, kind: &str, reason: String) -> ExportError {
        ExportError::Record { item: self.item.name.clone(), frame: self.number, kind: kind.to_owned(), reason }
    }
}

//! The list of images of a COCO file, which comes after the annotations that speak of them: it waits in a temporary file, so that memory does
//! not grow with the names of stills.
use crate::RecordsError;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};

/// Images, one per line.
pub(super) struct Images {
    file: BufWriter<File>,
    count: u64,
}

impl Images {
    pub(super) fn new() -> Result<Self, RecordsError> {
        Ok(Self { file: BufWriter::new(tempfile::tempfile().map_err(failed)?), count: 0 })
    }

    /// Adds an image.
    pub(super) fn push(&mut self, image: &Value) -> Result<(), RecordsError> {
        let comma = if self.count > 0 { ",\n" } else { "\n" };
        self.count += 1;
        write!(self.file, "{comma}{image}").map_err(failed)
    }

    /// The list's text, in pieces.
    pub(super) fn into_text(self) -> Result<impl Iterator<Item = Result<String, RecordsError>>, RecordsError> {
        let mut file = self.file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.rewind().map_err(failed)?;
        let mut lines = BufReader::new(file);
        Ok(std::iter::from_fn(move || {
            let mut line = String::new();
            match lines.read_line(&mut line) {
                Ok(0) => None,
                Ok(_) => Some(Ok(line)),
                Err(error) => Some(Err(failed(error))),
            }
        }))
    }
}

fn failed(source: std::io::Error) -> RecordsError {
    RecordsError::Temporary { folder: std::env::temp_dir(), source }
}

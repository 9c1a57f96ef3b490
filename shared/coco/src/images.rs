//! The list of images of a COCO file, which comes after the annotations that speak of them: it waits in a temporary file, so that memory does
//! not grow with the names of stills.
use crate::CocoError;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};

/// What stands between the names of an image and its other fields; JSON has it in no text.
const BETWEEN: char = '\t';

/// Images, one per line: name in the output (or nothing), name in the source, fields.
pub(crate) struct Images {
    file: BufWriter<File>,
    /// Whether the output has a picture of every one.
    are_all_written: bool,
    count: u64,
}

impl Images {
    pub(crate) fn new() -> Result<Self, CocoError> {
        let file = BufWriter::new(tempfile::tempfile().map_err(failed)?);
        Ok(Self { file, are_all_written: true, count: 0 })
    }

    /// Adds an image; `fields` are those besides its name.
    pub(crate) fn push(
        &mut self,
        in_output: Option<String>,
        in_source: String,
        fields: &Value,
    ) -> Result<(), CocoError> {
        self.are_all_written &= in_output.is_some();
        self.count += 1;
        let in_output = in_output.map(Value::from).map_or_else(String::new, |name| name.to_string());
        writeln!(self.file, "{in_output}{BETWEEN}{}{BETWEEN}{fields}", Value::from(in_source)).map_err(failed)
    }

    /// Whether the output has a picture of every image: their names are those.
    pub(crate) fn are_in_output(&self) -> bool {
        self.are_all_written && self.count > 0
    }

    /// The list's text, in pieces.
    pub(crate) fn into_text(self) -> Result<impl Iterator<Item = Result<String, CocoError>>, CocoError> {
        let are_in_output = self.are_in_output();
        let mut file = self.file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.rewind().map_err(failed)?;
        let text = move |(number, line): (usize, std::io::Result<String>)| {
            let line = line.map_err(failed)?;
            let mut parts = line.splitn(3, BETWEEN).map(str::to_owned);
            let mut part = || parts.next().unwrap_or_default();
            let (in_output, in_source, fields) = (part(), part(), part());
            let name = if are_in_output { in_output } else { in_source };
            let comma = if number > 0 { "," } else { "" };
            Ok(format!("{comma}\n{{\"file_name\":{name},{}", fields.trim_start_matches('{')))
        };
        Ok(BufReader::new(file).lines().enumerate().map(text))
    }
}

fn failed(source: std::io::Error) -> CocoError {
    CocoError::Temporary { folder: std::env::temp_dir(), source }
}

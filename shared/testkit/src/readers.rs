//! Data sets opened by the programs that they are made for: COCO's own tools, Datumaro and others, in Python.
use crate::TestkitError;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a script that opens a data set and compares it with what it should be; it is handed these arguments. Its Python is that of
/// `FRAMEFLEET_READERS`, else of `.cache/dataset-readers` in the workspace (`make readers`). An error says what the script said.
pub fn read_by(script: &Path, arguments: &[&Path]) -> Result<(), TestkitError> {
    let python = match std::env::var_os("FRAMEFLEET_READERS") {
        Some(python) => PathBuf::from(python),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.cache/dataset-readers/bin/python"),
    };
    if !python.is_file() {
        return Err(TestkitError::NoReaders(python));
    }
    let ran = Command::new(&python).arg(script).args(arguments).output();
    let ran = ran.map_err(TestkitError::io(&python))?;
    if ran.status.success() {
        return Ok(());
    }
    let output = [ran.stdout, ran.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    Err(TestkitError::NotRead { script: script.display().to_string(), output })
}

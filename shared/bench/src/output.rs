//! The files of a bench.
use crate::document::Document;
use crate::{BenchError, page, table};
use std::path::Path;

/// Writes `bench.json`, `bench.csv` and `bench.html` into a folder, which is made.
pub fn write(document: &Document, folder: &Path) -> Result<(), BenchError> {
    std::fs::create_dir_all(folder).map_err(BenchError::file(folder))?;
    let json = folder.join("bench.json");
    let text =
        serde_json::to_vec_pretty(document).map_err(|source| BenchError::Document { path: json.clone(), source })?;
    let files = [
        (json, text),
        (folder.join("bench.csv"), table::csv(&document.rows)?),
        (folder.join("bench.html"), page::render(document)?.into_bytes()),
    ];
    files.into_iter().try_for_each(|(path, bytes)| std::fs::write(&path, bytes).map_err(BenchError::file(&path)))
}

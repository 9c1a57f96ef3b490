//! Digests of the files of a compiled model, beside them: a flipped bit in packed weights gives wrong answers and no error.
//!
//! Every process compares all bytes before it opens an entry. Sizes and times would be cheaper and say nothing of a disk that
//! forgets; blake3 reads some gigabytes a second, which is less than opening what it reads.
use crate::InferError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

/// The file of digests.
const NAME: &str = "digests.json";

/// What TensorRT measures and writes again whenever it runs: it changes how long compiling takes, and no answer.
const REWRITTEN: &str = "timing";

/// A file as it was made.
#[derive(Serialize, Deserialize)]
struct Made {
    bytes: u64,
    blake3: String,
}

/// Notes the files of a folder as they are now.
pub(crate) fn write(folder: &Path) -> Result<(), InferError> {
    let mut files: BTreeMap<String, Made> = BTreeMap::new();
    for file in fs::read_dir(folder).map_err(InferError::cache(folder))? {
        let path = file.map_err(InferError::cache(folder))?.path();
        if path.is_dir() || path.extension().is_some_and(|kind| kind == REWRITTEN) {
            continue;
        }
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| InferError::Cache { path: path.clone(), reason: "its name is no text".to_owned() })?;
        files.insert(name.to_owned(), made(&path).map_err(InferError::cache(&path))?);
    }
    let path = folder.join(NAME);
    let text = serde_json::to_vec_pretty(&files).map_err(|error| InferError::cache(&path)(error.into()))?;
    fs::write(&path, text).map_err(InferError::cache(&path))
}

/// What is wrong with the files of a folder; `None` when all are as they were noted. Files that came later are not compared.
pub(crate) fn damage(folder: &Path) -> Option<String> {
    let noted = fs::read(folder.join(NAME)).map_err(|error| error.to_string());
    let noted = noted
        .and_then(|text| serde_json::from_slice::<BTreeMap<String, Made>>(&text).map_err(|error| error.to_string()));
    let noted = match noted {
        Ok(noted) => noted,
        Err(error) => return Some(format!("{NAME} cannot be read: {error}")),
    };
    noted.iter().find_map(|(name, expected)| {
        let path = folder.join(name);
        match fs::metadata(&path).map(|file| file.len()) {
            Ok(length) if length != expected.bytes => {
                return Some(format!("{name} has {length} bytes of {}", expected.bytes));
            }
            Err(error) => return Some(format!("{name} cannot be read: {error}")),
            Ok(_) => {}
        }
        match made(&path) {
            Ok(found) if found.blake3 == expected.blake3 => None,
            Ok(_) => Some(format!("{name} is not what was written")),
            Err(error) => Some(format!("{name} cannot be read: {error}")),
        }
    })
}

/// A file as it is.
fn made(path: &Path) -> std::io::Result<Made> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(Made { bytes: hasher.count(), blake3: hasher.finalize().to_hex().to_string() })
}

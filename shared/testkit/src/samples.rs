//! Real footage that some tests use.
use crate::TestkitError;
use std::path::PathBuf;

/// Names of the samples: cyclists (H.264, no sound), an animated film (H.264, AAC), pedestrians (AVI).
const NAMES: [&str; 3] = ["bikes.mp4", "bigbuckbunny.mp4", "vtest.avi"];

/// The folder that has the samples: `FRAMEFLEET_SAMPLES`, else `.cache/samples` in the workspace.
pub fn samples_folder() -> PathBuf {
    match std::env::var_os("FRAMEFLEET_SAMPLES") {
        Some(folder) => folder.into(),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.cache/samples"),
    }
}

/// A sample by its name; an error that says how to get it when it is not there.
pub fn sample(name: &str) -> Result<PathBuf, TestkitError> {
    let path = samples_folder().join(name);
    if path.is_file() { Ok(path) } else { Err(TestkitError::NoSample(path)) }
}

/// All samples: `bikes.mp4`, `bigbuckbunny.mp4` (with sound), `vtest.avi`.
pub fn samples() -> Result<Vec<PathBuf>, TestkitError> {
    NAMES.iter().map(|name| sample(name)).collect()
}

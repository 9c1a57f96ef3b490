//! Writes everything that has to name every stage: `compose.yaml`, `Dockerfile`, `k8s/`, `docs/stages.md`. Run by
//! `make generate`; `tests/it/deployment.rs` fails when a file is not what this writes.
mod facts;
mod render;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for file in render::files(&registry::stages()?)? {
        let path = root.join(&file.path);
        if std::fs::read_to_string(&path).is_ok_and(|there| there == file.text) {
            continue;
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, file.text)?;
        println!("{}", file.path.display());
    }
    Ok(())
}

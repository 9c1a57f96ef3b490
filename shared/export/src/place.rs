//! Where files of items go.
use crate::ExportError;
use framefleet_frames::naming;
use std::path::{Component, Path, PathBuf};

/// `folder/<item name><ending>`, with the folders above it made. Names with anything but plain path components are refused:
/// nothing is written outside the folder.
pub(crate) fn place(folder: &Path, item: &str, ending: &str) -> Result<PathBuf, ExportError> {
    let relative = Path::new(item);
    let plain = relative.components().all(|component| matches!(component, Component::Normal(_)));
    if item.is_empty() || !plain {
        return Err(ExportError::Name(item.to_owned()));
    }
    let path = folder.join(naming::fitting(&format!("{item}{ending}")));
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(ExportError::write(parent))?;
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_lies_outside_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = place(folder.path(), "a/b.mp4", ".txt").unwrap();
        assert!(path.ends_with("a/b.mp4.txt") && path.parent().unwrap().is_dir());
        for name in ["", "../x", "/etc/x", "a/../../x"] {
            assert!(matches!(place(folder.path(), name, ""), Err(ExportError::Name(_))), "{name}");
        }
    }
}

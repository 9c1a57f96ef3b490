//! What an output in a folder needs to do with files of any name. An object store's paths have no line breaks and its names beside the final ones
//! are longer; file systems take every byte but NUL and '/', and 255 of them.
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Bytes of a stream's pieces.
pub(super) const PIECE: usize = 1 << 20;

/// Shows the bytes of a file under another path, too, over one that is there; by a hard link where the file system has them.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let folder = to.parent().ok_or(ErrorKind::InvalidInput)?;
    // Nothing is found under the new path until it is whole. The name beside it is a short one.
    let staged = folder.join(format!(".{:016x}", fastrand::u64(..)));
    loop {
        // Somebody may remove the folder, which is empty, until a file is in it.
        fs::create_dir_all(folder)?;
        match fs::hard_link(from, &staged) {
            Ok(()) => break,
            Err(error) if error.kind() == ErrorKind::NotFound && from.exists() => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(error),
            Err(_) => {
                fs::copy(from, &staged)?;
                break;
            }
        }
    }
    let renamed = fs::rename(&staged, to);
    // Whether it failed, or both names are links to one file, which leaves them as they are: this name goes.
    let _ = fs::remove_file(&staged);
    renamed
}

/// Removes a file and the folders that it leaves empty, up to `root`. What is gone already is no error.
pub(super) fn delete(root: &Path, file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let above = file.ancestors().skip(1).take_while(|folder| *folder != root && folder.starts_with(root));
    for folder in above {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}

/// Paths (below `root`, with '/') and lengths of all files below a folder of it, in no order.
pub(super) fn list(root: &Path, prefix: &str) -> io::Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    let mut folders = vec![prefix.trim_end_matches('/').to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(root.join(&folder)) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            match fs::metadata(entry.path()) {
                Ok(metadata) if metadata.is_dir() => folders.push(path),
                Ok(metadata) if !is_staged(&path) => found.push((path, metadata.len())),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}

/// Whether a path is that of an object which is being written: its own and a number.
fn is_staged(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let number = name.split_once('#').map(|(_, number)| number).filter(|number| !number.is_empty());
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_is_copied_listed_and_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::write(root.join("part"), b"bytes").unwrap();
        let names = ["a\nb.mp4", "tab\there.mp4", "back\\slash", "\"quoted\"", "50%0A.png", "take #2.mov", "שלום.mp4"]
            .map(str::to_owned);
        let longest = format!("{}.mp4", "y".repeat(251));
        let mut expected: Vec<(String, u64)> = Vec::new();
        for name in names.iter().chain([&longest]) {
            let path = format!("artifacts/film/{name}");
            copy(&root.join("part"), &root.join(&path)).unwrap();
            copy(&root.join("part"), &root.join(&path)).unwrap();
            assert_eq!(fs::read(root.join(&path)).unwrap(), b"bytes");
            expected.push((path, 5));
        }
        let mut found = list(root, "artifacts").unwrap();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        for (path, _) in found {
            delete(root, &root.join(path)).unwrap();
        }
        assert!(!root.join("artifacts").exists() && root.exists(), "folders that are empty go, too");
        delete(root, &root.join("artifacts/x")).unwrap();
        assert_eq!(list(root, "artifacts").unwrap(), []);
        assert_eq!(copy(&root.join("none"), &root.join("x/y")).unwrap_err().kind(), ErrorKind::NotFound);
    }
}

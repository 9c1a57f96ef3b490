//! Recognises items, so that results of other footage under the same name are never mixed.
use framefleet_ledger::SourceIdentity;
use framefleet_media::{ImageFile, Item, ItemKind};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Bytes read from each end of a video.
const ENDS: u64 = 1 << 20;

/// Digests of all items. A video is known by its length and both ends; images by the first one, since folders grow.
pub fn of(source: &str, items: &[Item]) -> std::io::Result<SourceIdentity> {
    let mut identity = SourceIdentity { source: source.to_owned(), ..SourceIdentity::default() };
    for item in items {
        let path = Path::new(&item.location);
        let digest = match item.kind() {
            ItemKind::Sequence | ItemKind::Stills => images(path, &item.files)?,
            ItemKind::Video | ItemKind::Unspecified => video(path)?,
        };
        identity.items.insert(item.name.clone(), digest);
    }
    Ok(identity)
}

fn video(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&length.to_le_bytes());
    for start in [0, length.saturating_sub(ENDS)] {
        file.seek(SeekFrom::Start(start))?;
        hasher.update_reader((&mut file).take(ENDS))?;
    }
    Ok(hasher.finalize().to_hex().to_string())
}

fn images(folder: &Path, files: &[ImageFile]) -> std::io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    if let Some(first) = files.first() {
        let path = if folder.is_file() { folder.to_owned() } else { folder.join(&first.name) };
        hasher.update(first.name.as_bytes());
        hasher.update_reader(File::open(path)?.take(ENDS))?;
    }
    Ok(hasher.finalize().to_hex().to_string())
}

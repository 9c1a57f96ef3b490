//! Recognises items, so that results of other footage under the same name are never mixed.
use framefleet_frames::{Item, ItemKind};
use framefleet_ledger::SourceIdentity;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Bytes read from each end of a video.
const ENDS: u64 = 1 << 20;

/// Digests of all videos: one is known by its length and both ends. Folders of images change; what the output knows of them it keeps
/// elsewhere (`folders.rs`).
pub(crate) fn of(source: &str, items: &[Item]) -> std::io::Result<SourceIdentity> {
    let mut identity = SourceIdentity { source: source.to_owned(), ..SourceIdentity::default() };
    for item in items.iter().filter(|item| item.kind() == ItemKind::Video) {
        identity.items.insert(item.name.clone(), video(Path::new(&item.location))?);
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

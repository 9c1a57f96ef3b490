//! What an output keeps of a folder of images from one run to the next: the number of every still, and which files have been read.
use bytes::Bytes;
use framefleet_frames::{BatchInfo, ImageFile, Item, KnownBatch, stamp};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::Path;

/// Images that are read to find out whether a folder is another one.
const COMPARED: usize = 1000;

/// A folder as it was indexed last.
#[derive(Clone, Debug, Default)]
pub struct KnownFolder {
    batch_frames: u64,
    batches: Vec<BatchInfo>,
    /// By name and page: the file's stamp and the picture's digest.
    files: HashMap<(String, u32), (u64, Bytes)>,
}

impl KnownFolder {
    /// The folder that these batches are.
    pub fn new(batches: Vec<KnownBatch>) -> Self {
        let mut folder = Self::default();
        for known in batches {
            let batch = known.batch.unwrap_or_default();
            folder.batch_frames = u64::from(known.batch_frames);
            let stamped = batch.files.iter().zip(known.stamps);
            folder.files.extend(stamped.map(|(file, stamp)| (key(file), (stamp, file.digest.clone()))));
            folder.batches.push(batch);
        }
        folder
    }

    /// Frames of a whole batch on its grid; `None` when nothing is known.
    pub fn batch_frames(&self) -> Option<u64> {
        (self.batch_frames > 0).then_some(self.batch_frames)
    }

    /// Its batches, from frame 0.
    pub fn batches(&self) -> &[BatchInfo] {
        &self.batches
    }

    /// Its batches, from frame 0.
    pub fn into_batches(self) -> Vec<BatchInfo> {
        self.batches
    }

    /// Gives those of the item's images that are as they were when they were read (by size, time and inode) their digests, so that they are not
    /// read again. Asks the file system about every file; the stamps that they have now.
    pub fn recognise(&self, item: &mut Item) -> Stamps {
        let folder = Path::new(&item.location);
        let mut stamps = HashMap::with_capacity(item.files.len());
        for file in &mut item.files {
            let stamp = stamps.get(&file.name).copied().unwrap_or_else(|| stamp(&folder.join(&file.name)));
            let known = self.files.get(&key(file)).filter(|(known, _)| *known == stamp && stamp != 0);
            file.digest = known.map(|(_, digest)| digest.clone()).unwrap_or_default();
            stamps.insert(file.name.clone(), stamp);
        }
        Stamps(stamps)
    }

    /// Whether an item has nothing of this folder: no image of one of its names and, as far as the first thousand tell, none of its contents.
    /// Reads files only when no name is known.
    pub fn has_nothing_of(&self, item: &Item) -> bool {
        if self.files.is_empty() || item.files.iter().any(|file| self.files.contains_key(&key(file))) {
            return false;
        }
        let digests: HashSet<&Bytes> = self.files.values().map(|(_, digest)| digest).collect();
        !digested(item).take(COMPARED).any(|image| digests.contains(&image.digest))
    }
}

/// Size, time and inode of files, by name, before they are read: what changes with their content.
#[derive(Clone, Debug, Default)]
pub struct Stamps(HashMap<String, u64>);

impl Stamps {
    /// The stamp of a file.
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// A batch as it is kept.
    pub fn keep(&self, batch: BatchInfo, batch_frames: u64) -> KnownBatch {
        KnownBatch {
            stamps: batch.files.iter().map(|file: &ImageFile| self.of(&file.name)).collect(),
            batch: Some(batch),
            batch_frames: u32::try_from(batch_frames).unwrap_or(u32::MAX),
        }
    }
}

fn key(file: &ImageFile) -> (String, u32) {
    (file.name.clone(), file.page)
}

/// The images of an item with the digests of their bytes, unless those are known; of a page of a file, of the file's digest and the page's number.
/// A file that cannot be read counts as empty: its frame fails when it is decoded.
pub fn digested(item: &Item) -> impl Iterator<Item = ImageFile> {
    let mut last: Option<(&str, blake3::Hash)> = None;
    item.files.iter().map(move |file| {
        if !file.digest.is_empty() {
            return file.clone();
        }
        let known = last.filter(|(name, _)| *name == file.name).map(|(_, digest)| digest);
        let digest = known.unwrap_or_else(|| digest_of(&Path::new(&item.location).join(&file.name)));
        last = Some((&file.name, digest));
        let digest = match file.page {
            0 => digest,
            page => blake3::hash(&[&digest.as_bytes()[..], &page.to_le_bytes()].concat()),
        };
        ImageFile { digest: digest.as_bytes().to_vec().into(), ..file.clone() }
    })
}

fn digest_of(path: &Path) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    if let Ok(opened) = File::open(path) {
        // What was read before a failure is as good as anything to tell this state of the file by.
        let _ = hasher.update_reader(opened);
    }
    hasher.finalize()
}

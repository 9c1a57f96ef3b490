//! What the fuzz targets share: a file of any bytes, read as a job reads it.
use framefleet_decode::Canvas;
use framefleet_frames::IndexRequest;
use framefleet_decode::{Decoders, Deinterlace};
use framefleet_frames::{BatchInfo, Item};
use framefleet_probe::{ImageFolders, probe};

/// Frames of a batch, and batches that are decoded of an item.
const BATCH_FRAMES: u64 = 4;
const BATCHES: usize = 4;
/// Larger frames are not decoded: they take long, and show nothing that small ones do not.
const MAX_PIXELS: u64 = 1 << 20;

/// Memory for the frames of a batch, as a worker has it.
struct Frames(Vec<Vec<u8>>);

impl Canvas for Frames {
    fn memory(&mut self, slot: usize) -> &mut [u8] {
        &mut self.0[slot]
    }
}

/// Reads a file as a job does: probe, index, decode. Whatever the file is, this returns; how the reader judges it is not asked here.
pub fn read(bytes: &[u8], name: &str) {
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else { return };
    let path = folder.path().join(name);
    if std::fs::write(&path, bytes).is_err() {
        return;
    }
    let Ok(probed) = probe(&path.to_string_lossy(), ImageFolders::Auto) else { return };
    probed.items.iter().for_each(decode);
}

fn decode(item: &Item) {
    let mut batches: Vec<BatchInfo> = Vec::new();
    let mut found = |more: Vec<BatchInfo>| {
        batches.extend(more);
        batches.len() < BATCHES
    };
    let request = IndexRequest::fresh(BATCH_FRAMES);
    let Ok((item, _)) = framefleet_index::index(item, request, Deinterlace::default(), &mut found) else { return };
    if u64::from(item.width) * u64::from(item.height) > MAX_PIXELS {
        return;
    }
    let decoders = Decoders::new(Deinterlace::default(), 1);
    for batch in batches.iter().take(BATCHES) {
        let frames: Vec<u64> = (batch.start..batch.start + batch.pts_ns.len() as u64).collect();
        let Ok((slots, _)) = decoders.slots(&item, batch, &frames, &frames) else { continue };
        let mut canvas = Frames(slots.iter().map(|slot| vec![0; slot.bytes()]).collect());
        let _ = decoders.decode(&item, batch, &slots, &mut canvas);
    }
}

/// The extension that a file's first byte chooses.
pub fn extension<'a>(bytes: &'a [u8], of: &[&'static str]) -> Option<(&'static str, &'a [u8])> {
    let (first, rest) = bytes.split_first()?;
    Some((of[usize::from(*first) % of.len()], rest))
}

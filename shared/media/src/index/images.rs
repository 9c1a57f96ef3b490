//! Batches of images: of sequences, and of folders of stills.
use super::{BATCHES_PER_CALL, IndexRequest};
use crate::still::known::digested;
use crate::still::numbering;
use crate::{BatchInfo, Item, ItemKind};

/// Finds the batches of images; see [`crate::index::index`]. Every batch can be decoded by itself. The frames of a sequence are its images as
/// they follow one another; stills keep the numbers that they are known by, so all of them are looked at first.
pub(crate) fn index(
    item: &Item,
    IndexRequest { batch_frames, known }: IndexRequest,
    found: &mut dyn FnMut(Vec<BatchInfo>) -> bool,
) -> Item {
    let files = item.files.iter().map(|file| digested(item, file));
    let mut batches: Box<dyn Iterator<Item = BatchInfo>> = match item.kind() {
        ItemKind::Stills if !known.is_empty() => {
            let known = known.into_iter().map(|batch| BatchInfo { pts_ns: vec![0; batch.pts_ns.len()], ..batch });
            Box::new(numbering::renumber(known.collect(), files.collect(), batch_frames).into_iter())
        }
        ItemKind::Stills => Box::new(numbering::number(0, batch_frames, files)),
        _ => Box::new(numbering::number(0, batch_frames, files).map(|batch| timed(item, batch))),
    };
    loop {
        let ready: Vec<BatchInfo> = batches.by_ref().take(BATCHES_PER_CALL).collect();
        if ready.is_empty() || !found(ready) {
            return item.clone();
        }
    }
}

/// A batch of a sequence, with the times of its frames.
fn timed(item: &Item, mut batch: BatchInfo) -> BatchInfo {
    (batch.start..).zip(&mut batch.pts_ns).for_each(|(frame, pts_ns)| *pts_ns = time(item, frame));
    batch
}

/// Time of a frame of a sequence, by its frame rate.
fn time(item: &Item, frame: u64) -> i64 {
    let rate = item.frame_rate.filter(|rate| rate.num > 0 && rate.den > 0);
    rate.map_or(0, |rate| {
        let ns = i128::from(frame) * 1_000_000_000 * i128::from(rate.den) / i128::from(rate.num);
        i64::try_from(ns).unwrap_or(i64::MAX)
    })
}

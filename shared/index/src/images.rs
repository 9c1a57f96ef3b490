//! Batches of images: of sequences, and of folders of stills.
use super::grid::BATCHES_PER_CALL;
use framefleet_folders::{digested, numbering};
use framefleet_frames::{BatchInfo, ImageFile, IndexRequest, Item, ItemKind};

/// Finds the batches of images; see [`crate::index`]. Every batch can be decoded by itself. The frames of a sequence are its images as
/// they follow one another; stills keep the numbers that they are known by, so all of them are looked at first.
pub(crate) fn index(
    item: &Item,
    IndexRequest { batch_frames, known }: IndexRequest,
    found: &mut dyn FnMut(Vec<BatchInfo>) -> bool,
) -> Item {
    let files = digested(item);
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

/// A batch of a sequence, with the times of its frames: those of an animation have their own, others one rate.
fn timed(item: &Item, mut batch: BatchInfo) -> BatchInfo {
    let own = |file: &ImageFile| (file.page > 0).then_some(file.pts_ns);
    let times: Vec<i64> = batch.files.iter().map(|file| own(file).unwrap_or_else(|| time(item, file.frame))).collect();
    batch.pts_ns = times;
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

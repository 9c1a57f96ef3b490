//! Which masks belong to the tracks that were chosen.
use framefleet_frames::annotation::Value;
use framefleet_frames::{FrameRange, Kind, MaskTrack, frame::contains};
use framefleet_stage::{Batch, Job};
use std::collections::BTreeSet;

/// The job-scoped kind of tracks.
pub const KIND: &str = "mask_track";

/// (frame, instance) of the masks of these tracks in the batch's window; `None` when no tracks were chosen: all masks count.
pub fn instances(job: &Job, batch: &Batch, tracks: &[u32]) -> Option<BTreeSet<(u64, u32)>> {
    if tracks.is_empty() {
        return None;
    }
    let window = batch.window();
    let kind = Kind::new(KIND);
    let of_item = job.scoped_of(&kind).filter(|(scoped, _)| scoped.item == batch.item().name);
    let chosen = of_item.filter_map(|(_, annotation)| match &annotation.value {
        Some(Value::MaskTrack(track)) if tracks.contains(&track.track) => Some(track),
        _ => None,
    });
    Some(chosen.flat_map(|track| inside(track, window)).collect())
}

fn inside<'a>(track: &'a MaskTrack, window: &'a FrameRange) -> impl Iterator<Item = (u64, u32)> + 'a {
    let pairs = track.frame.iter().zip(&track.instance).map(|(frame, instance)| (*frame, *instance));
    pairs.filter(|(frame, _)| contains(window, *frame))
}

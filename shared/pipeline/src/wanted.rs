//! Which frames have to be there for the steps that read them.
use crate::{PixelInput, Plan};
use framefleet_frames::{FrameRange, Item};

/// The frames of `range` (a batch) that steps of a pass look at in one rendition from one source, ascending: the sampled
/// frames of every reader with the halo of each.
///
/// `sampled` gives the frames that a step does in a range, which may reach beyond the batch by the step's halo: it answers
/// with frames of the item inside the job's range only.
pub fn wanted(
    plan: &Plan,
    pass: usize,
    item: &Item,
    pixels: PixelInput,
    range: &FrameRange,
    sampled: &dyn Fn(usize, &FrameRange) -> Vec<u64>,
) -> Vec<u64> {
    let mut wanted = vec![false; usize::try_from(range.end.saturating_sub(range.start)).unwrap_or_default()];
    for &step in plan.passes.get(pass).map_or(&[][..], |pass| &pass.process) {
        let reader = &plan.steps[step];
        if !reader.pixels.contains(&pixels) {
            continue;
        }
        let halo = reader.halo_for(item);
        let reach =
            FrameRange { start: range.start.saturating_sub(halo.after), end: range.end.saturating_add(halo.before) };
        for frame in sampled(step, &reach) {
            let first = frame.saturating_sub(halo.before).max(range.start);
            let end = frame.saturating_add(halo.after).saturating_add(1).min(range.end);
            (first..end).for_each(|near| wanted[(near - range.start) as usize] = true);
        }
    }
    (range.start..).zip(wanted).filter_map(|(frame, wanted)| wanted.then_some(frame)).collect()
}

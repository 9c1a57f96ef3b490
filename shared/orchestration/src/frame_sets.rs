//! Sets of frames: as ascending numbers, and as ranges.
use framefleet_frames::FrameRange;
pub(crate) use framefleet_frames::outcomes::skips;
use framefleet_ledger::KeyHasher;
use framefleet_stage::Halo;

/// The union of [frame − before, frame + after] over the sampled frames, cut to the window.
pub(crate) fn visible_ranges(sampled: &[u64], halo: Halo, window: &FrameRange) -> Vec<FrameRange> {
    let mut ranges: Vec<FrameRange> = Vec::new();
    for frame in sampled {
        let start = frame.saturating_sub(halo.before).max(window.start);
        let end = (frame + halo.after + 1).min(window.end);
        match ranges.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => ranges.push(FrameRange { start, end }),
        }
    }
    ranges
}

/// Ranges without some frames.
pub(crate) fn without(ranges: &[FrameRange], frames: &[u64]) -> Vec<FrameRange> {
    if frames.is_empty() {
        return ranges.to_vec();
    }
    let left = ranges.iter().flat_map(|range| range.start..range.end).filter(|frame| !frames.contains(frame));
    skips(left, "").into_iter().filter_map(|run| run.range).collect()
}

pub(crate) fn covers(ranges: &[FrameRange], frame: u64) -> bool {
    ranges.iter().any(|range| (range.start..range.end).contains(&frame))
}

/// Numbers that come in ascending order, each once.
pub(crate) fn ascending(numbers: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut numbers: Vec<usize> = numbers.collect();
    numbers.dedup();
    numbers
}

/// Frames of `range` that are not in `frames` (ascending).
pub(crate) fn complement(frames: &[u64], range: &FrameRange) -> Vec<u64> {
    (range.start..range.end).filter(|frame| frames.binary_search(frame).is_err()).collect()
}

pub(crate) fn hash_range(hasher: KeyHasher, name: &str, range: &FrameRange) -> KeyHasher {
    hasher.field_u64(name, range.start).field_u64(name, range.end)
}

/// Frames, ascending, as runs: most often all of a batch.
pub(crate) fn hash_frames(hasher: KeyHasher, name: &str, frames: &[u64]) -> KeyHasher {
    let mut bytes = Vec::new();
    for run in frames.chunk_by(|before, next| *next == before + 1) {
        for number in [run.first(), run.last()].into_iter().flatten() {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    hasher.field(name, &bytes)
}

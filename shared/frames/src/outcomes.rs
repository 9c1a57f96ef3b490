//! Outcomes of a task's frames: every frame has a result, but for those that are listed.
use crate::{FrameRange, FrameSkip, Outcomes};
use std::borrow::Borrow;
use std::collections::BTreeSet;

/// Frames that outcomes leave without a result.
pub fn without_result(outcomes: &Outcomes) -> BTreeSet<u64> {
    let skipped = outcomes.skipped.iter().filter_map(|skip| skip.range).flat_map(|range| range.start..range.end);
    outcomes.failed.iter().map(|failure| failure.frame).chain(skipped).collect()
}

/// Ascending frames as skipped by one rule, consecutive ones together.
pub fn skips(frames: impl IntoIterator<Item = impl Borrow<u64>>, rule: &str) -> Vec<FrameSkip> {
    let mut skips: Vec<FrameSkip> = Vec::new();
    for frame in frames {
        let frame = *frame.borrow();
        match skips.last_mut().and_then(|skip| skip.range.as_mut()) {
            Some(range) if range.end == frame => range.end += 1,
            _ => skips
                .push(FrameSkip { range: Some(FrameRange { start: frame, end: frame + 1 }), rule: rule.to_owned() }),
        }
    }
    skips
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FrameFailure;

    #[test]
    fn consecutive_frames_are_skipped_together() {
        let skip = |start, end| FrameSkip { range: Some(FrameRange { start, end }), rule: "sampling".to_owned() };
        assert_eq!(skips([3, 4, 5, 8, 10, 11], "sampling"), [skip(3, 6), skip(8, 9), skip(10, 12)]);
        assert_eq!(skips([0; 0], "sampling"), []);
    }

    #[test]
    fn failed_and_skipped_frames_have_no_result() {
        let failed = vec![FrameFailure { frame: 7, ..FrameFailure::default() }];
        let outcomes = Outcomes { failed, skipped: skips([1, 2, 9], "sampling") };
        assert_eq!(without_result(&outcomes), BTreeSet::from([1, 2, 7, 9]));
    }
}

//! Outcomes of a task's frames: every frame has exactly one.
use framefleet_frames::Outcome;
use framefleet_proto::v1::{Entry, FrameRange, Outcomes};
use std::collections::BTreeMap;

/// The rule whose frames have no row: they were never asked for.
pub const SAMPLING: &str = "sampling";

/// Frames of a task by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// With a result.
    pub result: u64,
    /// That failed.
    pub failed: u64,
    /// That a rule left out.
    pub skipped: u64,
}

impl Counts {
    /// Adds those of other frames.
    pub fn add(&mut self, other: Self) {
        self.result += other.result;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Counts an entry's frames; in words, why some frame has no outcome or two.
pub fn check(entry: &Entry) -> Result<Counts, String> {
    let range = entry.id.as_ref().and_then(|id| id.range).unwrap_or_default();
    let none = Outcomes::default();
    let outcomes = entry.outcomes.as_ref().unwrap_or(&none);
    if range.end < range.start {
        return Err(format!("its range ends at {} before it begins at {}", range.end, range.start));
    }
    let failed =
        outcomes.failed.iter().map(|failure| FrameRange { start: failure.frame, end: failure.frame.saturating_add(1) });
    let skipped = outcomes.skipped.iter().map(|skip| skip.range.unwrap_or_default());
    let mut exceptions: Vec<FrameRange> = failed.chain(skipped.clone()).collect();
    exceptions.sort_by_key(|range| (range.start, range.end));
    let mut at = range.start;
    for exception in exceptions {
        if exception.end <= exception.start {
            return Err(format!("a skipped range {}–{} is empty", exception.start, exception.end));
        }
        if exception.start < range.start || exception.end > range.end {
            return Err(format!("frames {}–{} with an outcome lie outside its range", exception.start, exception.end));
        }
        if exception.start < at {
            return Err(format!("frame {} has two outcomes", exception.start));
        }
        at = exception.end;
    }
    let failed = outcomes.failed.len() as u64;
    let skipped = skipped.map(|range| range.end - range.start).sum();
    Ok(Counts { result: range.end - range.start - failed - skipped, failed, skipped })
}

/// The outcomes of a task, by frame.
pub struct ByFrame<'a> {
    failed: BTreeMap<u64, (&'a str, &'a str)>,
    /// By start: end and rule.
    skipped: BTreeMap<u64, (u64, &'a str)>,
}

impl<'a> ByFrame<'a> {
    /// Those that an entry lists.
    pub fn new(outcomes: Option<&'a Outcomes>) -> Self {
        let failed = outcomes.into_iter().flat_map(|outcomes| &outcomes.failed);
        let skipped = outcomes.into_iter().flat_map(|outcomes| &outcomes.skipped);
        Self {
            failed: failed.map(|failure| (failure.frame, (failure.code.as_str(), failure.reason.as_str()))).collect(),
            skipped: skipped
                .filter_map(|skip| skip.range.map(|range| (range.start, (range.end, skip.rule.as_str()))))
                .collect(),
        }
    }

    /// What became of a frame of the task.
    pub fn of(&self, frame: u64) -> Outcome {
        if let Some((code, reason)) = self.failed.get(&frame) {
            return Outcome::Failed { code: (*code).to_owned(), reason: (*reason).to_owned() };
        }
        match self.skipped.range(..=frame).next_back() {
            Some((_, (end, rule))) if frame < *end => Outcome::Skipped { rule: (*rule).to_owned() },
            _ => Outcome::Result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_proto::v1::{FrameFailure, FrameSkip, TaskId};

    fn entry(failed: &[u64], skipped: &[(u64, u64)]) -> Entry {
        let failed = failed.iter().map(|&frame| FrameFailure { frame, ..Default::default() }).collect();
        let skip =
            |&(start, end): &(u64, u64)| FrameSkip { range: Some(FrameRange { start, end }), rule: "r".to_owned() };
        Entry {
            id: Some(TaskId { range: Some(FrameRange { start: 10, end: 20 }), ..Default::default() }),
            outcomes: Some(Outcomes { failed, skipped: skipped.iter().map(skip).collect() }),
            ..Default::default()
        }
    }

    #[test]
    fn every_frame_has_one_outcome() {
        assert_eq!(check(&entry(&[11, 15], &[(12, 14), (19, 20)])), Ok(Counts { result: 5, failed: 2, skipped: 3 }));
        assert_eq!(check(&Entry::default()), Ok(Counts::default()));
        for (failed, skipped, word) in [
            (&[11, 11][..], &[][..], "two outcomes"),
            (&[13], &[(12, 14)], "two outcomes"),
            (&[9], &[], "outside"),
            (&[], &[(18, 21)], "outside"),
            (&[], &[(15, 15)], "empty"),
        ] {
            let reason = check(&entry(failed, skipped)).unwrap_err();
            assert!(reason.contains(word), "{reason}");
        }
    }

    #[test]
    fn outcomes_are_found_by_frame() {
        let entry = entry(&[11], &[(12, 14), (16, 17)]);
        let outcomes = ByFrame::new(entry.outcomes.as_ref());
        let skipped: Vec<u64> =
            (10..20).filter(|frame| matches!(outcomes.of(*frame), Outcome::Skipped { .. })).collect();
        assert_eq!(skipped, [12, 13, 16]);
        assert!(matches!(outcomes.of(11), Outcome::Failed { .. }));
        assert_eq!(outcomes.of(19), Outcome::Result);
    }
}

//! Frames by outcome.
use framefleet_frames::FrameSkip;
use framefleet_proto::v1::EntryOutcomes;
use std::ops::AddAssign;

/// The rule by which a step's sampling leaves frames out.
pub(crate) const SAMPLING: &str = "sampling";

/// Frames by outcome, for progress and for limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames with a result.
    pub result: u64,
    /// Frames that failed.
    pub failed: u64,
    /// Frames that a rule left out, sampling among them.
    pub skipped: u64,
    /// Frames that sampling left out.
    pub sampled_out: u64,
}

impl Counts {
    /// What came of a task.
    pub(crate) fn of(entry: &EntryOutcomes) -> Self {
        let skips = || entry.outcomes.iter().flat_map(|outcomes| &outcomes.skipped);
        let frames = |skip: &FrameSkip| skip.range.map_or(0, |range| range.end.saturating_sub(range.start));
        Self {
            result: entry.frames_done,
            failed: entry.outcomes.as_ref().map_or(0, |outcomes| outcomes.failed.len() as u64),
            skipped: skips().map(frames).sum(),
            sampled_out: skips().filter(|skip| skip.rule == SAMPLING).map(frames).sum(),
        }
    }

    /// Frames with an outcome, but for those that sampling left out: nobody was to do those.
    pub fn settled(&self) -> u64 {
        (self.result + self.failed + self.skipped).saturating_sub(self.sampled_out)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.result += more.result;
        self.failed += more.failed;
        self.skipped += more.skipped;
        self.sampled_out += more.sampled_out;
    }
}

//! Frames by outcome, and when there are too many failures to go on.
use crate::state::JobState;
use framefleet_media::FrameSkip;
use framefleet_proto::v1::{EntryOutcomes, Outcomes};
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

impl JobState {
    /// Adds an entry to the counts, and stops a job that only fails.
    pub(crate) fn count(&mut self, step: usize, item: usize, entry: &EntryOutcomes) {
        let outcomes = entry.outcomes.clone().unwrap_or_default();
        self.counts[step] += Counts::of(entry);
        let failed: u64 = self.counts.iter().map(|counts| counts.failed).sum();
        if self.options.max_failures.is_some_and(|limit| failed > limit) && self.stop.is_none() {
            self.stop = Some(format!("{failed} frames have failed, more than --max-failures allows"));
        }
        self.watch_for_hopelessness(step, item, entry.frames_done, &outcomes);
    }

    /// When three batches of different items (or the first three of a lone item) fail with one code and none has succeeded,
    /// going on would only repeat it.
    fn watch_for_hopelessness(&mut self, step: usize, item: usize, results: u64, outcomes: &Outcomes) {
        if results > 0 {
            self.failing[step] = None;
            return;
        }
        let Some(first) = outcomes.failed.first() else { return };
        let lone = self.footage.len() == 1;
        let Some((code, items)) = &mut self.failing[step] else { return };
        if code.is_empty() {
            *code = first.code.clone();
        }
        if *code != first.code || outcomes.failed.iter().any(|failure| failure.code != first.code) {
            self.failing[step] = None;
            return;
        }
        if lone || !items.contains(&item) {
            items.push(item);
        }
        if items.len() >= 3 && self.stop.is_none() {
            let name = self.plan.steps.get(step).map_or("ingest", |step| step.name.as_str());
            self.stop =
                Some(format!("step {name}: the first three batches all failed ({}): {}", first.code, first.reason));
        }
    }
}

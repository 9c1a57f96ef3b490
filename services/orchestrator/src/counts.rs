//! Frames by outcome, and when there are too many failures to go on.
use crate::state::JobState;
use framefleet_proto::v1::{EntryOutcomes, Outcomes};

/// Frames by outcome, for progress and for limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames with a result.
    pub result: u64,
    /// Frames that failed.
    pub failed: u64,
    /// Frames that a rule left out.
    pub skipped: u64,
}

impl JobState {
    /// Adds an entry to the counts, and stops a job that only fails.
    pub(crate) fn count(&mut self, step: usize, item: usize, entry: &EntryOutcomes) {
        let outcomes = entry.outcomes.clone().unwrap_or_default();
        let counts = &mut self.counts[step];
        counts.result += entry.frames_done;
        counts.failed += outcomes.failed.len() as u64;
        counts.skipped +=
            outcomes.skipped.iter().filter_map(|skip| skip.range).map(|range| range.end - range.start).sum::<u64>();
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

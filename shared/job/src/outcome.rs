//! What a job has come to.
use crate::left_out::LeftOut;
use framefleet_bottleneck::Finding;
use framefleet_orchestration::{Ending, JobSummary, Machines};
use framefleet_records::Failures;
use framefleet_service::Exit;
use framefleet_utilisation::Utilisation;

/// Problems that are named where there is not room for all.
const NAMED: usize = 10;

/// What a job has come to.
#[derive(Clone, Debug)]
pub struct JobOutcome {
    /// What the orchestrator says of the run.
    pub summary: JobSummary,
    /// Files of the source that are no readable item: (name, why).
    pub refused: Vec<(String, String)>,
    /// What the job did not take of its source.
    pub left_out: LeftOut,
    /// Lines of failures.jsonl: frames that failed, in all steps, and items.
    pub failures: u64,
    /// Items that a step's finish failed on: (name, step and why).
    pub failed_items: Vec<(String, String)>,
    /// How it used what it ran on.
    pub performance: Performance,
    kind: OutcomeKind,
}

/// How a job used what it ran on.
#[derive(Clone, Debug)]
pub struct Performance {
    /// What it could run on.
    pub machines: Machines,
    /// How busy workers and devices were, as far as that was read.
    pub utilisation: Option<Utilisation>,
    /// What held it up, the most pressing first; empty when nothing had to be done.
    pub findings: Vec<Finding>,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeKind {
    /// Everything was done.
    Done,
    /// Everything was done, but for the failures that are listed.
    Partial,
    /// It was interrupted.
    Interrupted,
    /// It stopped before its end.
    Stopped,
}

impl OutcomeKind {
    /// In words, as job.json keeps it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partial => "done, but for the failures listed in failures.jsonl",
            Self::Interrupted => "interrupted",
            Self::Stopped => "stopped",
        }
    }

    /// The exit code it makes.
    pub fn exit(self) -> Exit {
        match self {
            Self::Done => Exit::Done,
            Self::Partial => Exit::Partial,
            Self::Interrupted => Exit::Interrupted,
            Self::Stopped => Exit::Failed,
        }
    }
}

impl JobOutcome {
    pub(crate) fn new(
        summary: JobSummary,
        (refused, left_out): (Vec<(String, String)>, LeftOut),
        failures: Failures,
        performance: Performance,
    ) -> Self {
        let Failures { lines: failures, items: failed_items } = failures;
        let kind = match &summary.ending {
            Ending::Stopped(_) => OutcomeKind::Stopped,
            Ending::Interrupted => OutcomeKind::Interrupted,
            Ending::Finished if failures > 0 || !summary.unfinished.is_empty() => OutcomeKind::Partial,
            Ending::Finished => OutcomeKind::Done,
        };
        Self { summary, refused, left_out, failures, failed_items, performance, kind }
    }

    /// How it ended.
    pub fn kind(&self) -> OutcomeKind {
        self.kind
    }

    /// What did not work, one line each: unreadable items, finishes that failed, on all items or on one, corrections that have lost what they speak of.
    pub fn problems(&self) -> Vec<String> {
        let summary = &self.summary;
        let unread = self.refused.iter().chain(&summary.damage).map(|(item, why)| format!("{item}: {why}"));
        let unfinished =
            summary.unfinished.iter().map(|(step, why)| format!("the finish of step {step} failed: {why}"));
        let failed = self.failed_items.iter().map(|(item, why)| format!("{item}: {why}"));
        unread.chain(unfinished).chain(failed).chain(summary.edits.lost.iter().cloned()).collect()
    }

    /// What held the run up most, in a sentence with its figures, and what helps.
    pub fn bottleneck(&self) -> String {
        self.performance.findings.first().map_or_else(|| "nothing had to be done".to_owned(), Finding::to_string)
    }
}

/// Problems in a line: the first ones, and how many more there are.
pub(crate) fn in_short(problems: &[String]) -> String {
    let named = problems.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join("; ");
    match problems.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named}; and {more} more, which failures.jsonl lists"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_problems_are_counted() {
        let problems = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
        assert_eq!(in_short(&problems(2)), "0; 1");
        let many = in_short(&problems(12));
        assert!(many.ends_with("; 9; and 2 more, which failures.jsonl lists"), "{many}");
    }
}

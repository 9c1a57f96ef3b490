//! What a job has come to.
use crate::left_out::LeftOut;
use framefleet_orchestration::{Efficiency, Ending, JobSummary, Machines};
use framefleet_records::Failures;
use framefleet_service::Exit;

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
    /// What it could run on.
    pub machines: Machines,
    kind: OutcomeKind,
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
        machines: Machines,
    ) -> Self {
        let Failures { lines: failures, items: failed_items } = failures;
        let kind = match &summary.ending {
            Ending::Stopped(_) => OutcomeKind::Stopped,
            Ending::Interrupted => OutcomeKind::Interrupted,
            Ending::Finished if failures > 0 || !summary.unfinished.is_empty() => OutcomeKind::Partial,
            Ending::Finished => OutcomeKind::Done,
        };
        Self { summary, refused, left_out, failures, failed_items, machines, kind }
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

    /// What held the run up, in a sentence.
    pub fn bottleneck(&self) -> String {
        let progress = &self.summary.progress;
        let Some(step) = progress.bottleneck() else { return "nothing had to be done".to_owned() };
        let efficiency = Efficiency::of(progress, self.machines);
        let total: f64 = progress.steps.iter().map(|step| step.task_seconds).sum();
        let percent = |share: f64| 100.0 * share;
        let device = match efficiency.device {
            0.0 => String::new(),
            share => format!(", devices ran {:.0} % of the time", percent(share)),
        };
        format!(
            "{} took {:.0} % of all task time; threads were busy {:.0} % of the time, {:.0} % of that waiting{device}",
            step.step,
            percent(step.task_seconds / total),
            percent(efficiency.utilisation),
            percent(efficiency.waiting),
        )
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

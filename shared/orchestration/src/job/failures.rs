//! Tasks that fail: when they are tried again, when they are given up, and when the job stops.
use crate::counts::Counts;
use crate::task::TaskRef;
use framefleet_proto::v1::EntryOutcomes;
use std::collections::{BTreeMap, HashMap};

/// How often a task is tried before its frames are given up.
pub const ATTEMPTS: u32 = 5;

/// Batches that fail with one code before a job fails fast.
const FAIL_FAST_AFTER: usize = 3;

/// Codes of failures that say nothing of the footage: when trying again does not help, the job stops, and no frame is given up.
const OF_THE_FLEET: [&str; 3] = ["no-room", "blob-store", "bus"];

/// Whether a failure with this code says nothing of the footage.
pub(crate) fn is_of_the_fleet(code: &str) -> bool {
    OF_THE_FLEET.contains(&code)
}

/// What became of a task that failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is tried again, or the failure is old news.
    Again,
    /// It is not tried again.
    GivenUp,
    /// Nothing of the job is, for this reason.
    Stop(String),
}

/// What failed in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BatchFailure {
    /// Code and reason of the first frame that failed.
    pub code: String,
    pub reason: String,
    /// Whether all that failed did so with this code.
    pub is_uniform: bool,
}

impl BatchFailure {
    /// What an entry says has failed.
    pub fn of(entry: &EntryOutcomes) -> Option<Self> {
        let failed = &entry.outcomes.as_ref()?.failed;
        let first = failed.first()?;
        let is_uniform = failed.iter().all(|failure| failure.code == first.code);
        Some(Self { code: first.code.clone(), reason: first.reason.clone(), is_uniform })
    }
}

/// Whether a step does nothing but fail.
#[derive(Clone, Debug)]
enum Beginning {
    /// So far every batch has, with this code, on these items; no batch at all while the code is empty.
    Failing { code: String, items: Vec<usize> },
    /// Something has succeeded, or failed in another way.
    Fine,
}

/// The failures of a job.
#[derive(Debug)]
pub(crate) struct Failures {
    /// Attempts that have failed, by task; of the pass that runs.
    attempts: HashMap<TaskRef, u32>,
    /// Tasks that no worker does, so that their entries are to be written by the orchestrator: those that were given up, with code and
    /// reason, and those of which no frame is to be done.
    without_worker: BTreeMap<TaskRef, Option<(String, String)>>,
    /// By step; ingest is behind the last step.
    beginnings: Vec<Beginning>,
    max_frames: Option<u64>,
    is_lone_item: bool,
}

impl Failures {
    /// None yet, of a job with so many steps and items, which stops when more than `max_frames` have failed.
    pub fn new(steps: usize, items: usize, max_frames: Option<u64>) -> Self {
        let beginning = Beginning::Failing { code: String::new(), items: Vec::new() };
        Self {
            attempts: HashMap::new(),
            without_worker: BTreeMap::new(),
            beginnings: vec![beginning; steps + 1],
            max_frames,
            is_lone_item: items == 1,
        }
    }

    /// Another pass begins.
    pub fn begin_pass(&mut self) {
        self.attempts.clear();
    }

    /// Attempts of a task that have failed.
    pub fn attempts(&self, task: TaskRef) -> u32 {
        self.attempts.get(&task).copied().unwrap_or(0)
    }

    /// An attempt of a task has failed.
    pub fn fail(&mut self, task: TaskRef, attempt: u32, code: &str, reason: &str, retryable: bool) -> Verdict {
        let attempts = self.attempts.entry(task).or_insert(0);
        if attempt < *attempts {
            return Verdict::Again;
        }
        *attempts = attempt + 1;
        if retryable && *attempts < ATTEMPTS {
            return Verdict::Again;
        }
        if is_of_the_fleet(code) {
            let tried = if retryable { format!(" (tried {ATTEMPTS} times)") } else { String::new() };
            return Verdict::Stop(format!("{reason}{tried}"));
        }
        Verdict::GivenUp
    }

    /// The orchestrator writes a task's entry: all its frames have failed.
    pub fn give_up(&mut self, task: TaskRef, code: String, reason: String) {
        self.without_worker.insert(task, Some((code, reason)));
    }

    /// The orchestrator writes a task's entry: none of its frames is to be done.
    pub fn leave_idle(&mut self, task: TaskRef) {
        self.without_worker.insert(task, None);
    }

    /// A task has its entry.
    pub fn settle(&mut self, task: TaskRef) {
        self.without_worker.remove(&task);
    }

    /// Whether a task was given up.
    pub fn is_given_up(&self, task: TaskRef) -> bool {
        self.without_worker.get(&task).is_some_and(Option::is_some)
    }

    /// Tasks whose entries the orchestrator writes; code and reason of those that were given up.
    pub fn without_worker(&self) -> impl Iterator<Item = (TaskRef, Option<&(String, String)>)> {
        self.without_worker.iter().map(|(task, given_up)| (*task, given_up.as_ref()))
    }

    /// Why the job stops now that so many frames of it have failed.
    pub fn too_many(&self, failed: u64) -> Option<String> {
        let is_over = self.max_frames.is_some_and(|limit| failed > limit);
        is_over.then(|| format!("{failed} frames have failed, more than --max-failures allows"))
    }

    /// Notes what came of a batch of an item. When three batches of different items (or the first three of a lone item) fail with one code and
    /// none has succeeded, going on would only repeat it: the code and reason then.
    pub fn fail_fast(
        &mut self,
        step: usize,
        item: usize,
        counts: &Counts,
        failure: Option<&BatchFailure>,
    ) -> Option<(String, String)> {
        let beginning = self.beginnings.get_mut(step)?;
        if counts.result > 0 {
            *beginning = Beginning::Fine;
            return None;
        }
        let failure = failure?;
        let Beginning::Failing { code, items } = beginning else { return None };
        if code.is_empty() {
            code.clone_from(&failure.code);
        }
        if *code != failure.code || !failure.is_uniform {
            *beginning = Beginning::Fine;
            return None;
        }
        if self.is_lone_item || !items.contains(&item) {
            items.push(item);
        }
        (items.len() >= FAIL_FAST_AFTER).then(|| (failure.code.clone(), failure.reason.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: TaskRef = TaskRef { pass: 0, item: 0, index: 0, step: 0, kind: crate::task::Work::Process };

    fn failing(code: &str) -> BatchFailure {
        BatchFailure { code: code.to_owned(), reason: "why".to_owned(), is_uniform: true }
    }

    #[test]
    fn a_task_is_tried_five_times_and_old_news_change_nothing() {
        let mut failures = Failures::new(1, 1, None);
        let mut fail = |attempt, retryable| failures.fail(TASK, attempt, "timeout", "slow", retryable);
        for attempt in 0..4 {
            assert_eq!(fail(attempt, true), Verdict::Again);
        }
        assert_eq!(fail(3, true), Verdict::Again, "it came twice");
        assert_eq!(fail(4, true), Verdict::GivenUp);
        assert_eq!(failures.attempts(TASK), 5);
        assert_eq!(failures.fail(TaskRef { index: 1, ..TASK }, 0, "bad-input", "cut", false), Verdict::GivenUp);
    }

    #[test]
    fn what_the_fleet_lacks_stops_the_job_and_gives_no_frame_up() {
        let mut failures = Failures::new(1, 1, None);
        assert_eq!(failures.fail(TASK, 0, "bus", "too large", false), Verdict::Stop("too large".to_owned()));
        let stopped = failures.fail(TASK, 4, "no-room", "full", true);
        assert_eq!(stopped, Verdict::Stop("full (tried 5 times)".to_owned()));
    }

    #[test]
    fn three_items_that_fail_alike_are_enough_and_one_result_is_hope() {
        let (none, one) = (Counts::default(), Counts { result: 1, ..Counts::default() });
        let mut failures = Failures::new(1, 5, None);
        let failure = failing("decode");
        let mut fail = |item| failures.fail_fast(0, item, &none, Some(&failure));
        assert_eq!([fail(0), fail(0), fail(1)], [None, None, None], "one item twice counts once");
        assert_eq!(fail(2), Some(("decode".to_owned(), "why".to_owned())));

        let mut hopeful = Failures::new(1, 5, None);
        assert_eq!(hopeful.fail_fast(0, 0, &one, None), None);
        for item in 1..5 {
            assert_eq!(hopeful.fail_fast(0, item, &none, Some(&failure)), None, "one had a result");
        }
        let mut various = Failures::new(1, 1, None);
        for code in ["decode", "model", "decode", "decode", "decode"] {
            assert_eq!(various.fail_fast(0, 0, &none, Some(&failing(code))), None, "not one code");
        }
    }

    #[test]
    fn tasks_without_a_worker_are_so_until_they_have_their_entry() {
        let mut failures = Failures::new(1, 1, Some(3));
        failures.leave_idle(TASK);
        let other = TaskRef { index: 7, ..TASK };
        failures.give_up(other, "crash".to_owned(), "it died".to_owned());
        assert!(failures.is_given_up(other) && !failures.is_given_up(TASK));
        failures.settle(TASK);
        assert_eq!(failures.without_worker().map(|(task, _)| task).collect::<Vec<_>>(), [other]);
        assert!(failures.too_many(3).is_none() && failures.too_many(4).is_some());
    }
}

//! What goes by around the own work of tasks.
use framefleet_proto::control::StepWaits;
use framefleet_proto::v1::Done;
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// Seconds around the own work of tasks, summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Waits {
    /// From publication until a worker took the task, as far as the machines' clocks agree.
    pub queue: f64,
    /// Reading its inputs: frames out of blobs, results out of the ledger.
    pub fetch: f64,
    /// Loading its stage with its models.
    pub load: f64,
    /// Waiting for a free thread.
    pub thread: f64,
    /// Putting what it made into the ledger.
    pub commit: f64,
}

impl Waits {
    /// Those of a task.
    pub(crate) fn of(done: &Done) -> Self {
        Self {
            queue: done.queue_seconds,
            fetch: done.fetch_seconds,
            load: done.load_seconds,
            thread: done.thread_seconds,
            commit: done.commit_seconds,
        }
    }
}

impl AddAssign for Waits {
    fn add_assign(&mut self, more: Self) {
        self.queue += more.queue;
        self.fetch += more.fetch;
        self.load += more.load;
        self.thread += more.thread;
        self.commit += more.commit;
    }
}

impl From<Waits> for StepWaits {
    fn from(Waits { queue, fetch, load, thread, commit }: Waits) -> Self {
        Self { queue, fetch, load, thread, commit }
    }
}

impl From<StepWaits> for Waits {
    fn from(StepWaits { queue, fetch, load, thread, commit }: StepWaits) -> Self {
        Self { queue, fetch, load, thread, commit }
    }
}

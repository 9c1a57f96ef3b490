//! A job under way: its state, and what of it is published.
use super::JobRun;
use crate::edits::Resolved;
use crate::job::JobState;
use crate::latency::{LatencyRecorder, StepLatency};
use crate::pace::{Pace, Worked};
use crate::progress::Progress;
use crate::task::{INGEST, TaskRef, Work};
use crate::trace::Trace;
use crate::waits::Waits;
use framefleet_bus::Subject;
use framefleet_proto::v1::Done;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a job that ends early waits for tasks under way; what they finish later is not lost, but is not reported.
const PATIENCE: Duration = Duration::from_secs(60);

/// A job under way.
pub(crate) struct Running {
    pub(super) run: JobRun,
    pub(super) state: JobState,
    pub(crate) inflight: BTreeMap<TaskRef, Published>,
    /// Tasks that failed, until they may be tried again.
    pub(super) waiting: HashMap<TaskRef, Instant>,
    /// By step, ingest last: where its tasks on frames wait.
    queues: Vec<Subject>,
    pace: Pace,
    /// By step, ingest last.
    latencies: Vec<LatencyRecorder>,
    pub(super) completed: BTreeSet<String>,
    pub(super) edits: Resolved,
    pub(super) started: Instant,
    pub(super) first_result: Option<Duration>,
    /// When it began to come to its end.
    ending: Option<Instant>,
    epoch: u64,
    published: u64,
    pub(super) trace: Trace,
}

/// A task under way.
pub(crate) struct Published {
    pub(crate) subject: Subject,
    /// How often in a row its queue was found empty.
    pub(crate) quiet: u32,
}

impl Running {
    pub(super) fn new(run: JobRun, epoch: u64) -> Self {
        let items = run.items.iter().map(framefleet_frames::item::without_files).collect();
        let state = JobState::new(Arc::clone(&run.plan), items, run.options.clone());
        let steps = run.plan.steps.len() + 1;
        let queues = (0..steps).map(|step| state.queue(step)).collect();
        Self {
            ending: None,
            epoch,
            published: 0,
            trace: Trace::of_job(&run.job),
            run,
            state,
            inflight: BTreeMap::new(),
            waiting: HashMap::new(),
            queues,
            pace: Pace::new(steps),
            latencies: vec![LatencyRecorder::new(); steps],
            completed: BTreeSet::new(),
            edits: Resolved::default(),
            started: Instant::now(),
            first_result: None,
        }
    }

    /// Whether nothing more is to be waited for: tasks under way come to their end, also when nobody needs them any more,
    /// unless that takes too long.
    pub(super) fn is_over(&mut self, stopping: bool) -> bool {
        if !(stopping || self.state.stopped().is_some() || self.state.is_finished()) {
            return false;
        }
        let since = *self.ending.get_or_insert_with(Instant::now);
        self.inflight.is_empty() || since.elapsed() > PATIENCE
    }

    /// A task is no longer under way.
    pub(crate) fn landed(&mut self, task: TaskRef) {
        if let Some(published) = self.inflight.remove(&task) {
            self.run.share.give_back(&published.subject);
        }
    }

    /// An id for a message: never used before, also not by an earlier owner of the output.
    pub(super) fn next_id(&mut self) -> String {
        self.published += 1;
        format!("{}.{}.{}", self.run.job, self.epoch, self.published)
    }

    /// Takes note of what a task took.
    pub(super) fn worked(&mut self, task: TaskRef, done: &Done) {
        let failed = done.frames_failed;
        let worked = Worked {
            seconds: done.stage_seconds,
            cpu_seconds: done.cpu_seconds,
            device_seconds: done.device_seconds,
            delay_seconds: done.delay_seconds,
            frames: done.frames_done + failed,
            tasks: 1,
            waits: Waits::of(done),
            peak_memory: done.peak_memory,
        };
        let step = match task.kind {
            Work::Finish => return self.pace.finish(task.step, worked),
            Work::Process => task.step,
            Work::Ingest => self.run.plan.steps.len(),
            Work::Index => return,
        };
        self.pace.task(self.started.elapsed(), step, worked);
        if let Some(latency) = self.latencies.get_mut(step) {
            latency.add(done);
        }
    }

    /// How long the tasks on frames took, of every step that had some.
    pub(super) fn latencies(&self) -> Vec<StepLatency> {
        let names = self.run.plan.steps.iter().map(|step| step.name.as_str()).chain([INGEST]);
        names.zip(&self.latencies).filter_map(|(step, latency)| latency.of_step(step)).collect()
    }

    pub(super) fn progress(&mut self) -> Progress {
        let now = self.started.elapsed();
        for step in 0..self.run.plan.steps.len() {
            let (seconds, frames) = self.state.took_earlier(step);
            self.pace.took_earlier(step, seconds, frames);
        }
        let remaining = self.state.remaining(|step| self.pool(step));
        Progress {
            time_left: self.pace.left(now, &remaining),
            first_result: self.first_result,
            waiting_for: self.run.share.unserved(),
            ..self.state.progress(&self.pace, now)
        }
    }

    /// Which threads do a step (ingest is behind the last), and how many of its tasks they can run at a time: in one process all, in a
    /// fleet those of its queue.
    fn pool(&self, step: usize) -> (usize, usize) {
        let Some(queue) = self.queues.get(step) else { return (step, 0) };
        match self.run.share.shared_slots() {
            Some(slots) => (0, slots),
            None => {
                let first = self.queues.iter().position(|other| other == queue).unwrap_or(step);
                (first, self.run.share.slots_of(queue))
            }
        }
    }

    /// Waits until the first task may be tried again; for ever when none waits.
    pub(super) async fn next_retry(&mut self) {
        let Some((&task, &at)) = self.waiting.iter().min_by_key(|(_, at)| **at) else {
            return std::future::pending().await;
        };
        tokio::time::sleep_until(at.into()).await;
        self.waiting.remove(&task);
    }
}

//! How fast a job goes and how long its pass still takes, from what its tasks took lately.
//!
//! The work that is left is measured in seconds of tasks: frames that are left of each step, times what a frame of it takes. It is divided
//! by the tasks that ran at a time, as the same tasks say. Steps that share threads are one pool: their work adds up. Steps with workers
//! of their own work beside each other: the slowest decides.
use crate::waits::Waits;
use std::collections::VecDeque;
use std::ops::AddAssign;
use std::time::Duration;

/// Seconds that a rate looks back, unless tasks take long.
const WINDOW: f64 = 30.0;
/// Tasks of the slowest step, one after another, that a rate looks back over at least.
const LONGEST: f64 = 4.0;
/// Tasks of the slowest step, one after another, that must have passed before anything is said.
const ENOUGH: f64 = 1.5;
/// Tasks that must be done before anything is said.
const FEWEST: u64 = 4;
/// Seconds between moments that are remembered.
const STRIDE: f64 = 0.1;

/// What tasks of one step took in this run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Worked {
    /// Wall time of the stage's own work, summed over tasks.
    pub seconds: f64,
    /// Processor time of it.
    pub cpu_seconds: f64,
    /// Time that its runs occupied a device beside the processor.
    pub device_seconds: f64,
    /// Time in it that tasks were ready to compute and others had the cores.
    pub delay_seconds: f64,
    /// Frames that got a result or failed.
    pub frames: u64,
    /// Tasks.
    pub tasks: u64,
    /// What went by around that work.
    pub waits: Waits,
    /// Largest resident memory of a process that did some of it, bytes; 0 where that is not known.
    pub peak_memory: u64,
}

impl AddAssign for Worked {
    fn add_assign(&mut self, more: Self) {
        self.seconds += more.seconds;
        self.cpu_seconds += more.cpu_seconds;
        self.device_seconds += more.device_seconds;
        self.delay_seconds += more.delay_seconds;
        self.frames += more.frames;
        self.tasks += more.tasks;
        self.waits += more.waits;
        self.peak_memory = self.peak_memory.max(more.peak_memory);
    }
}

/// What a step has left to do in the pass that runs, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Remaining {
    /// The step.
    pub step: usize,
    /// Frames that its tasks have yet to work on.
    pub frames: f64,
    /// Which threads do it: steps of one pool share them.
    pub pool: usize,
    /// How many tasks the pool can run at a time; 0 when no worker serves it.
    pub slots: usize,
}

/// What a run's tasks took, by step, over all and lately.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    total: Vec<Worked>,
    /// Sums of process and ingest tasks at moments, the oldest first: as many as the window has.
    moments: VecDeque<Moment>,
    /// What frames of a step took in earlier runs: seconds, frames.
    earlier: Vec<(f64, u64)>,
}

#[derive(Clone, Debug)]
struct Moment {
    at: f64,
    sums: Vec<Worked>,
}

impl Pace {
    /// Nothing was done yet of so many steps.
    pub fn new(steps: usize) -> Self {
        Self { total: vec![Worked::default(); steps], moments: VecDeque::new(), earlier: vec![(0.0, 0); steps] }
    }

    /// A task on frames was done, so long after the run began.
    pub fn task(&mut self, at: Duration, step: usize, worked: Worked) {
        self.add(step, worked);
        let at = at.as_secs_f64();
        if self.moments.is_empty() {
            // Work began with the first task, whatever was waited for before.
            let sums = vec![Worked::default(); self.total.len()];
            self.moments.push_back(Moment { at: (at - worked.seconds).max(0.0), sums });
        }
        let Some(mut sums) = self.moments.back().map(|last| last.sums.clone()) else { return };
        if let Some(sum) = sums.get_mut(step) {
            *sum += worked;
        }
        let close = self.moments.len() > 1 && self.moments.iter().nth_back(1).is_some_and(|last| at - last.at < STRIDE);
        if close {
            self.moments.pop_back();
        }
        self.moments.push_back(Moment { at, sums });
        let back = WINDOW.max(LONGEST * self.longest(0..self.total.len()));
        while self.moments.get(1).is_some_and(|second| at - second.at >= back) {
            self.moments.pop_front();
        }
    }

    /// A finish half was done.
    pub fn finish(&mut self, step: usize, worked: Worked) {
        self.add(step, worked);
    }

    /// Frames of a step took so long in earlier runs: what is expected of them until this run has done some.
    pub fn took_earlier(&mut self, step: usize, seconds: f64, frames: u64) {
        if let Some(earlier) = self.earlier.get_mut(step) {
            *earlier = (seconds, frames);
        }
    }

    /// What tasks of a step took in this run.
    pub fn total(&self, step: usize) -> Worked {
        self.total.get(step).copied().unwrap_or_default()
    }

    /// Frames of a step per second of wall time, lately.
    pub fn frames_per_second(&self, now: Duration, step: usize) -> f64 {
        let (seconds, sums) = self.lately(now);
        let frames = sums.get(step).map_or(0, |sum| sum.frames);
        if seconds > 0.0 { frames as f64 / seconds } else { 0.0 }
    }

    /// How long what is left takes; `None` while too little was done to know.
    pub fn left(&self, now: Duration, remaining: &[Remaining]) -> Option<Duration> {
        let open = || remaining.iter().filter(|of| of.frames > 0.0);
        let (seconds, sums) = self.lately(now);
        let tasks: u64 = sums.iter().map(|sum| sum.tasks).sum();
        if tasks < FEWEST || seconds < ENOUGH * self.longest(open().map(|of| of.step)) {
            return None;
        }
        let pools: std::collections::BTreeSet<usize> = open().map(|of| of.pool).collect();
        let (mut busiest, mut left) = ((0.0, 0.0), 0.0_f64);
        for pool in pools {
            let members = || remaining.iter().filter(|of| of.pool == pool);
            let slots = members().map(|of| of.slots).max().filter(|slots| *slots > 0)? as f64;
            let work = members()
                .filter(|of| of.frames > 0.0)
                .map(|of| Some(of.frames * self.seconds_per_frame(of.step, &sums)?))
                .sum::<Option<f64>>()?;
            let busy: f64 = members().filter_map(|of| sums.get(of.step)).map(|sum| sum.seconds).sum();
            let at_a_time = (busy / seconds).min(slots);
            if at_a_time / slots > busiest.0 {
                busiest = (at_a_time / slots, work / at_a_time);
            }
            left = left.max(work / slots);
        }
        let since = self.moments.back().map_or(0.0, |last| (now.as_secs_f64() - last.at).max(0.0));
        Duration::try_from_secs_f64((left.max(busiest.1) - since).max(0.0)).ok()
    }

    fn add(&mut self, step: usize, worked: Worked) {
        if let Some(total) = self.total.get_mut(step) {
            *total += worked;
        }
    }

    /// Seconds of the longest task of these steps, on the average of each.
    fn longest(&self, steps: impl Iterator<Item = usize>) -> f64 {
        let sums = self.moments.back().map_or(&[][..], |last| &last.sums);
        let mean =
            |step| sums.get(step).filter(|sum: &&Worked| sum.tasks > 0).map(|sum| sum.seconds / sum.tasks as f64);
        steps.filter_map(mean).fold(0.0, f64::max)
    }

    /// The window: its length in seconds, and what was done in it. It ends with the last task, unless one is overdue.
    fn lately(&self, now: Duration) -> (f64, Vec<Worked>) {
        let (Some(first), Some(last)) = (self.moments.front(), self.moments.back()) else { return (0.0, Vec::new()) };
        let overdue = now.as_secs_f64() - last.at > LONGEST * self.longest(0..self.total.len());
        let end = if overdue { now.as_secs_f64() } else { last.at };
        let done = |(last, first): (&Worked, &Worked)| Worked {
            seconds: last.seconds - first.seconds,
            frames: last.frames - first.frames,
            tasks: last.tasks - first.tasks,
            ..Worked::default()
        };
        (end - first.at, last.sums.iter().zip(&first.sums).map(done).collect())
    }

    /// What a frame takes: of late where that is more than a task or two, else on the average of this run, else of earlier ones.
    fn seconds_per_frame(&self, step: usize, lately: &[Worked]) -> Option<f64> {
        let all = self.moments.back().and_then(|last| last.sums.get(step)).copied().unwrap_or_default();
        let few = |worked: &&Worked| worked.tasks < FEWEST || worked.frames == 0;
        let worked = lately.get(step).filter(|worked| !few(worked)).copied().unwrap_or(all);
        let (seconds, frames) = match worked.frames {
            0 => self.earlier.get(step).copied().unwrap_or_default(),
            frames => (worked.seconds, frames),
        };
        (frames > 0).then(|| seconds / frames as f64)
    }
}

#[cfg(test)]
mod tests;

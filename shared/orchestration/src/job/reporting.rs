//! How far the job is, for progress.
use super::JobState;
use crate::counts::Counts;
use crate::pace::{Pace, Remaining};
use crate::progress::{Progress, StepProgress};
use crate::task::INGEST;
use framefleet_pipeline::PixelSource;
use std::time::Duration;

impl JobState {
    /// Progress as far as the state knows it, with what its tasks took.
    pub(crate) fn progress(&self, pace: &Pace, now: Duration) -> Progress {
        let ingest = self.plan().steps.len();
        Progress {
            frames: self.workload.frames(),
            steps: (0..=ingest).map(|step| self.step_progress(step, pace, now)).collect(),
            pass: self.pass() + 1,
            passes: self.plan().passes.len(),
            finishing: self.finishing(),
            reserved_bytes: self.memory.reserved(),
            elapsed: now,
            ..Progress::default()
        }
    }

    fn step_progress(&self, step: usize, pace: &Pace, now: Duration) -> StepProgress {
        let planned = self.plan().steps.get(step);
        let Counts { result, failed, skipped, sampled_out } = self.counts(step);
        let frames = match planned {
            Some(_) => self.workload.step(step),
            None => self.workload.decoding(self.pass(), &self.readers_by_pass()),
        };
        let worked = pace.total(step);
        StepProgress {
            step: planned.map_or(INGEST, |step| step.name.as_str()).to_owned(),
            stage: planned.map_or(INGEST, |step| step.stage.as_str()).to_owned(),
            result,
            failed,
            // Frames of a batch that nobody looks at are none of the job's.
            skipped: if planned.is_some() { skipped } else { skipped.saturating_sub(sampled_out) },
            frames: frames.all,
            reused: frames.reused,
            done: frames.done,
            left: frames.left,
            frames_per_second: pace.frames_per_second(now, step),
            task_seconds: worked.seconds,
            cpu_seconds: worked.cpu_seconds,
            device_seconds: worked.device_seconds,
            delay_seconds: worked.delay_seconds,
            waits: worked.waits,
            peak_memory: worked.peak_memory,
            frames_worked: worked.frames,
            tasks: worked.tasks,
            finished: planned.is_some() && self.finished_key(step).is_some(),
        }
    }

    /// What every step of the pass that runs has left to do, ingest last. `pool` says which threads do a step, and how many tasks they
    /// can run at a time.
    pub(crate) fn remaining(&self, pool: impl Fn(usize) -> (usize, usize)) -> Vec<Remaining> {
        let of = |step: usize, frames: f64| {
            let (pool, slots) = pool(step);
            Remaining { step, frames, pool, slots }
        };
        let pass = self.shared.process_steps().iter().map(|&step| {
            let readers: Vec<usize> = self.shared.readers_of(self.pass(), PixelSource::Step(step)).collect();
            of(step, self.workload.work_left(step, &readers))
        });
        let decoding = self.workload.decoding_left(self.pass(), &self.readers_by_pass());
        pass.chain([of(self.plan().steps.len(), decoding as f64)]).collect()
    }

    /// What frames of a step that the output held took when they were done: seconds, frames.
    pub(crate) fn took_earlier(&self, step: usize) -> (f64, u64) {
        (self.workload.reused_seconds(step), self.workload.step(step).reused)
    }

    fn readers_by_pass(&self) -> Vec<Vec<usize>> {
        (0..self.plan().passes.len()).map(|pass| self.shared.readers_of(pass, PixelSource::Ingest).collect()).collect()
    }

    /// Steps whose finish is all that the pass waits for.
    fn finishing(&self) -> Vec<String> {
        if !self.drained() || self.finished || self.shared.preview().is_some() {
            return Vec::new();
        }
        let open = |step: &&usize| !self.shared.finish(**step).is_over();
        let steps = self.shared.finish_steps().iter().filter(open);
        steps.map(|step| self.plan().steps[*step].name.clone()).collect()
    }
}

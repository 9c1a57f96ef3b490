//! How far a job is, how fast it goes, and how long it still takes.
use crate::counts::Counts;
use crate::messages::INGEST;
use crate::pace::{Pace, Remaining};
use crate::state::{FinishStatus, JobState};
use framefleet_pipeline::PixelSource;
use serde::Serialize;
use std::time::Duration;

/// One step's progress.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StepProgress {
    /// Name of the step; the last one is `ingest`.
    pub step: String,
    /// Its stage.
    pub stage: String,
    /// Frames with a result.
    pub result: u64,
    /// Frames that failed.
    pub failed: u64,
    /// Frames that a rule left out, sampling among them.
    pub skipped: u64,
    /// Frames that are to have an outcome: those of the job's range that the step samples. Estimated from headers until items are
    /// indexed. Of ingest, those that this run decodes.
    pub frames: u64,
    /// Of them, those that the output held before this run.
    pub reused: u64,
    /// Of them, those that this run did.
    pub done: u64,
    /// Of them, those that are left for this run.
    pub left: u64,
    /// Frames per second of wall time, lately.
    pub frames_per_second: f64,
    /// Seconds that tasks of this step worked in this run, on the wall.
    pub task_seconds: f64,
    /// Seconds of a processor that they took.
    pub cpu_seconds: f64,
    /// Seconds that they occupied a device beside the processor.
    pub device_seconds: f64,
    /// Frames that its tasks worked on in this run, those among them that were made again.
    pub frames_worked: u64,
    /// Tasks done in this run.
    pub tasks: u64,
    /// Whether its finish is done.
    pub finished: bool,
}

impl StepProgress {
    /// Frames that have their outcome.
    pub fn settled(&self) -> u64 {
        self.reused + self.done
    }
}

/// A job's progress.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Progress {
    /// Frames that the job does: of all items those that some step is to have an outcome for.
    pub frames: u64,
    /// By step, in the plan's order; ingest last.
    pub steps: Vec<StepProgress>,
    /// The pass that is running, from 1, and how many there are.
    pub pass: usize,
    /// Number of passes.
    pub passes: usize,
    /// How long the frames of the pass that is running still take; `None` while that cannot be known.
    pub time_left: Option<Duration>,
    /// Steps whose finish is all that the pass waits for.
    pub finishing: Vec<String>,
    /// Bytes that batches in flight have reserved.
    pub reserved_bytes: u64,
    /// Stages that no worker serves while tasks wait for one.
    pub waiting_for: Vec<String>,
    /// Time since the run began.
    pub elapsed: Duration,
    /// Time from the run's begin to its first result.
    pub first_result: Option<Duration>,
}

impl Progress {
    /// Frames that are through all steps: as large a part of the job as that of the step furthest behind.
    pub fn done(&self) -> u64 {
        let steps = self.of_pipeline().filter(|step| step.frames > 0);
        let through = |step: &StepProgress| {
            (u128::from(self.frames) * u128::from(step.settled()) / u128::from(step.frames)) as u64
        };
        steps.map(through).min().unwrap_or_default()
    }

    /// Frames per second of the job, lately: of the step that does most, since others may sample.
    pub fn frames_per_second(&self) -> f64 {
        self.of_pipeline().map(|step| step.frames_per_second).fold(0.0, f64::max)
    }

    /// Frames per second of the job over the whole run.
    pub fn mean_frames_per_second(&self) -> f64 {
        let most = self.of_pipeline().map(|step| step.frames_worked).max().unwrap_or_default();
        most as f64 / self.elapsed.as_secs_f64().max(1e-3)
    }

    /// All steps but ingest.
    fn of_pipeline(&self) -> impl Iterator<Item = &StepProgress> {
        self.steps.iter().filter(|step| step.step != INGEST)
    }
}

impl JobState {
    /// Progress as far as the state knows it, with what its tasks took.
    pub(crate) fn progress(&self, pace: &Pace, now: Duration) -> Progress {
        let ingest = self.plan.steps.len();
        Progress {
            frames: self.workload.frames(),
            steps: (0..=ingest).map(|step| self.step_progress(step, pace, now)).collect(),
            pass: self.pass + 1,
            passes: self.plan.passes.len(),
            finishing: self.finishing(),
            reserved_bytes: self.reserved,
            elapsed: now,
            ..Progress::default()
        }
    }

    fn step_progress(&self, step: usize, pace: &Pace, now: Duration) -> StepProgress {
        let planned = self.plan.steps.get(step);
        let Counts { result, failed, skipped, sampled_out } = self.counts(step);
        let frames = match planned {
            Some(_) => self.workload.step(step),
            None => self.workload.decoding(self.pass, &self.readers_by_pass()),
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
        let pass = self.plan.passes[self.pass].process.iter().map(|&step| {
            let readers: Vec<usize> = self.readers_of(self.pass, PixelSource::Step(step)).collect();
            of(step, self.workload.work_left(step, &readers))
        });
        let decoding = self.workload.decoding_left(self.pass, &self.readers_by_pass());
        pass.chain([of(self.plan.steps.len(), decoding as f64)]).collect()
    }

    /// What frames of a step that the output held took when they were done: seconds, frames.
    pub(crate) fn took_earlier(&self, step: usize) -> (f64, u64) {
        (self.workload.reused_seconds(step), self.workload.step(step).reused)
    }

    fn readers_by_pass(&self) -> Vec<Vec<usize>> {
        (0..self.plan.passes.len()).map(|pass| self.readers_of(pass, PixelSource::Ingest).collect()).collect()
    }

    /// Steps whose finish is all that the pass waits for.
    fn finishing(&self) -> Vec<String> {
        if !self.drained() || self.finished || self.options.preview.is_some() {
            return Vec::new();
        }
        let open = |step: &&usize| !matches!(self.finish[**step], FinishStatus::Done(..) | FinishStatus::Failed(_));
        let steps = self.plan.passes[self.pass].finish.iter().filter(open);
        steps.map(|step| self.plan.steps[*step].name.clone()).collect()
    }
}

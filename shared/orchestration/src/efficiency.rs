//! How well a run used its machines: its frames per second beside those that its bare work allows.
//!
//! *Efficiency* is frames per second of the job ÷ min(cores ÷ CPU seconds per frame of all its stages' own work with decoding, devices ÷
//! seconds per frame that this work occupied them). Frames cancel out, so it is the larger of two shares: of the cores' time, that which
//! stages computed; of the devices' time, that in which they ran something. A thread that waits (for a device, a disk, a lock) computes
//! nothing, and is busy all the same: *utilisation* is the share of the threads' time that was spent in tasks, whatever they did.
use crate::progress::{Progress, StepProgress};
use serde::Serialize;

/// What a job can run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machines {
    /// Threads that compute at a time.
    pub threads: usize,
    /// Devices beside the processor; 0 when there are none.
    pub devices: usize,
}

/// How well a run used its machines; all shares are 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Efficiency {
    /// Frames per second of the job.
    pub frames_per_second: f64,
    /// That, over what the bare work allows: the larger of the next two.
    pub efficiency: f64,
    /// Share of the cores' time that stages computed.
    pub cpu: f64,
    /// Share of the devices' time that they ran something.
    pub device: f64,
    /// Share of the threads' time that was spent in tasks, waiting included.
    pub utilisation: f64,
    /// Share of the tasks' time that their threads waited.
    pub waiting: f64,
}

impl Efficiency {
    /// That of a run.
    pub fn of(progress: &Progress, machines: Machines) -> Self {
        let sum = |of: fn(&StepProgress) -> f64| progress.steps.iter().map(of).sum::<f64>();
        let tasks = sum(|step| step.task_seconds);
        let computed = sum(|step| step.cpu_seconds);
        let elapsed = progress.elapsed.as_secs_f64();
        let cpu = share(computed, elapsed * machines.threads as f64);
        let device = share(sum(|step| step.device_seconds), elapsed * machines.devices as f64);
        Self {
            frames_per_second: progress.mean_frames_per_second(),
            efficiency: cpu.max(device),
            cpu,
            device,
            utilisation: share(tasks, elapsed * machines.threads as f64),
            waiting: share((tasks - computed).max(0.0), tasks),
        }
    }
}

fn share(of: f64, all: f64) -> f64 {
    if all > 0.0 { (of / all).clamp(0.0, 1.0) } else { 0.0 }
}

impl Progress {
    /// The step that used most time of tasks.
    pub fn bottleneck(&self) -> Option<&StepProgress> {
        self.steps
            .iter()
            .filter(|step| step.task_seconds > 0.0)
            .max_by(|a, b| a.task_seconds.total_cmp(&b.task_seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Ten seconds of a job of 100 frames: wall, processor and device seconds of its one step.
    fn efficiency(seconds: [f64; 3], machines: Machines) -> Efficiency {
        let [task_seconds, cpu_seconds, device_seconds] = seconds;
        let step = StepProgress {
            step: "pose".to_owned(),
            task_seconds,
            cpu_seconds,
            device_seconds,
            frames_worked: 100,
            ..StepProgress::default()
        };
        let progress = Progress { steps: vec![step], elapsed: Duration::from_secs(10), ..Progress::default() };
        Efficiency::of(&progress, machines)
    }

    #[test]
    fn threads_that_compute_all_the_time_are_efficient() {
        let all = efficiency([19.0, 19.0, 0.0], Machines { threads: 2, devices: 0 });
        assert_eq!((all.efficiency, all.utilisation, all.waiting), (0.95, 0.95, 0.0));
        assert_eq!(all.frames_per_second, 10.0);
    }

    #[test]
    fn threads_that_wait_are_busy_and_not_efficient() {
        let idle = efficiency([20.0, 2.0, 0.0], Machines { threads: 2, devices: 0 });
        assert_eq!((idle.utilisation, idle.efficiency, idle.waiting), (1.0, 0.1, 0.9));
    }

    #[test]
    fn a_device_that_runs_all_the_time_is_what_the_bare_work_allows() {
        let one = Machines { threads: 2, devices: 1 };
        let all = efficiency([20.0, 2.0, 9.5], one);
        assert_eq!((all.efficiency, all.device, all.cpu), (0.95, 0.95, 0.1));
        assert_eq!(efficiency([20.0, 2.0, 9.5], Machines { devices: 2, ..one }).device, 0.475);
    }

    #[test]
    fn nothing_done_is_nothing() {
        let none = Efficiency::of(&Progress::default(), Machines { threads: 0, devices: 0 });
        assert_eq!(none, Efficiency::default());
    }
}

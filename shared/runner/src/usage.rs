//! What a stage's own work took: on the wall, of a processor, and of a device beside it.
use crate::host_provider::HostProvider;
use framefleet_proto::v1::Done;
use framefleet_utilisation::process::{self, run_delay};
use rustix::time::{ClockId, clock_gettime};
use std::time::Instant;

/// Seconds of one piece of work. What it did not compute, it waited for: a device, a disk, a lock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// On the wall.
    pub wall: f64,
    /// Of a processor, by the thread that did it. Stages start no threads of their own, and models run on the calling one.
    pub cpu: f64,
    /// That its runs occupied a device beside the processor.
    pub device: f64,
    /// That it was ready to compute and others had the cores, as far as the kernel says.
    pub delayed: f64,
    /// Before it, for a free thread.
    pub waited: f64,
}

impl Usage {
    /// Does a piece of work on this thread.
    pub fn measure<T>(hosts: &dyn HostProvider, work: impl FnOnce() -> T) -> (T, Self) {
        let delay = run_delay();
        let (began, cpu, device) = (Instant::now(), cpu_seconds(), hosts.device_seconds());
        let value = work();
        let usage = Self {
            wall: began.elapsed().as_secs_f64(),
            cpu: cpu_seconds() - cpu,
            device: hosts.device_seconds() - device,
            delayed: delay.zip(run_delay()).map_or(0.0, |(before, after)| after.saturating_sub(before).as_secs_f64()),
            waited: 0.0,
        };
        (value, usage)
    }

    /// What is reported of a task that took this.
    pub fn done(self) -> Done {
        Done {
            stage_seconds: self.wall,
            cpu_seconds: self.cpu,
            device_seconds: self.device,
            delay_seconds: self.delayed,
            thread_seconds: self.waited,
            peak_memory: process::memory().map_or(0, |memory| memory.peak),
            ..Done::default()
        }
    }
}

/// Processor time of this thread so far.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_stage::Host;
    use std::time::Duration;

    #[test]
    fn waiting_is_no_computing() {
        let ((), usage) = Usage::measure(&Host::default(), || std::thread::sleep(Duration::from_millis(50)));
        assert!(usage.wall >= 0.05 && usage.cpu < 0.02, "{usage:?}");
    }

    #[test]
    fn computing_is_no_waiting() {
        let until = cpu_seconds() + 0.05;
        let ((), usage) = Usage::measure(&Host::default(), || while cpu_seconds() < until {});
        assert!(usage.cpu >= 0.045 && usage.cpu <= usage.wall, "{usage:?}");
    }
}

//! This process: processor time and memory, as the kernel counts them.
use rustix::time::{ClockId, clock_gettime};
use std::thread::available_parallelism;
use std::time::Duration;

/// Resident memory of a process in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessMemory {
    /// Now.
    pub resident: u64,
    /// The most so far, or since [`reset_peak_memory`].
    pub peak: u64,
}

/// Processor time of all threads of this process so far, those that have ended included.
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Time that this thread was ready to compute and others had the cores (`/proc/thread-self/schedstat`); `None` where the kernel does not
/// say.
pub fn run_delay() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

/// Cores that this process may use: affinity and the limits of its container count.
pub fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// Memory of this process (`VmRSS` and `VmHWM` of `/proc/self/status`); `None` where the kernel does not say.
///
/// Not `getrusage`: its peak is inherited from the program that started this one.
pub fn memory() -> Option<ProcessMemory> {
    parse(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// Lets the peak begin again at what is resident now; whether the kernel does that (Linux, where `/proc` may be written).
pub fn reset_peak_memory() -> bool {
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

fn parse(status: &str) -> Option<ProcessMemory> {
    let bytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kilobytes * 1024)
    };
    Some(ProcessMemory { resident: bytes("VmRSS:")?, peak: bytes("VmHWM:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_read_by_name_and_a_missing_line_is_no_zero() {
        let status = "Name:\tx\nVmPeak:\t  999 kB\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\n";
        assert_eq!(parse(status), Some(ProcessMemory { resident: 200 << 10, peak: 300 << 10 }));
        assert_eq!(parse("VmRSS:\t200 kB\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_that_was_used_is_in_the_peak_until_that_begins_again() {
        let before = memory().unwrap();
        let block = vec![1_u8; 64 << 20];
        assert!(memory().unwrap().peak >= before.resident + (60 << 20), "{before:?}");
        drop(std::hint::black_box(block));
        if reset_peak_memory() {
            let after = memory().unwrap();
            assert!(after.peak < before.resident + (60 << 20), "{before:?} {after:?}");
        }
    }

    #[test]
    fn computing_takes_processor_time() {
        let until = cpu_time() + Duration::from_millis(20);
        while cpu_time() < until {}
        assert!(cores() >= 1);
    }
}

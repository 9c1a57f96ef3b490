//! Reads this process, its machine and its devices.
use crate::device::{DeviceReader, DeviceReading};
use crate::process;
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A process, its machine and its devices at a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Reading {
    /// Seconds that [`Reading::cpu_cores`] is a mean over: since the reading before.
    pub seconds: f64,
    /// Cores that the process kept busy: its processor time over the time that went by.
    pub cpu_cores: f64,
    /// Cores that it may use.
    pub cores: usize,
    /// Its resident memory in bytes.
    pub memory: Option<u64>,
    /// Memory of the machine, or of its container where that is limited.
    pub machine_memory: Option<MachineMemory>,
    /// Devices beside the processor.
    pub devices: Vec<DeviceReading>,
}

/// Memory of a machine or container in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MachineMemory {
    /// In use, by all processes; what the kernel can drop is not in use.
    pub used: u64,
    /// All there is.
    pub total: u64,
}

impl MachineMemory {
    /// Share in use, 0 to 1.
    pub fn share(self) -> f64 {
        if self.total == 0 { 0.0 } else { self.used as f64 / self.total as f64 }
    }
}

/// Takes readings, each over the time since the one before.
pub struct Meter {
    devices: Arc<dyn DeviceReader>,
    system: Option<sysinfo::System>,
    at: Instant,
    cpu: Duration,
}

impl Meter {
    /// A meter of this process and these devices; its first reading counts from now.
    pub fn new(devices: Arc<dyn DeviceReader>) -> Self {
        Self { devices, system: sysinfo::System::new().ok(), at: Instant::now(), cpu: process::cpu_time() }
    }

    /// How things are now.
    pub fn read(&mut self) -> Reading {
        let (at, cpu) = (Instant::now(), process::cpu_time());
        let seconds = at.duration_since(self.at).as_secs_f64();
        let used = cpu.saturating_sub(self.cpu).as_secs_f64();
        (self.at, self.cpu) = (at, cpu);
        Reading {
            seconds,
            cpu_cores: if seconds > 0.0 { used / seconds } else { 0.0 },
            cores: process::cores(),
            memory: process::memory().map(|memory| memory.resident),
            machine_memory: self.machine_memory(),
            devices: self.devices.read(),
        }
    }

    fn machine_memory(&mut self) -> Option<MachineMemory> {
        let system = self.system.as_mut()?;
        system.refresh_memory();
        let machine = (system.total_memory(), system.available_memory());
        let container = system.cgroup_limits().map(|limits| (limits.total_memory, limits.free_memory));
        let limited = container.filter(|(total, _)| *total > 0 && *total < machine.0);
        let (total, free) = limited.unwrap_or(machine);
        (total > 0).then(|| MachineMemory { used: total.saturating_sub(free), total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::NoDevices;

    #[test]
    fn a_thread_that_computes_is_a_core_that_is_busy() {
        let mut meter = Meter::new(Arc::new(NoDevices));
        let until = process::cpu_time() + Duration::from_millis(50);
        while process::cpu_time() < until {}
        let reading = meter.read();
        assert!(reading.cpu_cores * reading.seconds >= 0.049, "{reading:?}");
        assert!(reading.devices.is_empty() && reading.cores >= 1);
        let machine = reading.machine_memory.unwrap();
        assert!(machine.used > 0 && machine.used <= machine.total, "{machine:?}");
    }
}

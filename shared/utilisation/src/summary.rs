//! Readings of one process or of a fleet's, folded into means and peaks.
use crate::meter::Reading;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How busy processes and devices were over some time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Utilisation {
    /// Readings that it is made of.
    pub samples: u64,
    /// Cores that the processes kept busy, on the mean.
    pub cpu_cores: f64,
    /// Cores of their machines.
    pub cores: usize,
    /// Largest resident memory of one process in bytes, of all readings; its own peak may be higher between two.
    pub memory_peak: Option<u64>,
    /// Largest share of a machine's memory (or a container's) in use by all its processes, 0 to 1.
    pub machine_memory_peak: Option<f64>,
    /// Devices beside the processors.
    pub devices: Vec<DeviceUtilisation>,
}

/// How busy a device was. What its driver never said is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceUtilisation {
    /// Its machine; empty for this one.
    pub host: String,
    /// What programs call it: `cuda:0`.
    pub device: String,
    /// What its maker calls it.
    pub name: String,
    /// Mean of its utilisation, 0 to 1.
    pub utilisation: Option<f64>,
    /// Largest utilisation.
    pub utilisation_peak: Option<f64>,
    /// Most bytes of its memory in use, by all processes.
    pub memory_peak: Option<u64>,
    /// Bytes of its memory.
    pub memory_total: Option<u64>,
    /// Highest temperature, degrees Celsius.
    pub temperature_peak: Option<u32>,
    /// Mean clock of its processors, MHz.
    pub clock_mhz: Option<f64>,
}

impl Utilisation {
    /// Share of the cores that was busy, 0 to 1; `None` before the first reading.
    pub fn cpu(&self) -> Option<f64> {
        (self.samples > 0 && self.cores > 0).then(|| (self.cpu_cores / self.cores as f64).clamp(0.0, 1.0))
    }
}

/// Folds readings. Processes of one machine share its cores and devices.
#[derive(Clone, Debug, Default)]
pub struct UtilisationBuilder {
    samples: u64,
    /// By machine and process: (core seconds, seconds).
    cpu: BTreeMap<(String, String), (f64, f64)>,
    /// By machine.
    cores: BTreeMap<String, usize>,
    memory_peak: Option<u64>,
    machine_memory_peak: Option<f64>,
    /// By machine and device.
    devices: BTreeMap<(String, String), DeviceSums>,
}

#[derive(Clone, Debug, Default)]
struct DeviceSums {
    peaks: DeviceUtilisation,
    utilisation: Mean,
    clock: Mean,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean(f64, u32);

impl Mean {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            *self = Self(self.0 + value, self.1 + 1);
        }
    }

    fn get(self) -> Option<f64> {
        (self.1 > 0).then(|| self.0 / f64::from(self.1))
    }
}

impl UtilisationBuilder {
    /// Adds what a process on a machine read.
    pub fn add(&mut self, host: &str, process: &str, reading: &Reading) {
        self.samples += 1;
        let cpu = self.cpu.entry((host.to_owned(), process.to_owned())).or_default();
        *cpu = (cpu.0 + reading.cpu_cores * reading.seconds, cpu.1 + reading.seconds);
        let cores = self.cores.entry(host.to_owned()).or_default();
        *cores = (*cores).max(reading.cores);
        self.memory_peak = self.memory_peak.max(reading.memory);
        if let Some(share) = reading.machine_memory.map(crate::MachineMemory::share) {
            self.machine_memory_peak = Some(self.machine_memory_peak.map_or(share, |peak| peak.max(share)));
        }
        for device in &reading.devices {
            let sums = self.devices.entry((host.to_owned(), device.device.clone())).or_default();
            let peaks = &mut sums.peaks;
            (peaks.host, peaks.device, peaks.name) = (host.to_owned(), device.device.clone(), device.name.clone());
            peaks.utilisation_peak = match (peaks.utilisation_peak, device.utilisation) {
                (Some(peak), Some(now)) => Some(peak.max(now)),
                (peak, now) => peak.or(now),
            };
            peaks.memory_peak = peaks.memory_peak.max(device.memory_used);
            peaks.memory_total = device.memory_total.or(peaks.memory_total);
            peaks.temperature_peak = peaks.temperature_peak.max(device.temperature);
            sums.utilisation.add(device.utilisation);
            sums.clock.add(device.clock_mhz.map(f64::from));
        }
    }

    /// Means and peaks so far.
    pub fn build(&self) -> Utilisation {
        let mean = |(used, seconds): &(f64, f64)| if *seconds > 0.0 { used / seconds } else { 0.0 };
        let device = |sums: &DeviceSums| DeviceUtilisation {
            utilisation: sums.utilisation.get(),
            clock_mhz: sums.clock.get(),
            ..sums.peaks.clone()
        };
        Utilisation {
            samples: self.samples,
            cpu_cores: self.cpu.values().map(mean).sum(),
            cores: self.cores.values().sum(),
            memory_peak: self.memory_peak,
            machine_memory_peak: self.machine_memory_peak,
            devices: self.devices.values().map(device).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::DeviceReading;
    use crate::meter::MachineMemory;

    fn reading(cpu_cores: f64, memory: u64, devices: Vec<DeviceReading>) -> Reading {
        let machine_memory = Some(MachineMemory { used: memory, total: 1000 });
        Reading { seconds: 1.0, cpu_cores, cores: 4, memory: Some(memory), machine_memory, devices }
    }

    fn gpu(utilisation: Option<f64>, temperature: Option<u32>) -> DeviceReading {
        let (device, name) = ("cuda:0".to_owned(), "fake".to_owned());
        DeviceReading { device, name, utilisation, temperature, memory_used: Some(7), ..DeviceReading::default() }
    }

    #[test]
    fn processes_of_a_machine_share_its_cores_and_devices() {
        let mut all = UtilisationBuilder::default();
        for (host, process, cores) in [("a", "1", 1.0), ("a", "1", 3.0), ("a", "2", 1.0), ("b", "3", 0.5)] {
            all.add(host, process, &reading(cores, 100, vec![gpu(Some(0.4), Some(60))]));
        }
        let all = all.build();
        assert_eq!((all.cpu_cores, all.cores, all.cpu()), (3.5, 8, Some(0.4375)));
        let hosts: Vec<&str> = all.devices.iter().map(|device| device.host.as_str()).collect();
        assert_eq!(hosts, ["a", "b"]);
    }

    #[test]
    fn means_and_peaks_are_of_what_was_said() {
        let mut of = UtilisationBuilder::default();
        of.add("", "", &reading(1.0, 300, vec![gpu(Some(0.2), Some(50))]));
        of.add("", "", &reading(2.0, 900, vec![gpu(None, None)]));
        of.add("", "", &reading(0.0, 100, vec![gpu(Some(0.8), Some(70))]));
        let Utilisation { cpu_cores, memory_peak, machine_memory_peak, devices, .. } = of.build();
        assert_eq!((cpu_cores, memory_peak, machine_memory_peak), (1.0, Some(900), Some(0.9)));
        let [device] = &devices[..] else { panic!("{devices:?}") };
        assert_eq!(
            (device.utilisation, device.utilisation_peak, device.temperature_peak),
            (Some(0.5), Some(0.8), Some(70))
        );
        assert_eq!((device.memory_total, device.clock_mhz), (None, None), "never said, so absent");
        let text = serde_json::to_value(device).unwrap();
        assert!(text["clock_mhz"].is_null(), "absent is null, never 0: {text}");
    }

    #[test]
    fn before_the_first_reading_nothing_is_known() {
        assert_eq!(UtilisationBuilder::default().build().cpu(), None);
    }
}

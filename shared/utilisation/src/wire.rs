//! Readings as workers announce them.
use crate::device::DeviceReading;
use crate::meter::{MachineMemory, Reading};
use framefleet_proto::control::{DeviceLoad, WorkerLoad};

impl From<&Reading> for WorkerLoad {
    fn from(reading: &Reading) -> Self {
        Self {
            seconds: reading.seconds,
            cpu_cores: reading.cpu_cores,
            cores: reading.cores as u32,
            memory: reading.memory,
            machine_memory_used: reading.machine_memory.map(|memory| memory.used),
            machine_memory: reading.machine_memory.map(|memory| memory.total),
            devices: reading.devices.iter().map(DeviceLoad::from).collect(),
        }
    }
}

impl From<&WorkerLoad> for Reading {
    fn from(load: &WorkerLoad) -> Self {
        let machine = load.machine_memory_used.zip(load.machine_memory);
        Self {
            seconds: load.seconds,
            cpu_cores: load.cpu_cores,
            cores: load.cores as usize,
            memory: load.memory,
            machine_memory: machine.map(|(used, total)| MachineMemory { used, total }),
            devices: load.devices.iter().map(DeviceReading::from).collect(),
        }
    }
}

impl From<&DeviceReading> for DeviceLoad {
    fn from(reading: &DeviceReading) -> Self {
        Self {
            device: reading.device.clone(),
            name: reading.name.clone(),
            utilisation: reading.utilisation,
            memory_used: reading.memory_used,
            memory_total: reading.memory_total,
            temperature: reading.temperature,
            clock_mhz: reading.clock_mhz,
            memory_clock_mhz: reading.memory_clock_mhz,
        }
    }
}

impl From<&DeviceLoad> for DeviceReading {
    fn from(load: &DeviceLoad) -> Self {
        Self {
            device: load.device.clone(),
            name: load.name.clone(),
            utilisation: load.utilisation,
            memory_used: load.memory_used,
            memory_total: load.memory_total,
            temperature: load.temperature,
            clock_mhz: load.clock_mhz,
            memory_clock_mhz: load.memory_clock_mhz,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_stays_absent_on_the_wire() {
        let device = DeviceReading { device: "cuda:0".to_owned(), temperature: Some(61), ..DeviceReading::default() };
        let reading = Reading { seconds: 1.0, cpu_cores: 1.5, cores: 2, devices: vec![device], ..Reading::default() };
        assert_eq!(Reading::from(&WorkerLoad::from(&reading)), reading);
        let memory = Some(MachineMemory { used: 3, total: 9 });
        let full = Reading { memory: Some(5), machine_memory: memory, ..reading };
        assert_eq!(Reading::from(&WorkerLoad::from(&full)), full);
    }
}

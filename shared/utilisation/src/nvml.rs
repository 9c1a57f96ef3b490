//! NVIDIA GPUs, by [NVML](https://docs.nvidia.com/deploy/nvml-api/). Its library comes with the driver and is loaded when it is asked for.
use crate::device::{DeviceReader, DeviceReading};
use nvml_wrapper::Nvml;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};

/// A GPU that this process may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisibleGpu {
    /// What programs call it: `cuda:0`.
    pub device: String,
    /// What its maker calls it.
    pub name: String,
    /// What names it on every machine: `GPU-…`.
    pub uuid: String,
}

/// Reads some of the machine's GPUs.
pub struct NvmlReader {
    nvml: Nvml,
    gpus: Vec<VisibleGpu>,
}

impl NvmlReader {
    /// Opens the driver's library; `None` where there is none, or no GPU to read.
    pub fn open(gpus: Vec<VisibleGpu>) -> Option<Self> {
        if gpus.is_empty() {
            return None;
        }
        Nvml::init().ok().map(|nvml| Self { nvml, gpus })
    }

    fn reading(&self, gpu: &VisibleGpu) -> DeviceReading {
        let named = DeviceReading { device: gpu.device.clone(), name: gpu.name.clone(), ..DeviceReading::default() };
        let Ok(device) = self.nvml.device_by_uuid(gpu.uuid.as_str()) else { return named };
        let memory = device.memory_info().ok();
        DeviceReading {
            utilisation: device.utilization_rates().ok().map(|rates| f64::from(rates.gpu) / 100.0),
            memory_used: memory.as_ref().map(|memory| memory.used),
            memory_total: memory.as_ref().map(|memory| memory.total),
            temperature: device.temperature(TemperatureSensor::Gpu).ok(),
            clock_mhz: device.clock_info(Clock::SM).ok(),
            memory_clock_mhz: device.clock_info(Clock::Memory).ok(),
            ..named
        }
    }
}

impl DeviceReader for NvmlReader {
    fn read(&self) -> Vec<DeviceReading> {
        self.gpus.iter().map(|gpu| self.reading(gpu)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_gpu_nothing_is_opened() {
        assert!(NvmlReader::open(Vec::new()).is_none());
    }
}

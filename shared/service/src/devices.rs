//! The GPUs of this machine, for reading how busy they are.
use framefleet_infer::{Device, device};
use framefleet_telemetry::metric;
use framefleet_utilisation::{DeviceReader, NoDevices, NvmlReader, Reading, VisibleGpu};
use std::sync::Arc;

/// Reads the GPUs that this process may use; none where there is no driver.
pub fn device_reader() -> Arc<dyn DeviceReader> {
    let gpus = device::driver().map(|driver| driver.gpus).unwrap_or_default();
    let visible =
        |gpu: device::Gpu| VisibleGpu { device: Device::Cuda(gpu.number).to_string(), name: gpu.name, uuid: gpu.uuid };
    match NvmlReader::open(gpus.into_iter().map(visible).collect()) {
        Some(reader) => Arc::new(reader),
        None => Arc::new(NoDevices),
    }
}

/// Puts a reading into the metrics.
pub(crate) fn measure(reading: &Reading) {
    metric::process(reading.cpu_cores, reading.memory);
    for device in &reading.devices {
        metric::device(&metric::Device {
            id: &device.device,
            name: &device.name,
            utilisation: device.utilisation,
            memory_used: device.memory_used,
            memory_total: device.memory_total,
            temperature: device.temperature,
            clock_mhz: device.clock_mhz,
        });
    }
}

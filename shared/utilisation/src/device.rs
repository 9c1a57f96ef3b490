//! Devices beside the processor, as they are at a moment.
use serde::{Deserialize, Serialize};

/// A device at a moment; what its driver does not say is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceReading {
    /// What programs call it: `cuda:0`.
    pub device: String,
    /// What its maker calls it.
    pub name: String,
    /// Share of the driver's last sampling period in which it computed, 0 to 1.
    pub utilisation: Option<f64>,
    /// Bytes of its memory in use, by all processes.
    pub memory_used: Option<u64>,
    /// Bytes of its memory.
    pub memory_total: Option<u64>,
    /// Degrees Celsius.
    pub temperature: Option<u32>,
    /// Clock of its processors, MHz.
    pub clock_mhz: Option<u32>,
    /// Clock of its memory, MHz.
    pub memory_clock_mhz: Option<u32>,
}

/// Reads the devices of a machine.
pub trait DeviceReader: Send + Sync {
    /// All devices as they are now, in a fixed order.
    fn read(&self) -> Vec<DeviceReading>;
}

/// A machine without devices beside its processor.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDevices;

impl DeviceReader for NoDevices {
    fn read(&self) -> Vec<DeviceReading> {
        Vec::new()
    }
}

//! How busy this process and the devices of its machine are: read now and then, folded into means and peaks.
//!
//! What cannot be read is absent, never 0: a machine without an NVIDIA driver has no devices, and a GPU that does not say its
//! temperature has none.

mod device;
mod meter;
mod nvml;
pub mod process;
mod sampler;
mod summary;
mod wire;

pub use device::{DeviceReader, DeviceReading, NoDevices};
pub use meter::{MachineMemory, Meter, Reading};
pub use nvml::{NvmlReader, VisibleGpu};
pub use sampler::Sampler;
pub use summary::{DeviceUtilisation, Utilisation, UtilisationBuilder};

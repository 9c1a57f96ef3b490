//! How much memory models may take on a device, and how many items at a time suit a machine of that size: one table.
use crate::device::{self, Device};
use serde::Serialize;

/// Share of what a device has free that models may take: the rest is for drivers, other programs, and what grows.
pub const HEADROOM: f64 = 0.9;

/// What suits machines whose device has so much memory.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Preset {
    /// What it is called.
    pub name: &'static str,
    /// GiB of the device's memory from which on it holds; cards state a little less than their name says.
    pub from_gib: f64,
    /// Items of a run at most, where nobody tuned the model.
    pub micro_batch: usize,
    /// Share of what is free that models may take.
    pub share: f64,
}

const fn preset(name: &'static str, from_gib: f64, micro_batch: usize) -> Preset {
    Preset { name, from_gib, micro_batch, share: HEADROOM }
}

/// The processor alone: larger batches bring it nothing, and its memory holds frames as well.
pub const CPU_ONLY: Preset = preset("CPU only", 0.0, 8);

/// GPUs by memory, the smallest first.
pub const GPUS: [Preset; 6] = [
    preset("below 8 GB", 0.0, 2),
    preset("8 GB", 7.0, 4),
    preset("12 GB", 11.0, 8),
    preset("16 GB", 15.0, 16),
    preset("24 GB", 22.0, 32),
    preset("80 GB and more", 75.0, 128),
];

impl Preset {
    /// What suits a GPU with so many bytes of memory.
    pub fn of_gpu(memory: u64) -> Self {
        let gib = memory as f64 / (1u64 << 30) as f64;
        GPUS.into_iter().rev().find(|preset| gib >= preset.from_gib).unwrap_or(GPUS[0])
    }

    /// What suits a device of this machine.
    pub fn of(device: Device) -> Self {
        match device {
            Device::Cpu => CPU_ONLY,
            Device::Cuda(number) => {
                let gpu =
                    device::driver().ok().and_then(|driver| driver.gpus.into_iter().find(|gpu| gpu.number == number));
                gpu.map_or(GPUS[0], |gpu| Self::of_gpu(gpu.memory))
            }
        }
    }

    /// Bytes that models may take of what is free.
    pub fn budget(&self, free: u64) -> u64 {
        (free as f64 * self.share) as u64
    }
}

/// Bytes that models may take on a device from now on; `None` where nobody can say what is free.
pub fn of(device: Device) -> Option<u64> {
    device::free_memory(device).map(|free| Preset::of(device).budget(free))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_find_their_row() {
        let row = |gib: f64| Preset::of_gpu((gib * (1u64 << 30) as f64) as u64).name;
        let found = [6.0, 7.8, 11.6, 15.7, 23.6, 47.5, 79.2, 139.0].map(row);
        let wanted = ["below 8 GB", "8 GB", "12 GB", "16 GB", "24 GB", "24 GB", "80 GB and more", "80 GB and more"];
        assert_eq!(found, wanted);
        assert!(GPUS.is_sorted_by_key(|preset| preset.from_gib) && GPUS.is_sorted_by_key(|preset| preset.micro_batch));
        assert_eq!(GPUS[3].budget(10 << 30), 9 << 30);
    }
}

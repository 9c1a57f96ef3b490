//! What this machine has: cores and memory.
use std::thread::available_parallelism;

/// The most that frames in flight occupy unless `--memory` says otherwise.
const DEFAULT_MOST: u64 = 4 << 30;
/// The least.
const DEFAULT_LEAST: u64 = 256 << 20;

/// Cores this process may use.
pub fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// Bytes that frames in flight may occupy by default: a quarter of what is available.
pub fn default_memory() -> u64 {
    memory(sysinfo::System::available_memory)
        .map_or(DEFAULT_LEAST, |available| (available / 4).clamp(DEFAULT_LEAST, DEFAULT_MOST))
}

/// Bytes that the machine has, if it tells.
pub fn total_memory() -> Option<u64> {
    memory(sysinfo::System::total_memory)
}

fn memory(of: fn(&sysinfo::System) -> u64) -> Option<u64> {
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_memory();
    Some(of(&system))
}

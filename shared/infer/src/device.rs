//! Devices of this machine, and which of them a choice means.
mod visible;

use crate::InferError;
use crate::options::DeviceChoice;
use crate::provider::{self, Provider};
use crate::version::Version;
use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// What models run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub enum Device {
    /// The CPU.
    Cpu,
    /// The GPU of this number.
    Cuda(u32),
}

impl fmt::Display for Device {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => out.write_str("cpu"),
            Self::Cuda(number) => write!(out, "cuda:{number}"),
        }
    }
}

impl From<Device> for String {
    fn from(device: Device) -> Self {
        device.to_string()
    }
}

/// A GPU, as its driver describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gpu {
    /// Its number, as CUDA counts in this process.
    pub number: u32,
    /// What names it on every machine: `GPU-…`.
    pub uuid: String,
    /// What it is called.
    pub name: String,
    /// Compute capability, major and minor.
    pub compute_capability: (i32, i32),
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes of memory that nobody uses now.
    pub free: u64,
}

/// What the NVIDIA driver says.
#[derive(Debug, Clone, Serialize)]
pub struct Driver {
    /// Version of the driver.
    pub version: String,
    /// The newest CUDA that it runs.
    pub cuda: Option<Version>,
    /// The GPUs that this process may use.
    pub gpus: Vec<Gpu>,
}

/// Lowest compute capability that ONNX Runtime's build for CUDA 13 has code for.
pub const MIN_COMPUTE_CAPABILITY: (i32, i32) = (7, 5);

/// Asks the driver; the reason in words if there is none.
pub fn driver() -> Result<Driver, String> {
    let nvml = Nvml::init().map_err(|error| match error {
        NvmlError::LibloadingError(_) => "no NVIDIA driver (libnvidia-ml.so.1 is not there)".to_owned(),
        other => format!("the NVIDIA driver does not answer: {other}"),
    })?;
    let read = || -> Result<Driver, NvmlError> {
        let gpus = (0..nvml.device_count()?).map(|number| {
            let device = nvml.device_by_index(number)?;
            let (capability, memory) = (device.cuda_compute_capability()?, device.memory_info()?);
            Ok(Gpu {
                number,
                uuid: device.uuid()?,
                name: device.name()?,
                compute_capability: (capability.major, capability.minor),
                memory: memory.total,
                free: memory.free,
            })
        });
        let gpus = gpus.collect::<Result<_, NvmlError>>()?;
        let list = std::env::var(visible::VARIABLE).ok();
        let cuda = nvml
            .sys_cuda_driver_version()
            .ok()
            .map(|number| Version(number as u32 / 1000, number as u32 % 1000 / 10, 0));
        Ok(Driver { version: nvml.sys_driver_version()?, cuda, gpus: visible::visible(gpus, list.as_deref()) })
    };
    read().map_err(|error| format!("the NVIDIA driver does not describe its GPUs: {error}"))
}

/// A device, and the providers that will be offered the nodes, the first one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The device.
    pub device: Device,
    /// `sm90`, or the processor's level.
    pub architecture: String,
    /// Providers, ending with the CPU.
    pub providers: Vec<Provider>,
    /// Why `auto` is the CPU, or why a provider that was listed is left out.
    pub notes: Vec<String>,
}

impl Resolved {
    /// The provider that is offered the nodes first.
    pub(crate) fn offered(&self) -> Provider {
        self.providers.first().copied().unwrap_or(Provider::Cpu)
    }
}

/// Finds out which device a choice means, and which of the providers can be used on it. A GPU that is asked for and cannot be used is
/// an error that says what was found instead; `auto` then is the CPU, and notes it.
pub fn resolve(choice: DeviceChoice, wanted: &[Provider], runtime_library: &Path) -> Result<Resolved, InferError> {
    let gpu = match choice {
        DeviceChoice::Cpu => return Ok(cpu(Vec::new())),
        DeviceChoice::Auto => usable(None, wanted, runtime_library),
        DeviceChoice::Cuda(number) => usable(Some(number), wanted, runtime_library),
    };
    match gpu {
        Ok(resolved) => Ok(resolved),
        Err(found) if choice == DeviceChoice::Auto => Ok(cpu(found)),
        Err(found) => Err(InferError::Device { asked: choice.to_string(), found: found.join("; ") }),
    }
}

fn cpu(notes: Vec<String>) -> Resolved {
    Resolved { device: Device::Cpu, architecture: cpu_level().to_owned(), providers: vec![Provider::Cpu], notes }
}

fn usable(number: Option<u32>, wanted: &[Provider], runtime_library: &Path) -> Result<Resolved, Vec<String>> {
    let mut problems = Vec::new();
    let mut providers = Vec::new();
    for provider in wanted.iter().copied().filter(|provider| *provider != Provider::Cpu) {
        let missing = provider::missing_libraries(runtime_library, provider);
        if missing.is_empty() {
            providers.push(provider);
        } else {
            problems.push(format!("provider {provider} lacks {}", missing.join(", ")));
        }
    }
    if wanted.iter().all(|provider| *provider == Provider::Cpu) {
        problems.push("no provider for a GPU is listed".to_owned());
    }
    let gpu = driver().and_then(|driver| choose(&driver, number));
    match gpu {
        Ok(gpu) if !providers.is_empty() => {
            providers.push(Provider::Cpu);
            let architecture = format!("sm{}{}", gpu.compute_capability.0, gpu.compute_capability.1);
            Ok(Resolved { device: Device::Cuda(gpu.number), architecture, providers, notes: problems })
        }
        Ok(_) => Err(problems),
        Err(problem) => {
            problems.insert(0, problem);
            Err(problems)
        }
    }
}

/// The GPU of a number, or the first that is new enough.
fn choose(driver: &Driver, number: Option<u32>) -> Result<Gpu, String> {
    let least = MIN_COMPUTE_CAPABILITY;
    let described: Vec<String> = driver.gpus.iter().map(|gpu| format!("cuda:{} is {}", gpu.number, gpu.name)).collect();
    let fits = |gpu: &&Gpu| number.is_none_or(|number| gpu.number == number);
    let Some(gpu) = driver
        .gpus
        .iter()
        .filter(fits)
        .max_by_key(|gpu| (gpu.compute_capability >= least, std::cmp::Reverse(gpu.number)))
    else {
        let found = if described.is_empty() {
            "the driver has no GPU that this process may use".to_owned()
        } else {
            described.join(", ")
        };
        return Err(format!("driver {}: {found}", driver.version));
    };
    if gpu.compute_capability < least {
        let (major, minor) = gpu.compute_capability;
        return Err(format!("{} has compute capability {major}.{minor}; {}.{} is needed", gpu.name, least.0, least.1));
    }
    Ok(gpu.clone())
}

/// Level of the processor: kernels are chosen by it, and floating point differs in the last bits between levels.
pub fn cpu_level() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        if has!("avx512f") && has!("avx512bw") && has!("avx512cd") && has!("avx512dq") && has!("avx512vl") {
            // 8-bit kernels use these instructions where there are any.
            if has!("avx512vnni") { "x86-64-v4-vnni" } else { "x86-64-v4" }
        } else if has!("avx2") && has!("fma") && has!("bmi2") {
            "x86-64-v3"
        } else if has!("sse4.2") && has!("popcnt") {
            "x86-64-v2"
        } else {
            "x86-64"
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        std::env::consts::ARCH
    }
}

/// Bytes of memory that a device has left now; `None` where nobody can say.
pub fn free_memory(device: Device) -> Option<u64> {
    match device {
        Device::Cpu => available_memory(),
        Device::Cuda(number) => driver().ok()?.gpus.into_iter().find(|gpu| gpu.number == number).map(|gpu| gpu.free),
    }
}

/// `MemAvailable` of the kernel.
fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(number: u32, compute_capability: (i32, i32)) -> Gpu {
        Gpu {
            number,
            uuid: format!("GPU-{number}"),
            name: format!("GPU {number}"),
            compute_capability,
            memory: 1 << 34,
            free: 1 << 33,
        }
    }

    #[test]
    fn the_first_gpu_that_is_new_enough_is_taken_and_a_missing_one_is_named() {
        let driver = Driver {
            version: "590.1".to_owned(),
            cuda: None,
            gpus: vec![gpu(0, (6, 1)), gpu(1, (9, 0)), gpu(2, (9, 0))],
        };
        assert_eq!(choose(&driver, None).unwrap().number, 1);
        assert_eq!(choose(&driver, Some(2)).unwrap().number, 2);
        assert!(choose(&driver, Some(0)).unwrap_err().contains("6.1"));
        let message = choose(&driver, Some(7)).unwrap_err();
        assert!(message.contains("cuda:1 is GPU 1") && message.contains("590.1"), "{message}");
        let none = Driver { version: "590.1".to_owned(), cuda: None, gpus: Vec::new() };
        assert!(choose(&none, None).unwrap_err().contains("no GPU"));
    }
}

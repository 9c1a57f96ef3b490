//! What this machine can run models on, what is missing, and the command that fixes it.
mod self_check;
mod versions;

pub use self_check::SelfCheck;
pub use versions::NvidiaVersions;

use crate::budget::Preset;
use crate::device::{self, Device, Driver};
use crate::options::DeviceChoice;
use crate::provider::{self, Provider};
use crate::runtime::{FIX, LIBRARY_NAME, PINNED_VERSION, Runtime};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The state of a machine. Looking at it changes nothing and never fails.
#[derive(Debug, Clone, Serialize)]
pub struct Doctor {
    /// The inference library, if it could be loaded.
    pub runtime: Option<RuntimeFound>,
    /// The processor.
    pub cpu: Cpu,
    /// NVIDIA's driver and its GPUs, if there is one.
    pub driver: Option<Driver>,
    /// NVIDIA's libraries.
    pub nvidia: NvidiaVersions,
    /// What runs where.
    pub devices: Vec<DeviceState>,
    /// Whether devices compute what they should.
    pub self_checks: Vec<SelfCheck>,
    /// Providers in the order in which they are offered nodes.
    pub providers: Vec<ProviderState>,
    /// What `--device auto` means here.
    pub auto: Device,
    /// Everything that is missing, with what fixes it; what only a GPU needs is listed only where there is one.
    pub problems: Vec<Problem>,
}

/// The inference library.
#[derive(Debug, Clone, Serialize)]
pub struct RuntimeFound {
    /// Its file.
    pub library: PathBuf,
    /// Its version.
    pub version: String,
    /// The version that answers are pinned to.
    pub pinned: &'static str,
    /// How it was built, in its own words.
    pub build: String,
}

/// The processor.
#[derive(Debug, Clone, Serialize)]
pub struct Cpu {
    /// What it calls itself.
    pub model: Option<String>,
    /// Its level, part of the execution class.
    pub level: &'static str,
    /// Cores that this process may use.
    pub cores: usize,
    /// Bytes of memory available now.
    pub available_memory: Option<u64>,
}

/// A device, and what models get of it.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceState {
    /// Which.
    pub device: Device,
    /// What runs models on it, the first one first.
    pub providers: Vec<Provider>,
    /// What suits its memory.
    pub preset: Preset,
    /// Bytes that models may take now, unless `--model-memory` says otherwise.
    pub memory_budget: Option<u64>,
}

/// A provider on this machine.
#[derive(Debug, Clone, Serialize)]
pub struct ProviderState {
    /// Which.
    pub provider: Provider,
    /// Whether its libraries are there and, for a GPU, whether there is one.
    pub usable: bool,
    /// Libraries that are missing, by name.
    pub missing: Vec<String>,
}

/// Something that is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What.
    pub what: String,
    /// The command, or the step, that fixes it.
    pub fix: String,
}

/// Order of providers, see [`crate::EngineOptions::providers`].
const ORDER: [Provider; 3] = [Provider::TensorRt, Provider::Cuda, Provider::Cpu];

impl Doctor {
    /// Looks at the machine. `library` is where the inference library should be.
    pub fn examine(library: &Path) -> Self {
        let mut problems = Vec::new();
        let runtime = Runtime::open(library).map_err(|error| {
            problems.push(Problem { what: error.to_string(), fix: FIX.to_owned() });
        });
        let runtime = runtime.ok();
        if let Some(runtime) = runtime.as_ref().filter(|runtime| runtime.version() != PINNED_VERSION) {
            let what = format!("ONNX Runtime is {}, answers are pinned to {PINNED_VERSION}", runtime.version());
            problems.push(Problem { what, fix: format!("use {LIBRARY_NAME} ({FIX})") });
        }
        let driver = device::driver().ok();
        let place = runtime.as_ref().map_or(library, Runtime::library);
        let has_gpu = driver.as_ref().is_some_and(|driver| !driver.gpus.is_empty());
        let providers: Vec<ProviderState> =
            ORDER.iter().map(|provider| state(*provider, place, &runtime, has_gpu)).collect();
        if has_gpu {
            problems.extend(providers.iter().filter(|state| !state.missing.is_empty()).map(|state| Problem {
                what: format!("provider {} lacks {}", state.provider, state.missing.join(", ")),
                fix: fix(state).to_owned(),
            }));
        }
        let nvidia = NvidiaVersions::found(place);
        if let Some(driver) = driver.as_ref().filter(|_| has_gpu) {
            problems.extend(nvidia.mismatches(driver));
            let gpu_library =
                !providers[1].missing.iter().any(|library| Some(library.as_str()) == Provider::Cuda.library());
            problems.extend(versions::no_gpu_build(std::env::consts::ARCH, gpu_library));
        }
        let usable: Vec<Provider> = providers.iter().filter(|state| state.usable).map(|state| state.provider).collect();
        let self_checks =
            runtime.as_ref().map_or_else(Vec::new, |runtime| self_check::run_all(runtime, driver.as_ref(), &usable));
        problems.extend(self_checks.iter().filter(|check| !check.passed).map(wrong));
        let devices = devices(driver.as_ref(), &usable);
        let auto = device::resolve(DeviceChoice::Auto, &ORDER, place).map_or(Device::Cpu, |resolved| resolved.device);
        Self {
            runtime: runtime.as_ref().map(found),
            cpu: cpu(),
            driver,
            nvidia,
            devices,
            self_checks,
            providers,
            auto,
            problems,
        }
    }
}

/// The CPU build of the library has no providers for GPUs; the other one needs NVIDIA's own libraries beside it.
fn fix(state: &ProviderState) -> &'static str {
    let own = state.provider.library();
    if state.missing.iter().any(|library| own == Some(library.as_str())) {
        "framefleet models pull onnxruntime-gpu"
    } else {
        "install NVIDIA's libraries (CUDA 13, cuDNN 9, TensorRT 10): tools/onnxruntime.sh FOLDER --gpu puts all into one folder"
    }
}

fn found(runtime: &Runtime) -> RuntimeFound {
    RuntimeFound {
        library: runtime.library().to_owned(),
        version: runtime.version().to_owned(),
        pinned: PINNED_VERSION,
        build: runtime.build().to_owned(),
    }
}

fn state(provider: Provider, library: &Path, runtime: &Option<Runtime>, has_gpu: bool) -> ProviderState {
    let missing = provider::missing_libraries(library, provider);
    let usable = runtime.is_some() && missing.is_empty() && (provider == Provider::Cpu || has_gpu);
    ProviderState { provider, usable, missing }
}

/// The CPU, and every GPU that something can run models on.
fn devices(driver: Option<&Driver>, usable: &[Provider]) -> Vec<DeviceState> {
    let gpus = driver.into_iter().flat_map(|driver| &driver.gpus);
    let on_gpu = |gpu: &device::Gpu| {
        let preset = Preset::of_gpu(gpu.memory);
        let (device, memory_budget) = (Device::Cuda(gpu.number), Some(preset.budget(gpu.free)));
        DeviceState { device, providers: usable.to_vec(), preset, memory_budget }
    };
    let cpu = usable.contains(&Provider::Cpu).then(|| DeviceState {
        device: Device::Cpu,
        providers: vec![Provider::Cpu],
        preset: Preset::of(Device::Cpu),
        memory_budget: crate::budget::of(Device::Cpu),
    });
    let gpus = gpus.filter(|_| usable.iter().any(|provider| *provider != Provider::Cpu)).map(on_gpu);
    cpu.into_iter().chain(gpus).collect()
}

/// A device that computes something else.
fn wrong(check: &SelfCheck) -> Problem {
    let SelfCheck { device, provider, precision, reason, .. } = check;
    Problem {
        what: format!(
            "{provider} on {device} fails its self-check in {precision}: {}",
            reason.as_deref().unwrap_or_default()
        ),
        fix: match device {
            Device::Cpu => {
                format!("{FIX} (the library may be damaged); if that does not help, test the machine's memory")
            }
            Device::Cuda(_) => {
                "leave it out (--providers, --device cpu) until driver, libraries and card are checked".to_owned()
            }
        },
    }
}

fn cpu() -> Cpu {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(':').nth(1));
    Cpu {
        model: name.map(|name| name.trim().to_owned()),
        level: device::cpu_level(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        available_memory: device::free_memory(Device::Cpu),
    }
}

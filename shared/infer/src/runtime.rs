//! ONNX Runtime, loaded at run time from its file: one binary serves machines with and without a GPU.
use ort::logging::LogLevel;
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use parking_lot::Mutex;
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The version that answers are pinned to; later ones of the same API work too, and are reported.
pub const PINNED_VERSION: &str = "1.31.1";
/// The file inside the wheel, for the pinned version.
pub const LIBRARY_NAME: &str = "libonnxruntime.so.1.31.1";
/// Names another file than the one passed to [`Runtime::open`].
pub const OVERRIDE: &str = "ORT_DYLIB_PATH";
/// What fetches the library.
pub const FIX: &str = "framefleet models pull onnxruntime";

/// A library that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RuntimeError {
    /// Nothing is there.
    #[error("ONNX Runtime is not at {}: fetch it ({FIX}; for tests tools/onnxruntime.sh), or name the file in {OVERRIDE}", .0.display())]
    Missing(PathBuf),
    /// The system's loader refuses the file.
    #[error("{} cannot be loaded as a library: {reason}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// The loader's words.
        reason: String,
    },
    /// A library, but another one.
    #[error("{} is not ONNX Runtime: {reason}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is missing in it.
        reason: String,
    },
    /// Too old.
    #[error("{} is ONNX Runtime {found}; needed is 1.{minimum} or later (pinned: {PINNED_VERSION})", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
        /// Least minor version.
        minimum: u32,
    },
    /// Another file was opened before, and there can be one in a process.
    #[error("ONNX Runtime is already loaded from {}; {} cannot be loaded beside it", loaded.display(), asked.display())]
    Other {
        /// In use.
        loaded: PathBuf,
        /// Asked for.
        asked: PathBuf,
    },
    /// The library fails to start.
    #[error("ONNX Runtime does not start: {0}")]
    Start(String),
}

struct Loaded {
    environment: ort::environment::Environment,
    library: PathBuf,
    version: String,
}

/// ONNX Runtime in this process. Clones are the same one.
#[derive(Clone)]
pub struct Runtime(Arc<Loaded>);

/// There can be one environment in a process, so it stays for good.
static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);

impl Runtime {
    /// Loads the library, or gives the one that is loaded. `ORT_DYLIB_PATH` overrides the path. A failed attempt leaves nothing
    /// behind, and another path may be tried.
    pub fn open(path: &Path) -> Result<Self, RuntimeError> {
        let path = match std::env::var_os(OVERRIDE) {
            Some(other) if !other.is_empty() => PathBuf::from(other),
            _ => path.to_owned(),
        };
        let path = path.canonicalize().map_err(|_| RuntimeError::Missing(path))?;
        let mut current = RUNTIME.lock();
        if let Some(runtime) = &*current {
            return if runtime.0.library == path {
                Ok(runtime.clone())
            } else {
                Err(RuntimeError::Other { loaded: runtime.0.library.clone(), asked: path })
            };
        }
        let version = inspect(&path)?;
        let builder = ort::init_from(&path)
            .map_err(|error| RuntimeError::Load { path: path.clone(), reason: error.to_string() })?;
        let environment = builder
            .with_name("framefleet")
            .with_telemetry(false)
            .build()
            .map_err(|error| RuntimeError::Start(error.to_string()))?;
        environment.set_log_level(LogLevel::Error);
        let runtime = Self(Arc::new(Loaded { environment, library: path, version }));
        *current = Some(runtime.clone());
        Ok(runtime)
    }

    /// The version that the library states.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// The file.
    pub fn library(&self) -> &Path {
        &self.0.library
    }

    /// How the library was built, in its own words.
    pub fn build(&self) -> &'static str {
        ort::info()
    }

    /// Bounds the memory of the CPU sessions that ask for the environment's allocators: one arena for all of them. A process has one,
    /// so its first limit stays.
    pub(crate) fn limit_arena(&self, bytes: u64) -> Result<(), RuntimeError> {
        use ort::AsPointer;
        static LIMITED: Mutex<bool> = Mutex::new(false);
        let mut limited = LIMITED.lock();
        if *limited {
            return Ok(());
        }
        let failed = |error: ort::Error| RuntimeError::Start(format!("its memory cannot be bounded: {error}"));
        let info =
            MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Arena, MemoryType::Default).map_err(failed)?;
        let (mut config, as_requested) = (std::ptr::null_mut(), 1);
        // SAFETY: all pointers are live; the environment copies the configuration, which is ours to release.
        unsafe {
            let api = ort::api();
            let status = (api.CreateArenaCfg)(bytes as usize, as_requested, -1, -1, &mut config);
            ort::Error::result_from_status(status).map_err(failed)?;
            let status = (api.CreateAndRegisterAllocator)(self.environment().ptr().cast_mut(), info.ptr(), config);
            (api.ReleaseArenaCfg)(config);
            ort::Error::result_from_status(status).map_err(failed)?;
        }
        *limited = true;
        Ok(())
    }

    /// What `ort` makes sessions with, for measurements beside it; a process has one.
    pub fn environment(&self) -> &ort::environment::Environment {
        &self.0.environment
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "ONNX Runtime {} from {}", self.version(), self.library().display())
    }
}

/// Looks whether `ort` can use the library, which would panic if it could not. Returns its version.
fn inspect(path: &Path) -> Result<String, RuntimeError> {
    let foreign = |reason: &str| RuntimeError::Foreign { path: path.to_owned(), reason: reason.to_owned() };
    // SAFETY: loading runs the library's initialisers; the caller names it as a library to trust.
    let library = unsafe { libloading::Library::new(path) }
        .map_err(|error| RuntimeError::Load { path: path.to_owned(), reason: error.to_string() })?;
    // SAFETY: this is the type of the function of that name in ONNX Runtime's C interface.
    let base = unsafe { library.get::<unsafe extern "C" fn() -> *const ort::sys::OrtApiBase>(b"OrtGetApiBase") }
        .map_err(|_| foreign("it does not export OrtGetApiBase"))?;
    // SAFETY: takes nothing; gives a static table or null.
    let base = unsafe { base().as_ref() }.ok_or_else(|| foreign("OrtGetApiBase gives nothing"))?;
    // SAFETY: a static C string, by the interface.
    let version = unsafe {
        let text = (base.GetVersionString)();
        if text.is_null() { None } else { CStr::from_ptr(text).to_str().ok().map(str::to_owned) }
    };
    let version = version.ok_or_else(|| foreign("it states no version"))?;
    let minimum = ort::MINOR_VERSION;
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    let fits = matches!((parts.next().flatten(), parts.next().flatten()), (Some(1), Some(minor)) if minor >= minimum);
    // SAFETY: takes a number; gives a static table or null.
    if !fits || unsafe { (base.GetApi)(minimum) }.is_null() {
        return Err(RuntimeError::Version { path: path.to_owned(), found: version, minimum });
    }
    Ok(version)
}

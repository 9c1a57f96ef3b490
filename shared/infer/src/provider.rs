//! Execution providers: what runs the nodes of a graph, and whether it can be used here.
use elf::ElfBytes;
use elf::endian::AnyEndian;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// What runs the nodes of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// TensorRT: compiles parts of the graph for the card.
    TensorRt,
    /// CUDA.
    Cuda,
    /// The CPU.
    Cpu,
}

impl Provider {
    /// The runtime's name for it.
    pub fn runtime_name(self) -> &'static str {
        match self {
            Self::TensorRt => "TensorrtExecutionProvider",
            Self::Cuda => "CUDAExecutionProvider",
            Self::Cpu => "CPUExecutionProvider",
        }
    }

    /// By the runtime's name.
    pub fn from_runtime_name(name: &str) -> Option<Self> {
        [Self::TensorRt, Self::Cuda, Self::Cpu].into_iter().find(|provider| provider.runtime_name() == name)
    }

    /// The library that holds it, beside the runtime's own; the CPU is in that.
    pub fn library(self) -> Option<&'static str> {
        match self {
            Self::TensorRt => Some("libonnxruntime_providers_tensorrt.so"),
            Self::Cuda => Some("libonnxruntime_providers_cuda.so"),
            Self::Cpu => None,
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::TensorRt => "tensorrt",
            Self::Cuda => "cuda",
            Self::Cpu => "cpu",
        })
    }
}

/// Names of the libraries that a provider needs and that are not there; empty if it can be loaded. Its own library comes first;
/// what that one is linked against is read from the file. Libraries that are found in the folders of a Python installation beside
/// the runtime (`nvidia/*/lib`, `tensorrt_libs`) are loaded, so that the provider finds them without environment variables.
pub fn missing_libraries(runtime_library: &Path, provider: Provider) -> Vec<String> {
    let Some(name) = provider.library() else { return Vec::new() };
    let folder = runtime_library.parent().unwrap_or(Path::new("."));
    let path = folder.join(name);
    let Some(needed) = needed_by(&path) else { return vec![name.to_owned()] };
    let folders = library_folders(folder);
    needed.into_iter().filter(|library| !beside(folder, library) && !load(library, &folders)).collect()
}

/// The provider's own libraries lie beside it and are loaded by the runtime.
fn beside(folder: &Path, library: &str) -> bool {
    library.starts_with("libonnxruntime") && folder.join(library).is_file()
}

/// Names that a shared library is linked against; `None` if there is no such library.
fn needed_by(path: &Path) -> Option<BTreeSet<String>> {
    let bytes = std::fs::read(path).ok()?;
    let file = ElfBytes::<AnyEndian>::minimal_parse(&bytes).ok()?;
    let tables = file.find_common_data().ok()?;
    let (dynamic, strings) = (tables.dynamic?, tables.dynsyms_strs?);
    let needed = dynamic.iter().filter(|entry| entry.d_tag == elf::abi::DT_NEEDED);
    Some(needed.filter_map(|entry| strings.get(entry.d_val() as usize).ok().map(str::to_owned)).collect())
}

/// Folders of libraries in a Python installation whose `onnxruntime/capi` (or whose own copy) the runtime is in.
fn library_folders(capi: &Path) -> Vec<PathBuf> {
    let roots = capi.ancestors().skip(1).take(2);
    let mut folders = Vec::new();
    for root in roots {
        let packages = std::fs::read_dir(root.join("nvidia")).into_iter().flatten().flatten();
        folders.extend(packages.map(|package| package.path().join("lib")));
        folders.push(root.join("tensorrt_libs"));
    }
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    folders
}

/// Loads a library by name, or from one of the folders, and keeps it.
fn load(name: &str, folders: &[PathBuf]) -> bool {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LAZY};
    let candidates = std::iter::once(PathBuf::from(name)).chain(folders.iter().map(|folder| folder.join(name)));
    candidates.into_iter().any(|candidate| {
        // SAFETY: loading runs initialisers of libraries that the runtime would load itself a moment later.
        unsafe { Library::open(Some(candidate), RTLD_LAZY | RTLD_GLOBAL) }.map(std::mem::forget).is_ok()
    })
}

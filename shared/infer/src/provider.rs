//! Execution providers: what runs the nodes of a graph, and whether it can be used here.
use elf::ElfBytes;
use elf::endian::AnyEndian;
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LAZY};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What runs the nodes of a graph.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::Display, strum::EnumString,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", parse_err_ty = String, parse_err_fn = unknown)]
pub enum Provider {
    /// TensorRT: compiles parts of the graph for the GPU.
    TensorRt,
    /// CUDA.
    Cuda,
    /// The CPU.
    Cpu,
}

fn unknown(text: &str) -> String {
    format!("{text:?} is no provider: say tensorrt, cuda or cpu")
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
pub(crate) fn library_folders(capi: &Path) -> Vec<PathBuf> {
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
    open(name, folders).map(std::mem::forget).is_some()
}

/// Loads a library by name, or from one of the folders.
pub(crate) fn open(name: &str, folders: &[PathBuf]) -> Option<Library> {
    let candidates = std::iter::once(PathBuf::from(name)).chain(folders.iter().map(|folder| folder.join(name)));
    candidates.into_iter().find_map(|candidate| {
        // SAFETY: loading runs initialisers of libraries that the runtime would load itself a moment later.
        unsafe { Library::open(Some(candidate), RTLD_LAZY | RTLD_GLOBAL) }.ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// An empty shared library that is linked against others of these paths.
    fn library(path: &Path, needs: &[&Path]) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let source = path.with_extension("c");
        std::fs::write(&source, "int nothing;").unwrap();
        let mut command = Command::new("cc");
        command.args(["-shared", "-fPIC", "-Wl,--no-as-needed", "-o"]).arg(path).arg(&source);
        command.arg(format!("-Wl,-soname,{name}")).args(needs);
        assert!(command.status().unwrap().success());
    }

    #[test]
    fn what_a_provider_is_linked_against_is_looked_for_and_named() {
        let root = tempfile::tempdir().unwrap();
        let capi = root.path().join("onnxruntime/capi");
        let runtime = capi.join("libonnxruntime.so.1");
        std::fs::create_dir_all(&capi).unwrap();
        assert_eq!(missing_libraries(&runtime, Provider::Cuda), ["libonnxruntime_providers_cuda.so"]);
        assert!(missing_libraries(&runtime, Provider::Cpu).is_empty());
        // One library in the folder where Python puts them, one nowhere, one beside the provider.
        let packaged = root.path().join("nvidia/thing/lib/libframefleet_test_thing.so.13");
        let lost = root.path().join("away/libframefleet_test_lost.so.9");
        let shared = capi.join("libonnxruntime_providers_shared.so");
        for path in [&packaged, &lost, &shared] {
            library(path, &[]);
        }
        library(&capi.join("libonnxruntime_providers_cuda.so"), &[&packaged, &lost, &shared]);
        std::fs::remove_file(&lost).unwrap();
        assert_eq!(missing_libraries(&runtime, Provider::Cuda), ["libframefleet_test_lost.so.9"]);
        std::fs::write(capi.join("libonnxruntime_providers_tensorrt.so"), b"no library").unwrap();
        assert_eq!(missing_libraries(&runtime, Provider::TensorRt), ["libonnxruntime_providers_tensorrt.so"]);
    }
}

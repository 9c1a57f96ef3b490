//! Versions of what a GPU needs, and which of them do not fit together.
use super::Problem;
use crate::device::Driver;
use crate::provider;
use crate::version::Version;
use serde::Serialize;
use std::ffi::c_int;
use std::path::Path;

/// NVIDIA's libraries, each as far as it is found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NvidiaVersions {
    /// CUDA's runtime.
    pub cuda: Option<Version>,
    /// cuDNN.
    pub cudnn: Option<Version>,
    /// TensorRT.
    pub tensorrt: Option<Version>,
}

/// What the pinned ONNX Runtime is built for.
pub(super) const CUDA: u32 = 13;
pub(super) const CUDNN: u32 = 9;
pub(super) const TENSORRT: u32 = 10;
/// The first driver that runs CUDA 13.
const DRIVER: &str = "580";

impl NvidiaVersions {
    /// Asks the libraries that are found by the system's loader or beside the runtime: the major version that is needed, else another.
    pub(super) fn found(runtime_library: &Path) -> Self {
        let folders = provider::library_folders(runtime_library.parent().unwrap_or(Path::new(".")));
        let any = |needed: u32, open: &dyn Fn(u32) -> Option<Version>| {
            std::iter::once(needed).chain((needed.saturating_sub(4)..=needed + 2).rev()).find_map(open)
        };
        Self {
            cuda: any(CUDA, &|major| {
                let library = provider::open(&format!("libcudart.so.{major}"), &folders)?;
                let mut number: c_int = 0;
                // SAFETY: this is the type of the function of that name in CUDA's runtime.
                let status = unsafe {
                    library.get::<unsafe extern "C" fn(*mut c_int) -> c_int>(b"cudaRuntimeGetVersion").ok()?(
                        &mut number,
                    )
                };
                (status == 0).then(|| Version::of(number as u64, 1000, 10))
            }),
            cudnn: any(CUDNN, &|major| {
                let library = provider::open(&format!("libcudnn.so.{major}"), &folders)?;
                // SAFETY: this is the type of the function of that name in cuDNN.
                let number =
                    unsafe { library.get::<unsafe extern "C" fn() -> usize>(b"cudnnGetVersion").ok()?() } as u64;
                Some(if number >= 10_000 { Version::of(number, 10_000, 100) } else { Version::of(number, 1000, 100) })
            }),
            tensorrt: any(TENSORRT, &|major| {
                let library = provider::open(&format!("libnvinfer.so.{major}"), &folders)?;
                // SAFETY: this is the type of the function of that name in TensorRT.
                let number =
                    unsafe { library.get::<unsafe extern "C" fn() -> c_int>(b"getInferLibVersion").ok()?() } as u64;
                Some(if number >= 10_000 { Version::of(number, 10_000, 100) } else { Version::of(number, 1000, 100) })
            }),
        }
    }

    /// What does not fit, where there is a GPU. What is not there at all is said of the provider that lacks it.
    pub(super) fn mismatches(&self, driver: &Driver) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(newest) = driver.cuda.filter(|newest| newest.0 < CUDA) {
            problems.push(Problem {
                what: format!(
                    "driver {} runs CUDA up to {}.{}, ONNX Runtime is built for CUDA {CUDA}",
                    driver.version, newest.0, newest.1
                ),
                fix: format!(
                    "install NVIDIA driver {DRIVER} or later; until then models run on the CPU (--device cpu)"
                ),
            });
        }
        let libraries =
            [("CUDA", self.cuda, CUDA), ("cuDNN", self.cudnn, CUDNN), ("TensorRT", self.tensorrt, TENSORRT)];
        for (name, found, needed) in libraries {
            let Some(found) = found.filter(|found| found.0 != needed) else { continue };
            problems.push(Problem {
                what: format!("{name} is {found}, ONNX Runtime is built for {name} {needed}"),
                fix: format!(
                    "install {name} {needed} beside it: tools/onnxruntime.sh FOLDER --gpu puts all into one folder"
                ),
            });
        }
        problems
    }
}

/// What is to be done on a processor for which nobody publishes ONNX Runtime with CUDA.
pub(super) fn no_gpu_build(architecture: &str, has_gpu_library: bool) -> Option<Problem> {
    (architecture == "aarch64" && !has_gpu_library).then(|| Problem {
        what: "there is an NVIDIA GPU, and no package registry has ONNX Runtime with CUDA for 64-bit ARM".to_owned(),
        fix: format!(
            "build it (build.sh --use_cuda --use_tensorrt) or take NVIDIA's build for this machine, and name its libonnxruntime.so in {}; \
             until then models run on the CPU",
            crate::runtime::OVERRIDE
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn driver(version: &str, cuda: Version) -> Driver {
        Driver { version: version.to_owned(), cuda: Some(cuda), gpus: Vec::new() }
    }

    #[test]
    fn versions_are_read_as_their_libraries_write_them() {
        assert_eq!(Version::of(13_020, 1000, 10), Version(13, 2, 0));
        assert_eq!(Version::of(91_002, 10_000, 100).to_string(), "9.10.2");
        assert_eq!(Version::of(101_303, 10_000, 100).to_string(), "10.13.3");
    }

    #[test]
    fn what_fits_is_no_problem() {
        let fits = NvidiaVersions {
            cuda: Some(Version(13, 0, 0)),
            cudnn: Some(Version(9, 14, 0)),
            tensorrt: Some(Version(10, 13, 3)),
        };
        assert_eq!(fits.mismatches(&driver("580.65", Version(13, 0, 0))), []);
        assert_eq!(NvidiaVersions::default().mismatches(&driver("590.1", Version(13, 1, 0))), []);
    }

    #[test]
    fn an_old_driver_and_other_majors_are_named_with_both_versions_and_a_fix() {
        let old = NvidiaVersions {
            cuda: Some(Version(12, 8, 0)),
            cudnn: Some(Version(8, 9, 7)),
            tensorrt: Some(Version(8, 6, 1)),
        };
        let found = old.mismatches(&driver("550.54", Version(12, 4, 0)));
        let said: Vec<&str> = found.iter().map(|problem| problem.what.as_str()).collect();
        assert_eq!(
            said,
            [
                "driver 550.54 runs CUDA up to 12.4, ONNX Runtime is built for CUDA 13",
                "CUDA is 12.8.0, ONNX Runtime is built for CUDA 13",
                "cuDNN is 8.9.7, ONNX Runtime is built for cuDNN 9",
                "TensorRT is 8.6.1, ONNX Runtime is built for TensorRT 10",
            ]
        );
        assert!(found.iter().all(|problem| problem.fix.contains("install")));
    }

    #[test]
    fn arm_without_a_build_for_gpus_is_told_what_to_name() {
        assert!(no_gpu_build("aarch64", false).unwrap().fix.contains("ORT_DYLIB_PATH"));
        assert_eq!(no_gpu_build("aarch64", true), None);
        assert_eq!(no_gpu_build("x86_64", false), None);
    }
}

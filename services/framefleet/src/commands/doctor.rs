//! `framefleet doctor`
use crate::args::DoctorArguments;
use crate::failure::Failure;
use bytesize::ByteSize;
use framefleet_infer::runtime::LIBRARY_NAME;
use framefleet_infer::{Doctor, ProviderState};
use framefleet_models::{Cache, Catalogue};
use framefleet_service::Exit;
use std::path::{Path, PathBuf};

/// Says what the machine can run networks on. Exit code 1 if something is missing.
pub fn run(arguments: &DoctorArguments) -> Result<Exit, Failure> {
    let library = arguments.runtime.clone().unwrap_or_else(library);
    let found = Doctor::examine(&library);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        print(&found);
    }
    Ok(if found.problems.is_empty() { Exit::Done } else { Exit::Failed })
}

/// The library that `framefleet models pull` put into the cache, the one for cards first; else that of a working copy.
fn library() -> PathBuf {
    let place = PathBuf::from(".cache/onnxruntime/capi").join(LIBRARY_NAME);
    let copy = place.is_file().then_some(place);
    pulled(true).or_else(|| pulled(false)).or(copy).unwrap_or_else(|| LIBRARY_NAME.into())
}

fn pulled(nvidia: bool) -> Option<PathBuf> {
    let cache = Cache::new(Cache::default_folder().ok()?);
    let catalogue = Catalogue::built_in().ok()?;
    cache.installed(catalogue.onnx_runtime(nvidia).ok()?).ok()?.path().map(Path::to_owned)
}

fn print(found: &Doctor) {
    match &found.runtime {
        Some(runtime) => println!("ONNX Runtime  {} ({})", runtime.version, runtime.library.display()),
        None => println!("ONNX Runtime  missing"),
    }
    let cpu = &found.cpu;
    let memory = cpu.available_memory.map_or_else(String::new, |bytes| format!(", {} available", ByteSize(bytes)));
    println!("processor     {}, {}, {} cores{memory}", cpu.model.as_deref().unwrap_or("unknown"), cpu.level, cpu.cores);
    match &found.driver {
        None => println!("GPU           none: there is no NVIDIA driver"),
        Some(driver) => {
            println!("GPU driver    {}", driver.version);
            for gpu in &driver.gpus {
                let (major, minor) = gpu.compute_capability;
                let (free, memory) = (ByteSize(gpu.free), ByteSize(gpu.memory));
                println!(
                    "  cuda:{}      {}, compute capability {major}.{minor}, {free} of {memory} free",
                    gpu.number, gpu.name
                );
            }
        }
    }
    println!("providers     in the order in which they are offered nodes");
    for state in &found.providers {
        println!("  {:<11} {}", state.provider.to_string(), words(state));
    }
    println!("--device auto is {}", found.auto);
    for problem in &found.problems {
        println!("\nmissing: {}\n  mend: {}", problem.what, problem.mend);
    }
}

fn words(state: &ProviderState) -> String {
    match (state.usable, state.missing.is_empty()) {
        (true, _) => "usable".to_owned(),
        (false, true) => "not usable here".to_owned(),
        (false, false) => format!("not usable: lacks {}", state.missing.join(", ")),
    }
}

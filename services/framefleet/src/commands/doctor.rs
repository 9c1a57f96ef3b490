//! `framefleet doctor`
use crate::args::DoctorArguments;
use crate::failure::Failure;
use bytesize::ByteSize;
use framefleet_infer::budget::Preset;
use framefleet_infer::runtime::LIBRARY_NAME;
use framefleet_infer::{DeviceState, Doctor, NvidiaVersions, ProviderState, SelfCheck};
use framefleet_job::planning_runtime;
use framefleet_service::Exit;

/// Says what the machine can run models on. Exit code 1 if something is missing.
pub fn run(arguments: &DoctorArguments) -> Result<Exit, Failure> {
    let library = match &arguments.runtime {
        Some(given) => given.clone(),
        // Where nothing was pulled, what the system's loader finds under the library's name.
        None => planning_runtime(None)?.library().unwrap_or_else(|_| LIBRARY_NAME.into()),
    };
    let found = Doctor::examine(&library);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        print(&found);
    }
    Ok(if found.problems.is_empty() { Exit::Done } else { Exit::Failed })
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
            let cuda = driver.cuda.map_or_else(String::new, |cuda| format!(", for CUDA up to {}.{}", cuda.0, cuda.1));
            println!("GPU driver    {}{cuda}", driver.version);
            let NvidiaVersions { cuda, cudnn, tensorrt } = &found.nvidia;
            let said =
                [("CUDA", cuda), ("cuDNN", cudnn), ("TensorRT", tensorrt)].map(|(name, version)| match version {
                    Some(version) => format!("{name} {version}"),
                    None => format!("{name} missing"),
                });
            println!("  libraries   {}", said.join(", "));
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
    println!("devices       what runs models, and what they may take of each (--model-memory)");
    for device in &found.devices {
        println!("  {:<11} {}", device.device.to_string(), terms(device));
    }
    for check in &found.self_checks {
        println!("self-check    {}", verdict(check));
    }
    println!("--device auto is {}", found.auto);
    for problem in &found.problems {
        println!("\nmissing: {}\n  fix: {}", problem.what, problem.fix);
    }
}

/// What models get of a device.
fn terms(state: &DeviceState) -> String {
    let providers: Vec<String> = state.providers.iter().map(ToString::to_string).collect();
    let memory = state.memory_budget.map_or_else(|| "memory unknown".to_owned(), |bytes| ByteSize(bytes).to_string());
    let Preset { name, micro_batch, .. } = state.preset;
    format!("{}; {memory}; untuned batches of {micro_batch} at most (preset: {name})", providers.join(", "))
}

/// What came of a self-check.
fn verdict(check: &SelfCheck) -> String {
    let SelfCheck { device, provider, precision, difference, tolerance, .. } = check;
    let what = format!("{device} by {provider} in {precision}");
    match (check.passed, difference) {
        (true, Some(difference)) => format!("{what}: right, differs by {difference:.1e} of {tolerance:.0e} allowed"),
        _ => format!("{what}: WRONG: {}", check.reason.as_deref().unwrap_or_default()),
    }
}

fn words(state: &ProviderState) -> String {
    match (state.usable, state.missing.is_empty()) {
        (true, _) => "usable".to_owned(),
        (false, true) => "not usable here".to_owned(),
        (false, false) => format!("not usable: lacks {}", state.missing.join(", ")),
    }
}

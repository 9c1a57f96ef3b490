//! The program as its users run it.
pub use crate::processes::program::{Ran, command, framefleet};
use serde_json::Value;
use std::path::Path;

/// The program with this working copy's models.
pub fn with_models(arguments: &[&str]) -> Ran {
    let cache = framefleet_testkit_models::cache_folder();
    let mut command = command(arguments);
    command.env("FRAMEFLEET_CACHE", cache.join("models"));
    command.env("ORT_DYLIB_PATH", cache.join("onnxruntime/capi/libonnxruntime.so.1.31.1"));
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs a job that must go through.
pub fn run(source: &Path, output: &Path, more: &[&str]) -> Ran {
    let ran = try_run(source, output, more);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    ran
}

/// Runs a job.
pub fn try_run(source: &Path, output: &Path, more: &[&str]) -> Ran {
    let paths = ["run".as_ref(), source.as_os_str(), "--output".as_ref(), output.as_os_str()];
    framefleet(paths.into_iter().chain(more.iter().map(|argument| argument.as_ref())))
}

/// What `verify` says of an output that must be sound.
pub fn verify(output: &Path) -> Value {
    let ran = framefleet(["verify".as_ref(), output.as_os_str(), "--deep".as_ref(), "--json".as_ref()]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    serde_json::from_str(&ran.out).unwrap()
}

/// The digest of an output that must be sound.
pub fn digest(output: &Path) -> String {
    verify(output)["digest"].as_str().unwrap().to_owned()
}

/// The records of a step.
pub fn records(output: &Path, step: &str) -> Vec<Value> {
    let path = output.join("records").join(format!("{step}.jsonl"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A JSON file of an output.
pub fn json(output: &Path, file: &str) -> Value {
    serde_json::from_slice(&std::fs::read(output.join(file)).unwrap()).unwrap()
}

/// Frames that a run's tasks of a step worked on, from job.json.
pub fn worked(output: &Path, step: &str) -> u64 {
    let job = json(output, "job.json");
    let steps = job["results"]["timings"]["steps"].as_array().unwrap().clone();
    steps.iter().find(|of| of["step"] == step).map_or(0, |of| of["frames"].as_u64().unwrap())
}

//! `framefleet doctor`, by the program itself.
use crate::program::framefleet;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Where `tools/setup.sh` puts the library.
fn library() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/onnxruntime/capi");
    folder.join(framefleet_infer::runtime::LIBRARY_NAME)
}

#[test]
fn a_machine_with_the_library_is_well() {
    let library = library();
    let ran = framefleet(["doctor", "--json", "--runtime", &library.to_string_lossy()]);
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found["runtime"]["version"], found["runtime"]["pinned"]);
    let providers: Vec<&str> =
        found["providers"].as_array().unwrap().iter().map(|one| one["provider"].as_str().unwrap()).collect();
    assert_eq!(providers, ["tensorrt", "cuda", "cpu"]);
    assert_eq!(found["providers"][2]["usable"], true);
    if found["driver"].is_null() {
        assert_eq!((ran.code, &found["auto"]), (Some(0), &Value::from("cpu")));
        assert!(found["problems"].as_array().unwrap().is_empty());
    }
}

#[test]
fn a_missing_library_is_a_failure_with_the_command_that_fixes_it() {
    let ran = framefleet(["doctor", "--runtime", "/nowhere/libonnxruntime.so"]);
    assert_eq!(ran.code, Some(1));
    for part in ["/nowhere/libonnxruntime.so", "fix: framefleet models pull onnxruntime", "not usable"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
}

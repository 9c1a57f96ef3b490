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
        let [device] = found["devices"].as_array().unwrap().as_slice() else { panic!("{found}") };
        assert_eq!((&device["device"], &device["preset"]["name"]), (&Value::from("cpu"), &Value::from("CPU only")));
        let (budget, free) =
            (device["memory_budget"].as_u64().unwrap(), found["cpu"]["available_memory"].as_u64().unwrap());
        let share = budget as f64 / free as f64;
        assert!(share > 0.8 && share < 0.95, "{share} of what is free");
    }
    let check = &found["self_checks"][0];
    assert_eq!((&check["device"], &check["passed"]), (&Value::from("cpu"), &Value::from(true)), "{check}");
    let said = framefleet(["doctor", "--runtime", &library.to_string_lossy()]).out;
    assert!(said.contains("self-check    cpu by cpu in fp32: right"), "{said}");
}

#[test]
fn a_missing_library_is_a_failure_with_the_command_that_fixes_it() {
    let ran = framefleet(["doctor", "--runtime", "/nowhere/libonnxruntime.so"]);
    assert_eq!(ran.code, Some(1));
    for part in ["/nowhere/libonnxruntime.so", "fix: framefleet models pull onnxruntime", "not usable"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
}

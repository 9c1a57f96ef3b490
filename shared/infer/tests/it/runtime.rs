//! Libraries that are missing, broken, foreign or too old. Each attempt runs in a process of its own, since a process has one runtime.
use crate::fixture::library;
use framefleet_infer::Runtime;
use std::path::Path;
use std::process::Command;

/// What `Runtime::open` says about a path, in a fresh process.
fn attempt(path: &Path, overriding: Option<&Path>) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "runtime::child", "--ignored", "--nocapture"])
        .env("TEST_LIBRARY", path)
        .env_remove("ORT_DYLIB_PATH");
    if let Some(other) = overriding {
        command.env("ORT_DYLIB_PATH", other);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "started by the other tests of this file"]
fn child() {
    let path = std::env::var_os("TEST_LIBRARY").unwrap();
    match Runtime::open(path.as_ref()) {
        Ok(runtime) => println!("opened {}", runtime.version()),
        Err(error) => println!("refused: {error}"),
    }
    // A refusal does not stand in the way of the right library.
    if std::env::var_os("ORT_DYLIB_PATH").is_none() {
        println!("then {:?}", Runtime::open(&library()).map(|runtime| runtime.version().to_owned()));
    }
}

/// A shared library made of C.
fn compiled(folder: &Path, source: &str) -> std::path::PathBuf {
    let (c, so) = (folder.join("x.c"), folder.join("x.so"));
    std::fs::write(&c, source).unwrap();
    let status = Command::new("cc").args(["-shared", "-fPIC", "-w", "-o"]).arg(&so).arg(&c).status().unwrap();
    assert!(status.success());
    so
}

#[test]
fn the_right_library_opens_and_says_its_version() {
    assert!(attempt(&library(), None).contains("opened 1.31.1"));
}

#[test]
fn a_missing_library_is_named_with_what_fetches_it() {
    let said = attempt(Path::new("/nowhere/libonnxruntime.so"), None);
    assert!(said.contains("/nowhere/libonnxruntime.so") && said.contains("tools/onnxruntime.sh"), "{said}");
    assert!(said.contains("then Ok(\"1.31.1\")"), "{said}");
}

#[test]
fn random_bytes_and_foreign_libraries_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let noise = folder.path().join("noise.so");
    std::fs::write(&noise, b"this is no library").unwrap();
    let said = attempt(&noise, None);
    assert!(said.contains("noise.so cannot be loaded") && said.contains("then Ok"), "{said}");
    let foreign = compiled(folder.path(), "int something(void) { return 1; }");
    assert!(attempt(&foreign, None).contains("does not export OrtGetApiBase"));
    let empty = compiled(folder.path(), "void *OrtGetApiBase(void) { return 0; }");
    assert!(attempt(&empty, None).contains("OrtGetApiBase gives nothing"));
}

#[test]
fn an_old_version_is_refused_with_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let source = "static void *api(unsigned v) { return 0; }\nstatic const char *version(void) { return \"1.16.3\"; }\n\
        static struct { void *(*get)(unsigned); const char *(*version)(void); } base = { api, version };\n\
        void *OrtGetApiBase(void) { return &base; }";
    let old = compiled(folder.path(), source);
    let said = attempt(&old, None);
    assert!(said.contains("ONNX Runtime 1.16.3; needed is 1.24 or later"), "{said}");
    assert!(said.contains("then Ok"), "{said}");
}

#[test]
fn the_environment_overrides_the_path() {
    assert!(attempt(Path::new("/nowhere.so"), Some(&library())).contains("opened 1.31.1"));
    assert!(
        attempt(&library(), Some(Path::new("/elsewhere.so"))).contains("refused: ONNX Runtime is not at /elsewhere.so")
    );
}

#[test]
fn a_second_library_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.so");
    std::fs::copy(library(), &copy).unwrap();
    let said = attempt(&copy, None);
    assert!(said.contains("opened 1.31.1") && said.contains("then Err(Other"), "{said}");
}

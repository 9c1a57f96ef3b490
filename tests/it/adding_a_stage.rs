//! Follows docs/adding-a-stage.md literally, in a copy of the workspace: what is to be generated is, tests that look at every stage pass, the
//! stage's own pass, and it runs on footage.
use crate::footage::{folder, moving};
use crate::program::records;
use cargo_metadata::Message;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Copies what the build and the tests need; models and ONNX Runtime are those of this working copy.
fn copy_workspace(to: &Path) {
    let all = [
        "Cargo.toml",
        "Cargo.lock",
        "Dockerfile",
        "compose.yaml",
        "clippy.toml",
        "proto",
        "shared",
        "services",
        "pipelines",
        "models",
        "tools",
        "tests",
        "docs",
        "k8s",
        ".cargo",
    ];
    for name in all {
        let status = Command::new("cp").arg("-r").arg(root().join(name)).arg(to).status().unwrap();
        assert!(status.success(), "{name}");
    }
    std::os::unix::fs::symlink(root().join(".cache"), to.join(".cache")).unwrap();
}

/// A target folder that starts with what this workspace's has, so that only our own crates are compiled again. Libraries are
/// linked, since they are replaced as a whole; what is written in place is copied, and programs are left out: this workspace
/// still has to run its own.
fn borrowed_target(work: &Path) -> PathBuf {
    let target = work.join("target");
    let to = target.join("debug");
    std::fs::create_dir_all(&to).unwrap();
    let from = Path::new(env!("CARGO_BIN_EXE_framefleet")).parent().unwrap();
    let copy = |how: &str, folder: &str| Command::new("cp").arg(how).arg(from.join(folder)).arg(&to).status().unwrap();
    assert!(copy("-a", ".fingerprint").success() && copy("-a", "build").success());
    // Another file system: libraries start from nothing.
    if !copy("-al", "deps").success() {
        std::fs::remove_dir_all(&to).unwrap();
        return target;
    }
    let programs = ["-type", "f", "-perm", "-u+x", "!", "-name", "*.so", "-delete"];
    assert!(Command::new("find").arg(to.join("deps")).args(programs).status().unwrap().success());
    target
}

/// A field of a code block's first line, as `name=value` or, of several words, `name='value'`.
fn field<'a>(information: &'a str, name: &str) -> Option<&'a str> {
    let value = information.split_once(&format!(" {name}="))?.1;
    match value.strip_prefix('\'') {
        Some(quoted) => quoted.split_once('\'').map(|(value, _)| value),
        None => value.split_whitespace().next(),
    }
}

/// Does what one code block says: writes a file, inserts lines before the first line that begins with a text, or replaces the one line that
/// does.
fn follow(information: &str, code: &str, workspace: &Path) {
    let edit = |file: &str, start: &str, replaced: usize| {
        let path = workspace.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        let place = text.lines().position(|line| line.trim_start().starts_with(start));
        let place = place.unwrap_or_else(|| panic!("{file} has no line that starts with {start}"));
        let mut lines: Vec<&str> = text.lines().collect();
        lines.splice(place..place + replaced, code.lines());
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
    };
    let field = |name| field(information, name);
    if let Some(file) = field("file") {
        let path = workspace.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, code).unwrap();
    } else if let (Some(file), Some(before)) = (field("insert"), field("before")) {
        edit(file, before, 0);
    } else if let (Some(file), Some(line)) = (field("replace"), field("line")) {
        edit(file, line, 1);
    } else {
        panic!("what is to be done with this block? {information}");
    }
}

/// Follows every block of a page that says what is to be done with it; how many there were.
fn follow_page(page: &str, workspace: &Path) -> usize {
    let mut followed = 0;
    let mut rest = page;
    while let Some(start) = rest.find("\n```") {
        let block = &rest[start + 4..];
        let (information, body) = block.split_once('\n').unwrap();
        let end = body.find("\n```").unwrap();
        if information.contains('=') {
            follow(information, &format!("{}\n", &body[..end]), workspace);
            followed += 1;
        }
        rest = &body[end + 4..];
    }
    followed
}

/// Builds targets, with `cargo test` the program as well; where each lies, by its main source file. Packages are the same as in `make test`: libraries
/// then have the same features and are not built again.
fn build(cargo: &[&str], workspace: &Path, target: &Path) -> BTreeMap<String, PathBuf> {
    let built = Command::new(env!("CARGO"))
        .args(cargo)
        .args(["--offline", "--workspace", "--message-format=json-render-diagnostics"])
        .current_dir(workspace)
        .env("CARGO_TARGET_DIR", target)
        // What is built once gains nothing from being prepared to be built again, and what runs for seconds little from being optimised.
        .envs([("CARGO_INCREMENTAL", "0"), ("CARGO_PROFILE_DEV_OPT_LEVEL", "0"), ("CARGO_PROFILE_DEV_DEBUG", "0")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success() && !said.contains("warning: unused"), "{said}");
    let messages = Message::parse_stream(&built.stdout[..]).map(Result::unwrap);
    let runs = messages.filter_map(|message| match message {
        Message::CompilerArtifact(made) => {
            let source = made.target.src_path.canonicalize().unwrap();
            let source = source.strip_prefix(workspace).ok()?.to_str()?.to_owned();
            Some((source, made.executable?.into_std_path_buf()))
        }
        _ => None,
    });
    runs.collect()
}

/// Runs a program to its end; what it printed.
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}\n{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn the_page_adds_a_stage_that_runs() {
    let work = folder();
    let workspace = work.path().canonicalize().unwrap().join("workspace");
    std::fs::create_dir(&workspace).unwrap();
    copy_workspace(&workspace);
    let page = std::fs::read_to_string(root().join("docs/adding-a-stage.md")).unwrap();
    assert_eq!(follow_page(&page, &workspace), 12);
    let target = borrowed_target(work.path());
    let tests = ["test", "--no-run", "--test", "whole", "--test", "fetching", "--test", "presence"];
    let mut programs = build(&tests, &workspace, &target);
    programs.extend(build(&["build", "--example", "generate"], &workspace, &target));
    let program = |source: &str| Command::new(&programs[source]);

    // As `make generate`, then what of `make test` looks at every stage and every model, and the stage's own tests.
    succeed(program("services/framefleet/examples/generate/main.rs").current_dir(&workspace));
    let everywhere = ["layers::", "presentation::", "deployment::files_are_those_that_the_registry_makes"];
    let ran = succeed(program("tests/it/main.rs").args(everywhere).current_dir(workspace.join("services/framefleet")));
    assert!(ran.contains("test layers::answers_of_every_stage_are_pinned_to_its_version ... ok"), "{ran}");
    assert!(ran.contains("test deployment::files_are_those_that_the_registry_makes ... ok"), "{ran}");
    succeed(
        program("shared/models/tests/fetching/main.rs").arg("catalogue::").current_dir(workspace.join("shared/models")),
    );
    let ran = succeed(program("services/presence/tests/presence.rs").current_dir(workspace.join("services/presence")));
    assert!(ran.contains("test golden_digest ... ok"), "{ran}");

    let clip = moving(&work.path().join("clip.mp4"), 20);
    let output = work.path().join("out");
    let with_models = || {
        let mut command = program("services/framefleet/src/main.rs");
        let runtime = framefleet_testkit_models::cache_folder().join("onnxruntime/capi/libonnxruntime.so.1.31.1");
        command.env("FRAMEFLEET_CACHE", work.path().join("models")).env("ORT_DYLIB_PATH", runtime);
        command
    };
    succeed(with_models().args(["models", "pull", "--offline", "selfie-landscape"]));
    let mut run = with_models();
    run.args(["run", "--stages", "presence", "--set", "presence.threshold=0", "--output"]).arg(&output).arg(&clip);
    succeed(&mut run);
    let rows = records(&output, "presence");
    assert_eq!(rows.len(), 20);
    assert_eq!(rows[3]["presence"], serde_json::json!([{"instance": 0, "share": 1.0}]));
    assert!(output.join("records/presence.parquet").is_file());
    assert!(std::fs::read_to_string(output.join("report.html")).unwrap().contains("Covered by persons"));
}

//! Follows docs/adding-a-stage.md literally, in a copy of the workspace, and runs the stage on footage.
use crate::footage::{folder, moving};
use crate::program::records;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Copies what the build needs.
fn copy_workspace(to: &Path) {
    let all = [
        "Cargo.toml",
        "Cargo.lock",
        "clippy.toml",
        "proto",
        "shared",
        "services",
        "pipelines",
        "models",
        "tools",
        "tests",
        ".cargo",
    ];
    for name in all {
        let status = Command::new("cp").arg("-r").arg(root().join(name)).arg(to).status().unwrap();
        assert!(status.success(), "{name}");
    }
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

/// Does what one code block says: writes a file, or inserts lines before the one line that holds a text.
fn follow(information: &str, code: &str, workspace: &Path) {
    let field = |name: &str| information.split_whitespace().find_map(|word| word.strip_prefix(name));
    if let Some(file) = field("file=") {
        let path = workspace.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, code).unwrap();
    } else if let (Some(file), Some(before)) = (field("insert="), field("before=")) {
        let path = workspace.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        let place = text.lines().position(|line| line.trim_start().starts_with(before));
        let place = place.unwrap_or_else(|| panic!("{file} has no line that starts with {before}"));
        let mut lines: Vec<&str> = text.lines().collect();
        lines.splice(place..place, code.lines());
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
    }
}

/// Follows every block of a page; how many there were to follow.
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

#[test]
fn the_page_adds_a_stage_that_runs() {
    let work = folder();
    let workspace = work.path().join("workspace");
    std::fs::create_dir(&workspace).unwrap();
    copy_workspace(&workspace);
    let page = std::fs::read_to_string(root().join("docs/adding-a-stage.md")).unwrap();
    assert_eq!(follow_page(&page, &workspace), 5);
    let target = borrowed_target(work.path());
    // The same packages and targets as in `make test`: libraries then have the same features and are not built again.
    let built = Command::new(env!("CARGO"))
        .args(["test", "--offline", "--workspace", "--no-run", "--test", "it"])
        .current_dir(&workspace)
        .env("CARGO_TARGET_DIR", &target)
        .output()
        .unwrap();
    let messages = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success() && !messages.contains("warning: unused"), "{messages}");
    let clip = moving(&work.path().join("clip.mp4"), 20);
    let output = work.path().join("out");
    let run = Command::new(target.join("debug/framefleet"))
        .args(["run", "--stages", "brightness", "--set", "brightness.white=100", "--output"])
        .arg(&output)
        .arg(&clip)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let rows = records(&output, "brightness");
    assert_eq!(rows.len(), 20);
    let mean = rows[3]["brightness"][0]["mean"].as_f64().unwrap();
    assert!((20.0..80.0).contains(&mean), "{mean}");
}

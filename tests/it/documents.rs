//! Documents name files that are there.
use std::path::Path;

/// The documents, with the folder that their links begin in.
fn documents() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files: Vec<String> = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(str::to_owned).into();
    for folder in ["docs", "docs/adr"] {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        files.extend(names.filter(|name| name.ends_with(".md")).map(|name| format!("{folder}/{name}")));
    }
    files.into_iter().map(|file| (std::fs::read_to_string(root.join(&file)).unwrap(), file)).collect()
}

fn is_there(folder: &str, path: &str) -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder).join(path).exists()
}

#[test]
fn links_lead_to_files() {
    let mut seen = 0;
    for (text, file) in documents() {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if link.is_empty() || link.contains("://") {
                continue;
            }
            seen += 1;
            assert!(is_there(folder, link), "{file} links to {link}");
        }
    }
    assert!(seen > 20, "only {seen} links");
}

/// Source files that the map and the pages name in full. What is history (decisions, changes) may name what was.
#[test]
fn source_files_that_are_named_are_there() {
    let mut seen = 0;
    for (text, file) in documents() {
        if file.starts_with("docs/adr/") || file == "CHANGELOG.md" || file == "docs/adding-a-stage.md" {
            continue;
        }
        for path in text.split('`').skip(1).step_by(2) {
            let is_ours = ["services/", "shared/", "tests/", "tools/", "proto/"].iter().any(|at| path.starts_with(at));
            if !is_ours || !path.contains('.') || path.contains(['<', '*', '{', ' ']) {
                continue;
            }
            seen += 1;
            let in_a_crate = path.starts_with("tests/");
            assert!(is_there("", path) || in_a_crate && is_in_some_crate(path), "{file} names {path}");
        }
    }
    assert!(seen > 20, "only {seen} files");
}

/// `tests/it/x.rs` of a crate that the text has named before.
fn is_in_some_crate(path: &str) -> bool {
    ["services", "shared"].iter().any(|folder| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
        std::fs::read_dir(root).unwrap().any(|entry| entry.unwrap().path().join(path).exists())
    })
}

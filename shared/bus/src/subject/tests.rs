use super::Subject;
use proptest::prelude::*;
use std::path::Path;

#[test]
fn subjects_are_spelled_as_the_design_says() {
    assert_eq!(Subject::task("pose", "cpu-avx2").as_str(), "ff.v1.task.batch.pose.cpu-avx2.any");
    assert_eq!(Subject::events("j1").to_string(), "ff.v1.event.j1");
    assert!(Subject::task("", "").as_str().starts_with(Subject::ALL_TASKS.trim_end_matches('>')));
    assert!(Subject::events("").as_str().starts_with(Subject::ALL_EVENTS.trim_end_matches('>')));
}

#[test]
fn no_name_reaches_another_subject() {
    assert_eq!(Subject::events("a.b *>").as_str(), "ff.v1.event.a%2Eb%20%2A%3E");
    assert_ne!(Subject::task("a.b", "c"), Subject::task("a", "b.c"));
    assert_ne!(Subject::events(""), Subject::events("%"));
}

proptest! {
    #[test]
    fn every_name_makes_a_token_of_its_own(one in ".*", other in ".*") {
        let subject = Subject::events(&one);
        let tokens: Vec<&str> = subject.as_str().split('.').collect();
        prop_assert_eq!(tokens.len(), 4);
        prop_assert!(tokens[3].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_%".contains(&byte)));
        prop_assert!(!tokens[3].is_empty());
        prop_assert_eq!(one == other, subject == Subject::events(&other));
    }
}

/// Rust files below a folder, build outputs aside.
fn rust_files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn nobody_else_spells_subjects() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in ["proto", "shared", "services", "tests"] {
        rust_files(&workspace.join(folder), &mut files);
    }
    assert!(files.iter().any(|path| path.ends_with("bus/src/subject.rs")), "the walk misses this crate");
    let spelled = |path: &&std::path::PathBuf| std::fs::read_to_string(path).is_ok_and(|text| text.contains("ff.v1"));
    let others: Vec<_> = files.iter().filter(spelled).filter(|path| !is_own(path)).collect();
    assert!(others.is_empty(), "only shared/bus/src/subject.rs spells subjects; found in {others:?}");
}

fn is_own(path: &Path) -> bool {
    path.ends_with("bus/src/subject.rs") || path.ends_with("bus/src/subject/tests.rs")
}

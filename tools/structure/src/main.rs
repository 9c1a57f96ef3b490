//! The structure of the workspace: `cargo run -p structure` prints its crates as a table of Markdown, and what breaks a rule:
//! a file of more than [`LONGEST`] lines, or files of different concepts that import each other in a circle. Then it fails.
mod circles;
mod files;
mod imports;

use anyhow::Result;
use cargo_metadata::{MetadataCommand, Package};
use files::SourceFile;
use std::path::Path;
use std::process::ExitCode;

/// Lines that a file may have.
const LONGEST: usize = 400;

fn main() -> Result<ExitCode> {
    let metadata = MetadataCommand::new().no_deps().exec()?;
    let (mut rows, mut broken) = (Vec::new(), Vec::new());
    for package in &metadata.packages {
        let folder = package.manifest_path.parent().map_or(Path::new("."), |folder| folder.as_std_path());
        let sources = files::below(&folder.join("src"))?;
        let tests = files::below(&folder.join("tests"))?;
        rows.push(row(package, metadata.workspace_root.as_std_path(), &sources, &tests));
        broken.extend(too_long(sources.iter().chain(&tests)));
        broken.extend(circles::of(&sources).into_iter().map(|circle| format!("{}: {circle}", package.name)));
    }
    broken.extend(too_long(&files::below(&metadata.workspace_root.join("tests").into_std_path_buf())?));
    rows.sort();
    println!("| crate | lines | of tests | purpose |\n|---|---|---|---|");
    rows.iter().for_each(|(_, row)| println!("{row}"));
    broken.iter().for_each(|broken| eprintln!("{broken}"));
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A crate's folder, and its row of the table.
fn row(package: &Package, root: &Path, sources: &[SourceFile], tests: &[SourceFile]) -> (String, String) {
    let folder = package.manifest_path.parent().and_then(|folder| folder.strip_prefix(root).ok());
    let folder = folder.map(ToString::to_string).unwrap_or_default();
    let of_tests: usize = sources.iter().map(SourceFile::test_lines).sum();
    let lines: usize = sources.iter().map(SourceFile::lines).sum::<usize>() - of_tests;
    let of_tests = of_tests + tests.iter().map(SourceFile::lines).sum::<usize>();
    let purpose = package.description.clone().unwrap_or_default();
    let row = format!("| `{folder}` | {lines} | {of_tests} | {purpose} |");
    (folder, row)
}

fn too_long<'a>(files: impl IntoIterator<Item = &'a SourceFile>) -> Vec<String> {
    let long = files.into_iter().filter(|file| file.lines() > LONGEST);
    long.map(|file| format!("{}: {} lines, more than {LONGEST}", file.path().display(), file.lines())).collect()
}

//! Rust files of a folder, by the module that each is.
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use syn::Item;
use syn::spanned::Spanned as _;
use walkdir::WalkDir;

/// A file of Rust.
pub struct SourceFile {
    path: PathBuf,
    module: Vec<String>,
    lines: usize,
    syntax: syn::File,
}

impl SourceFile {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of its module below the crate: `["a", "b"]` of `src/a/b.rs`, nothing of `src/lib.rs`.
    pub fn module(&self) -> &[String] {
        &self.module
    }

    pub fn lines(&self) -> usize {
        self.lines
    }

    /// What it contains, without its tests.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.syntax.items.iter().filter(|item| !is_test(item))
    }

    /// Lines of its tests; all of a file that is nothing else.
    pub fn test_lines(&self) -> usize {
        if self.module.iter().any(|name| name == "tests" || name.ends_with("_tests")) {
            return self.lines;
        }
        let lines = |item: &Item| item.span().end().line + 1 - item.span().start().line;
        self.syntax.items.iter().filter(|item| is_test(item)).map(lines).sum()
    }
}

/// All Rust files below a folder, in order; none where there is no folder.
pub fn below(folder: &Path) -> Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name().into_iter().filter_map(Result::ok) {
        if entry.path().extension().is_some_and(|extension| extension == "rs") {
            files.push(read(folder, entry.path())?);
        }
    }
    Ok(files)
}

fn read(folder: &Path, path: &Path) -> Result<SourceFile> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let syntax = syn::parse_file(&text).with_context(|| format!("{} is not Rust", path.display()))?;
    let below = path.strip_prefix(folder)?.with_extension("");
    let mut module: Vec<String> =
        below.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|name| name == "mod") || ["lib", "main"].contains(&module.join("/").as_str()) {
        module.pop();
    }
    Ok(SourceFile { path: path.to_owned(), module, lines: text.lines().count(), syntax })
}

/// Whether an item is there in tests alone.
fn is_test(item: &Item) -> bool {
    let Item::Mod(module) = item else { return false };
    let is_test = |attribute: &syn::Attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
    };
    module.attrs.iter().any(is_test)
}

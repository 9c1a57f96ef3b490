//! The modules that a file names, by paths that begin with `crate`, `super` or `self`, wherever they stand.
use crate::files::SourceFile;
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};
use syn::{Item, ItemUse, UseTree, Visibility};

/// A path from the crate's root.
type Names = Vec<String>;

/// The modules of a crate, with what they give on under names of their own (`pub use`).
pub struct Modules {
    files: BTreeMap<Names, usize>,
    given_on: BTreeMap<Names, Names>,
}

impl Modules {
    pub fn of(files: &[SourceFile]) -> Self {
        let by_module = files.iter().enumerate().map(|(place, file)| (file.module().to_vec(), place)).collect();
        let mut modules = Self { files: by_module, given_on: BTreeMap::new() };
        for file in files {
            for item in file.items() {
                let Item::Use(item) = item else { continue };
                if matches!(item.vis, Visibility::Inherited) {
                    continue;
                }
                for (name, path) in used(item) {
                    let Some(path) = modules.absolute(file.module(), path) else { continue };
                    modules.given_on.insert([file.module(), &[name]].concat(), path);
                }
            }
        }
        modules
    }

    /// The files that a file imports from, by place.
    pub fn imported_by(&self, file: &SourceFile) -> BTreeSet<usize> {
        let mut paths = Paths::default();
        // What is only given on is no use of it.
        file.items().filter(|item| !gives_on(item)).for_each(|item| paths.visit_item(item));
        let named = paths.found.into_iter().filter_map(|path| self.absolute(file.module(), path));
        named.filter_map(|path| self.file_of(&path)).collect()
    }

    /// A path as it begins at the crate's root; `None` of those into other crates.
    fn absolute(&self, module: &[String], path: Names) -> Option<Names> {
        let mut from = module.to_vec();
        let mut rest = path.into_iter().peekable();
        match rest.next()?.as_str() {
            "crate" => from.clear(),
            "self" => {}
            "super" => drop(from.pop()?),
            first => {
                // A module beside the file's own, named without `self`.
                from.push(first.to_owned());
                self.files.contains_key(&from).then_some(())?;
            }
        }
        while rest.next_if(|name| name == "super").is_some() {
            from.pop()?;
        }
        from.extend(rest);
        Some(from)
    }

    /// The file in which what a path names is.
    fn file_of(&self, path: &[String]) -> Option<usize> {
        let mut path = path.to_vec();
        // What is given on leads elsewhere; a chain of more than a few is a circle.
        for _ in 0..8 {
            let prefix = (1..=path.len()).find_map(|length| Some((length, self.given_on.get(&path[..length])?)));
            let Some((length, target)) = prefix else { break };
            path = [target, &path[length..]].concat();
        }
        (0..=path.len()).rev().find_map(|length| self.files.get(&path[..length]).copied())
    }
}

fn gives_on(item: &Item) -> bool {
    matches!(item, Item::Use(ItemUse { vis, .. }) if !matches!(vis, Visibility::Inherited))
}

/// What a `use` brings: the name here, and the path.
fn used(item: &ItemUse) -> Vec<(String, Names)> {
    let mut found = Vec::new();
    collect(&item.tree, &mut Vec::new(), &mut found);
    found
}

fn collect(tree: &UseTree, before: &mut Names, found: &mut Vec<(String, Names)>) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            collect(&path.tree, before, found);
            before.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| collect(tree, before, found)),
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            let own = if name == "self" { before.last().cloned().unwrap_or_default() } else { name.clone() };
            let last = (name != "self").then_some(name);
            found.push((own, before.iter().cloned().chain(last).collect()));
        }
        UseTree::Rename(rename) => {
            let path = before.iter().cloned().chain([rename.ident.to_string()]).collect();
            found.push((rename.rename.to_string(), path));
        }
        UseTree::Glob(_) => found.push(("*".to_owned(), before.clone())),
    }
}

/// Collects paths.
#[derive(Default)]
struct Paths {
    found: Vec<Names>,
}

impl<'a> Visit<'a> for Paths {
    fn visit_item_use(&mut self, item: &'a ItemUse) {
        self.found.extend(used(item).into_iter().map(|(_, path)| path));
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            self.found.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}

//! Circles of imports.
use crate::files::SourceFile;
use crate::imports::Modules;
use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

/// The circles of imports between files, in words. A circle inside one concept, a module and the files in its folder, is none,
/// and that a crate's error is used everywhere makes none.
pub fn of(files: &[SourceFile]) -> Vec<String> {
    let modules = Modules::of(files);
    let mut imports = DiGraphMap::<usize, ()>::new();
    for (from, file) in files.iter().enumerate() {
        let imported = modules.imported_by(file).into_iter();
        for to in imported.filter(|to| *to != from && !is_error(&files[*to])) {
            imports.add_edge(from, to, ());
        }
    }
    let circles = tarjan_scc(&imports).into_iter().filter(|circle| circle.len() > 1);
    circles.filter(|circle| !is_one_concept(files, circle)).map(|circle| words(files, &imports, &circle)).collect()
}

/// Whether a file is the crate's error, which names what it speaks of and is named by all.
fn is_error(file: &SourceFile) -> bool {
    file.module().last().is_some_and(|name| name == "error" || name.ends_with("_error"))
}

/// Whether all files are one module and what is in its folder.
fn is_one_concept(files: &[SourceFile], circle: &[usize]) -> bool {
    let Some(highest) = circle.iter().map(|place| files[*place].module()).min_by_key(|module| module.len()) else {
        return true;
    };
    !highest.is_empty() && circle.iter().all(|place| files[*place].module().starts_with(highest))
}

/// Who imports whom in a circle.
fn words(files: &[SourceFile], imports: &DiGraphMap<usize, ()>, circle: &[usize]) -> String {
    let name = |place: usize| match files[place].module() {
        [] => "the root".to_owned(),
        module => module.join("/"),
    };
    let inside = imports.all_edges().filter(|(from, to, ())| circle.contains(from) && circle.contains(to));
    let mut edges: Vec<String> = inside.map(|(from, to, ())| format!("{} → {}", name(from), name(to))).collect();
    edges.sort();
    format!("a circle of imports: {}", edges.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;

    fn circles(sources: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in sources {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        of(&files::below(folder.path()).unwrap())
    }

    #[test]
    fn files_that_import_each_other_are_a_circle_however_they_do() {
        let a = ("a.rs", "use crate::b::B; pub struct A(B);");
        for (what, b) in [
            ("by use", "use crate::a::A; pub struct B(A);"),
            ("in a group", "use crate::{a::{A as Other}}; pub struct B(Other);"),
            ("by super", "use super::a::A; pub struct B(A);"),
            ("by a path in place", "pub struct B(crate::a::A);"),
            ("through the root", "use crate::A; pub struct B(A);"),
        ] {
            let found = circles(&[("lib.rs", "mod a; mod b; pub use a::A;"), a, ("b.rs", b)]);
            assert_eq!(found, ["a circle of imports: a → b, b → a"], "{what}");
        }
    }

    #[test]
    fn one_way_tests_and_a_module_with_its_folder_are_none() {
        let a = ("a.rs", "use crate::b::B; pub struct A(B);");
        for (what, b) in [
            ("one way", "pub struct B;"),
            ("in tests", "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }"),
            ("another crate", "use a::A; pub struct B(A);"),
        ] {
            assert_eq!(circles(&[("lib.rs", "mod a; mod b;"), a, ("b.rs", b)]), [""; 0], "{what}");
        }
        let inside = [("lib.rs", "mod a;"), ("a.rs", "mod b; use b::B; pub struct A(B);"), ("a/b.rs", "use super::A;")];
        assert_eq!(circles(&inside), [""; 0], "a module and its folder");
        let roots = [("lib.rs", "mod a; use a::A; pub struct Root(A);"), ("a.rs", "use crate::Root; pub struct A;")];
        assert_eq!(circles(&roots), ["a circle of imports: a → the root, the root → a"], "the root is no concept");
    }
}

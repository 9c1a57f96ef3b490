//! Files of an earlier export into the same folder that the new one has no more: of pictures that are gone, or called otherwise by now.
use crate::failure::Failure;
use framefleet_export::Exported;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

/// Where an export lists its files, in its folder: by format and step, paths below the folder.
const LIST: &str = ".framefleet-export.json";

/// Removes what the last export of this format and step wrote into the folder and this one did not, and lists what is there now.
pub fn remove(folder: &Path, format: &str, exported: &Exported) -> Result<(), Failure> {
    let list = folder.join(LIST);
    let mut known: BTreeMap<String, BTreeSet<String>> =
        std::fs::read(&list).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let ours = exported.files.iter().chain(&exported.kept).filter(|file| !exported.handed_over.contains(file));
    let files = ours.filter_map(|file| file.strip_prefix(folder).ok()?.to_str().map(str::to_owned));
    let files: BTreeSet<String> = files.collect();
    let before = known.insert(format!("{format} of {}", exported.steps.join(", ")), files).unwrap_or_default();
    // What another format or step has written since is not ours.
    let now: BTreeSet<&String> = known.values().flatten().collect();
    for gone in before.iter().filter(|file| !now.contains(file) && is_below(file)) {
        match std::fs::remove_file(folder.join(gone)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(std::fs::write(list, serde_json::to_vec(&known)?)?)
}

/// Whether a path, which somebody may have changed, stays in the folder.
fn is_below(file: &str) -> bool {
    Path::new(file).components().all(|component| matches!(component, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_export_has_no_more_goes_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("export");
        std::fs::create_dir(&folder).unwrap();
        let export = |step: &str, names: &[&str]| {
            names.iter().for_each(|name| std::fs::write(folder.join(name), step).unwrap());
            let files = names.iter().map(|name| folder.join(name)).collect();
            remove(&folder, "masks", &Exported { steps: vec![step.to_owned()], files, ..Exported::default() }).unwrap();
        };
        std::fs::write(folder.join("mine.txt"), "").unwrap();
        std::fs::write(place.path().join("above.txt"), "").unwrap();
        export("pose", &["a.png", "b.png", "shared.png"]);
        export("faces", &["shared.png"]);
        export("pose", &["b.png", "c.png"]);
        let there = |name: &str| folder.join(name).exists();
        assert!(there("mine.txt") && there("b.png") && there("c.png") && there("shared.png") && !there("a.png"));
        let list = serde_json::json!({"masks of pose": ["../above.txt", "/etc/hosts", "c.png"]});
        std::fs::write(folder.join(LIST), list.to_string()).unwrap();
        export("pose", &["b.png"]);
        assert!(place.path().join("above.txt").exists() && !there("c.png"));
    }
}

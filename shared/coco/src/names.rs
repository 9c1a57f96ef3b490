//! Names of images, below one folder that the file names.
use framefleet_frames::{ImageFile, Item, ItemKind, naming};
use framefleet_ledger::layout;
use framefleet_objects::ObjectFrame;
use std::collections::{BTreeMap, HashSet};

/// Where the pictures of frames are.
pub(crate) struct Names {
    /// The folder that all items lie in, as path components.
    root: Vec<String>,
    /// What files made of an item's frames are called.
    folders: BTreeMap<String, String>,
    /// Steps, and the pictures of frames among their artifacts.
    steps: Vec<String>,
    artifacts: HashSet<String>,
}

impl Names {
    /// Those of some items; `artifacts` are paths in the output.
    pub fn new(items: &[&Item], steps: &[String], artifacts: impl IntoIterator<Item = String>) -> Self {
        let mut roots = items.iter().map(|item| source_folder(item));
        let first = roots.next().unwrap_or_default();
        let common = |root: Vec<String>, other: Vec<String>| {
            root.into_iter().zip(other).take_while(|(a, b)| a == b).map(|(part, _)| part).collect()
        };
        Self {
            root: roots.fold(first, common),
            folders: naming::item_folders(items.iter().copied()),
            steps: steps.to_vec(),
            artifacts: artifacts.into_iter().filter(|path| path.contains("/frames/")).collect(),
        }
    }

    /// The folder below which the source's pictures lie.
    pub fn root(&self) -> String {
        let path = self.root.join("/");
        if path.is_empty() { "/".to_owned() } else { path }
    }

    /// The picture of a frame below [`Self::root`]: the file that it is, else (a film's) the name that it has once it is written.
    pub fn in_source(&self, frame: &ObjectFrame<'_>) -> String {
        match &frame.file {
            Some(file @ ImageFile { page: 0, .. }) => {
                let path = format!("{}/{}", frame.item.location.trim_end_matches('/'), file.name);
                path.split('/').skip(self.root.len()).collect::<Vec<_>>().join("/")
            }
            file => self.made(frame, file.as_ref(), "*.jpg"),
        }
    }

    /// The picture that a step wrote of a frame, below the output.
    pub fn in_output(&self, frame: &ObjectFrame<'_>) -> Option<String> {
        let written = self.steps.iter().flat_map(|step| {
            ["frames/*.jpg", "frames/*.png"]
                .map(|pattern| layout::artifact(step, &self.made(frame, frame.file.as_ref(), pattern)))
        });
        written.into_iter().find(|path| self.artifacts.contains(path))
    }

    fn made(&self, frame: &ObjectFrame<'_>, file: Option<&ImageFile>, pattern: &str) -> String {
        let folder = self.folders.get(&frame.item.name).map_or(frame.item.name.as_str(), String::as_str);
        naming::fitting(&naming::below(folder, &naming::of_frame(pattern, frame.number, file)))
    }
}

/// The folder that the names of items are relative to, as far as an item shows it, as path components.
fn source_folder(item: &Item) -> Vec<String> {
    let location = item.location.trim_end_matches('/');
    let above = |path: &str| path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
    let folder = match location.strip_suffix(item.name.as_str()).and_then(|path| path.strip_suffix('/')) {
        Some(folder) if !item.name.is_empty() => folder.to_owned(),
        _ if item.kind() == ItemKind::Video => above(location),
        _ => location.to_owned(),
    };
    folder.split('/').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, location: &str, kind: ItemKind) -> Item {
        Item { name: name.to_owned(), location: location.to_owned(), kind: kind.into(), ..Item::default() }
    }

    fn named(item: &Item, names: &Names, file: Option<&str>) -> String {
        let file = file.map(|name| ImageFile { name: name.to_owned(), ..ImageFile::default() });
        let frame =
            ObjectFrame { item, number: 3, pts_ns: 0, file, size: (1, 1), objects: Vec::new(), records: Vec::new() };
        names.in_source(&frame)
    }

    #[test]
    fn one_folder_opens_pictures_beside_and_in_folders() {
        let items = [
            item("photos", "/x/photos", ItemKind::Stills),
            item("a", "/x/photos/a", ItemKind::Stills),
            item("walk.mp4", "/x/photos/walk.mp4", ItemKind::Video),
        ];
        let names = Names::new(&items.iter().collect::<Vec<_>>(), &[], []);
        assert_eq!(names.root(), "/x");
        assert_eq!(named(&items[0], &names, Some("root.jpg")), "photos/root.jpg");
        assert_eq!(named(&items[1], &names, Some("001.jpg")), "photos/a/001.jpg");
        assert_eq!(named(&items[2], &names, None), "walk/000003.jpg");
    }

    #[test]
    fn a_single_picture_has_its_own_name() {
        let items = [item("a.png", "/x/photos", ItemKind::Stills)];
        let names = Names::new(&items.iter().collect::<Vec<_>>(), &[], []);
        assert_eq!((names.root().as_str(), named(&items[0], &names, Some("a.png")).as_str()), ("/x/photos", "a.png"));
    }
}

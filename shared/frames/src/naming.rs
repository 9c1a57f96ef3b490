//! How files that are made of items and their frames are called: as the source's files are.
//!
//! Below the folder of a step lies one of every item ([`item_folders`]), and in it what belongs to a frame is called by that frame's stem
//! ([`of_frame`]): `walk/masks/000012_inst0_mask.png` for frame 12 of `walk.mp4`, `holiday/masks/street_inst0_mask.png` for the still
//! `holiday/street.jpg`. Where leaving out extensions would give two sources one name (`street.jpg` and `street.png`), both keep them.
use crate::extensions::is_image_extension;
use framefleet_proto::v1::{ImageFile, Item, ItemKind};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What stands for the frame's stem in the name of a file that belongs to a frame.
pub const STEM: char = '*';

/// Bytes of a name that file systems take.
const MAX_PART: usize = 255;
/// Bytes of an extension, with its dot, that a shortened name keeps.
const MAX_EXTENSION: usize = 16;
/// Digits of the digest in a shortened name.
const DIGEST_DIGITS: usize = 8;

/// The name of what is made of a frame; `pattern` has one [`STEM`] where the frame's stem goes ("masks/*_inst0_mask.png"): the name of the
/// image that it is, without the extension unless another image of the folder differs in that alone; its number, six digits, in a video.
/// What comes out as the image's own name is called by it in any case.
pub fn of_frame(pattern: &str, frame: u64, file: Option<&ImageFile>) -> String {
    let stem = match file {
        None => format!("{frame:06}"),
        // Of a file of several pictures each has its number.
        Some(ImageFile { name, page: 1.., .. }) => format!("{}_{frame:06}", without_extension(name)),
        Some(ImageFile { name, shares_stem, .. }) => {
            let short = without_extension(name);
            let is_own = pattern.split_once(STEM).is_some_and(|(_, ending)| ending == &name[short.len()..]);
            if *shares_stem && !is_own { name.clone() } else { short.to_owned() }
        }
    };
    pattern.replacen(STEM, &stem, 1)
}

/// The folder of each item, by its name: that of a film or lone picture without the extension, unless another item is called so or differs
/// in that alone; of a folder its name; "" of the source itself (".").
pub fn item_folders<'a>(items: impl IntoIterator<Item = &'a Item>) -> BTreeMap<String, String> {
    let items: BTreeMap<&str, &str> = items.into_iter().map(|item| (item.name.as_str(), short_name(item))).collect();
    let shared = ambiguous(items.iter().map(|(name, short)| (*name, *short)));
    let folder = |(name, short): (&str, &str)| {
        let chosen = if shared.contains(name) { name } else { short };
        (name.to_owned(), if chosen == "." { String::new() } else { chosen.to_owned() })
    };
    items.into_iter().map(folder).collect()
}

/// A path of which no part is longer than file systems take: one that is keeps its extension, and has its beginning and a digest of the whole
/// as its name.
pub fn fitting(path: &str) -> String {
    path.split('/').map(fitting_part).collect::<Vec<_>>().join("/")
}

fn fitting_part(part: &str) -> Cow<'_, str> {
    if part.len() <= MAX_PART {
        return part.into();
    }
    let extension = &part[without_extension(part).len()..];
    let extension = if extension.len() <= MAX_EXTENSION { extension } else { "" };
    let digest = &blake3::hash(part.as_bytes()).to_hex()[..DIGEST_DIGITS];
    let end = part.floor_char_boundary(MAX_PART - extension.len() - digest.len() - 1);
    format!("{}~{digest}{extension}", &part[..end]).into()
}

/// A name in the folder of an item.
pub fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Notes in the images of a folder which of them keep their extension in names of what is made of them.
pub fn note_shared_stems(files: &mut [ImageFile]) {
    let names = files.iter().map(|file| (file.name.as_str(), without_extension(&file.name)));
    let shared: BTreeSet<String> = ambiguous(names).into_iter().map(str::to_owned).collect();
    for file in files {
        file.shares_stem = shared.contains(&file.name);
    }
}

/// Those of some (name, short name), all with different names, that need their whole name to be told apart. Case does not: there are file
/// systems that do not see it.
fn ambiguous<'a>(names: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> BTreeSet<&'a str> {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (name, short) in names.clone() {
        *known.entry(short.to_lowercase()).or_default() += 1;
        // A name without an extension is its own short one.
        if name != short {
            *known.entry(name.to_lowercase()).or_default() += 1;
        }
    }
    names
        .filter(|(_, short)| known.get(&short.to_lowercase()).is_some_and(|count| *count > 1))
        .map(|(name, _)| name)
        .collect()
}

/// The name of an item without its extension, when it is a file and no folder.
fn short_name(item: &Item) -> &str {
    let is_image = || Path::new(&item.name).extension().is_some_and(is_image_extension);
    let is_folder = matches!(item.kind(), ItemKind::Sequence | ItemKind::Stills) && !is_image();
    let short = if is_folder { &item.name } else { without_extension(&item.name) };
    // "...mp4" without its extension would be the folder above.
    let is_name = !matches!(short.rsplit('/').next(), None | Some("" | "." | ".."));
    if is_name || is_folder { short } else { &item.name }
}

/// A path without the extension of its last part.
fn without_extension(path: &str) -> &str {
    let extension = Path::new(path).extension().map_or(0, |extension| extension.len() + 1);
    &path[..path.len() - extension]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Vec<ImageFile> {
        let file = |(frame, name): (u64, &&str)| ImageFile { frame, name: (*name).to_owned(), ..ImageFile::default() };
        (0..).zip(names).map(file).collect()
    }

    #[test]
    fn names_made_of_stills_are_theirs_and_never_meet() {
        let names = ["street.JPG", "a.jpg", "A.png", "a.jpg.tif", "b.tar.png", "plain", "c d.webp"];
        let mut files = files(&names);
        note_shared_stems(&mut files);
        let named =
            |pattern| -> Vec<String> { files.iter().map(|file| of_frame(pattern, file.frame, Some(file))).collect() };
        assert_eq!(
            named("masks/*_inst0.png"),
            ["street", "a.jpg", "A.png", "a.jpg.tif", "b.tar", "plain", "c d"]
                .map(|stem| format!("masks/{stem}_inst0.png"))
        );
        assert_eq!(
            named("*.png"),
            ["street.png", "a.jpg.png", "A.png", "a.jpg.tif.png", "b.tar.png", "plain.png", "c d.png"]
        );
        assert_eq!(of_frame("flow_*.flo", 12, None), "flow_000012.flo");
    }

    #[test]
    fn names_that_are_too_long_are_shortened_and_stay_different() {
        let name = |letter: &str, ending: &str| format!("day/{}{ending}", letter.repeat(125));
        assert_eq!(fitting("a/b.mp4"), "a/b.mp4");
        let long = [name("é", "_1_mask.png"), name("é", "_2_mask.png"), name("éa", ".c")].map(|path| fitting(&path));
        for path in &long {
            assert!(path.starts_with("day/é") && path.split('/').all(|part| part.len() <= 255), "{path}");
        }
        assert!(long[0].ends_with(".png") && long[0] != long[1], "{long:?}");
    }

    #[test]
    fn items_have_folders_of_their_own() {
        let item = |name: &str, kind: ItemKind| Item { name: name.to_owned(), kind: kind.into(), ..Item::default() };
        let items = [
            item("day 1/walk.mp4", ItemKind::Video),
            item("a.mp4", ItemKind::Video),
            item("a.avi", ItemKind::Video),
            item("b.mov", ItemKind::Video),
            item("b", ItemKind::Stills),
            item("shots.v2", ItemKind::Sequence),
            item("lone.jpg", ItemKind::Stills),
            item(".", ItemKind::Stills),
            item("...mp4", ItemKind::Video),
            item("x/..jpg", ItemKind::Stills),
        ];
        let folders = item_folders(&items);
        let of = |name: &str| folders[name].as_str();
        assert_eq!(
            items.each_ref().map(|item| of(&item.name)),
            ["day 1/walk", "a.mp4", "a.avi", "b.mov", "b", "shots.v2", "lone", "", "...mp4", "x/..jpg"]
        );
    }
}

//! What files are called: the output mirrors the source.
use framefleet_formats::{Container, StillFormat};
use framefleet_frames::{Item, ItemKind, naming};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What a still is written as, `*` for its stem: with its own extension, unless that says another format.
pub(crate) fn still_pattern(file: &str, format: StillFormat) -> String {
    match Path::new(file).extension().and_then(|extension| extension.to_str()) {
        Some(extension) if is_of_format(extension, format) => format!("*.{extension}"),
        _ => format!("*.{}", format.extension()),
    }
}

/// Names of films, one per item in the same order: the item's, with the container's extension in place of its own. Items
/// that would meet (`a.mp4` and `a.avi`; case makes no difference) keep theirs before it.
pub(crate) fn film_names(items: &[(&Item, Container)]) -> Vec<String> {
    let short: Vec<String> = items.iter().map(|(item, container)| film_name(item, *container)).collect();
    let long = items.iter().map(|(item, container)| format!("{}.{}", item.name, container.extension()));
    let long: Vec<String> = long.collect();
    // How many items could be called so.
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    for (short, long) in short.iter().zip(&long) {
        let names = BTreeSet::from([short.to_lowercase(), long.to_lowercase()]);
        names.into_iter().for_each(|name| *wanted.entry(name).or_default() += 1);
    }
    let is_alone = |name: &str| wanted.get(&name.to_lowercase()).is_none_or(|count| *count == 1);
    let name = |(short, long): (String, String)| naming::fitting(if is_alone(&short) { &short } else { &long });
    short.into_iter().zip(long).map(name).collect()
}

fn film_name(item: &Item, container: Container) -> String {
    let stem = match item.kind() {
        ItemKind::Video => Path::new(&item.name).with_extension("").to_string_lossy().into_owned(),
        _ => item.name.clone(),
    };
    format!("{stem}.{}", container.extension())
}

/// Whether an extension says this format; what is not written counts as PNG elsewhere, not here.
fn is_of_format(extension: &str, format: StillFormat) -> bool {
    let says = StillFormat::of_name(&format!("x.{extension}")) == format;
    says && (format != StillFormat::Png || extension.eq_ignore_ascii_case("png"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_frames::ImageFile;

    fn item(name: &str, kind: ItemKind, files: &[&str]) -> Item {
        let file = |(frame, name): (usize, &&str)| ImageFile {
            frame: frame as u64,
            name: (*name).to_owned(),
            ..ImageFile::default()
        };
        let files = files.iter().enumerate().map(file).collect();
        Item { name: name.to_owned(), kind: kind as i32, files, ..Item::default() }
    }

    #[test]
    fn films_mirror_the_source_and_never_meet() {
        let names = ["day 1/a.mp4", "day 1/a.avi", "b.c.mkv"].map(|name| item(name, ItemKind::Video, &[]));
        let folder = item("shot.v1", ItemKind::Sequence, &["1.png"]);
        let all = [
            (&names[0], Container::Mov),
            (&names[1], Container::Mov),
            (&names[2], Container::Mkv),
            (&folder, Container::Mov),
        ];
        assert_eq!(film_names(&all), ["day 1/a.mp4.mov", "day 1/a.avi.mov", "b.c.mkv", "shot.v1.mov"]);
    }

    #[test]
    fn a_name_that_another_item_falls_back_to_is_taken() {
        let items = ["a.mp4", "a.avi", "a.mp4.mkv", "B.mp4", "b.mov"].map(|name| item(name, ItemKind::Video, &[]));
        let names = film_names(&items.each_ref().map(|item| (item, Container::Mov)));
        assert_eq!(names, ["a.mp4.mov", "a.avi.mov", "a.mp4.mkv.mov", "B.mp4.mov", "b.mov.mov"]);
    }

    #[test]
    fn images_keep_their_names() {
        let files = ["x.JPG", "y.tif", "z.bmp", "w"];
        let patterns = |format| files.map(|file| still_pattern(file, format));
        assert_eq!(patterns(StillFormat::Png), ["*.png"; 4]);
        assert_eq!(patterns(StillFormat::Tiff), ["*.tiff", "*.tif", "*.tiff", "*.tiff"]);
        assert_eq!(patterns(StillFormat::Jpeg), ["*.JPG", "*.jpg", "*.jpg", "*.jpg"]);
    }
}

//! What files are called: the output mirrors the source.
use framefleet_media::encode::{Container, StillFormat};
use framefleet_media::{Item, ItemKind, item};
use std::path::Path;

/// Name of a frame's image inside its item's folder: the source image's, with another extension only if the format differs
/// from what the name says; the frame's number for videos.
pub(crate) fn still_name(item: &Item, number: u64, format: StillFormat) -> String {
    match item::file(item, number).map(|file| file.name.as_str()) {
        None => format!("frame_{number:08}.{}", format.extension()),
        Some(name) if has_extension_of(name, format) => name.to_owned(),
        // The whole name stays, so that a.bmp and a.png do not meet.
        Some(name) => format!("{name}.{}", format.extension()),
    }
}

/// Names of films, one per item in the same order: the item's, with the container's extension in place of its own. Items
/// that would meet (`a.mp4` and `a.avi`) keep theirs before it.
pub(crate) fn film_names(items: &[(&Item, Container)]) -> Vec<String> {
    let short: Vec<String> = items.iter().map(|(item, container)| film_name(item, *container)).collect();
    let is_alone = |name: &String| short.iter().filter(|other| *other == name).count() == 1;
    let name = |((item, container), short): (&(&Item, Container), &String)| match is_alone(short) {
        true => short.clone(),
        false => format!("{}.{}", item.name, container.extension()),
    };
    items.iter().zip(&short).map(name).collect()
}

fn film_name(item: &Item, container: Container) -> String {
    let stem = match item.kind() {
        ItemKind::Video => Path::new(&item.name).with_extension("").to_string_lossy().into_owned(),
        _ => item.name.clone(),
    };
    format!("{stem}.{}", container.extension())
}

/// Whether a name says this format itself; names without a format of ours count as PNG elsewhere, not here.
fn has_extension_of(name: &str, format: StillFormat) -> bool {
    let extension = Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default();
    StillFormat::of_name(name) == format && (format != StillFormat::Png || extension.eq_ignore_ascii_case("png"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_media::ImageFile;

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
    fn images_keep_their_names() {
        let stills = item("holiday", ItemKind::Stills, &["x.JPG", "sub/y.tif", "z.bmp"]);
        assert_eq!(still_name(&stills, 0, StillFormat::Jpeg), "x.JPG");
        assert_eq!(still_name(&stills, 1, StillFormat::Tiff), "sub/y.tif");
        assert_eq!(still_name(&stills, 2, StillFormat::Png), "z.bmp.png");
        assert_eq!(still_name(&stills, 0, StillFormat::Png), "x.JPG.png");
        assert_eq!(still_name(&item("v.mp4", ItemKind::Video, &[]), 7, StillFormat::Png), "frame_00000007.png");
    }
}

//! Frames of an item: which file each is, and what its picture is like. Stills of one folder differ in size and depth; what an item says of
//! itself is then the largest.
use crate::frame::{PROXY_SIDE, full_format, proxy_size};
use crate::stamp;
use framefleet_proto::v1::{Colour, ImageFile, Item, ItemKind, PixelFormat};
use std::path::Path;

/// The rule by which frames of stills are skipped whose picture is not there any more. They are no frames: no row, no count, no file speaks of
/// them; entries of tasks do, since they tell of all frames of their range.
pub const GONE: &str = "gone";

/// The file that a frame is: of sequences and stills, as far as the item carries its files.
pub fn file(item: &Item, frame: u64) -> Option<&ImageFile> {
    let found = item.files.binary_search_by_key(&frame, |file| file.frame);
    found.ok().and_then(|position| item.files.get(position))
}

/// Width and height of a full frame as displayed: of the still itself where it says so, else the item's.
pub fn frame_size(item: &Item, frame: u64) -> (u32, u32) {
    size_of(item, file(item, frame))
}

/// Width and height of the full frame that `file` is (`None`: of a video).
pub fn size_of(item: &Item, file: Option<&ImageFile>) -> (u32, u32) {
    let known = file.filter(|file| file.width > 0 && file.height > 0);
    known.map_or((item.width, item.height), |file| (file.width, file.height))
}

/// Format of a full frame: the still's own depth and channels, else the item's.
pub fn frame_format(item: &Item, frame: u64) -> PixelFormat {
    file(item, frame).filter(|file| file.bit_depth > 0).map_or_else(|| full_format(item), file_format)
}

/// Format of the full frame that an image is.
pub fn file_format(file: &ImageFile) -> PixelFormat {
    full_format(&Item { bit_depth: file.bit_depth, alpha: file.alpha, grey: file.grey, ..Item::default() })
}

/// Colour of a full frame: what the still itself says, else the item's.
pub fn frame_colour(item: &Item, frame: u64) -> Colour {
    colour_of(item, file(item, frame))
}

/// Colour of the full frame that `file` is (`None`: of a video).
pub fn colour_of(item: &Item, file: Option<&ImageFile>) -> Colour {
    file.and_then(|file| file.colour.as_ref()).or(item.colour.as_ref()).cloned().unwrap_or_default()
}

/// The largest proxy that frames of an item have, width and height: of stills, whose item says the largest width and the largest height of all,
/// no one proxy's, but none is larger.
pub fn largest_proxy(item: &Item) -> (u32, u32) {
    match item.kind() {
        ItemKind::Stills => (item.width.min(PROXY_SIDE), item.height.min(PROXY_SIDE)),
        _ => proxy_size(item.width, item.height),
    }
}

/// Whether a video is another file than when its index began, by size, time and inode: what was read of it may be of two states. What is not
/// indexed, and folders of images, whose pictures have digests of their own, are not asked about.
pub fn has_changed(item: &Item) -> bool {
    item.kind() == ItemKind::Video && item.stamp != 0 && stamp(Path::new(&item.location)) != item.stamp
}

/// The item as a task carries it: with these of its files alone.
pub fn with_files(item: &Item, files: Vec<ImageFile>) -> Item {
    Item { files, ..without_files(item) }
}

/// The item without its files, which for a large folder are most of it.
pub fn without_files(item: &Item) -> Item {
    // Named one by one, so that the files of a large folder are not copied first.
    Item {
        name: item.name.clone(),
        location: item.location.clone(),
        kind: item.kind,
        files: Vec::new(),
        width: item.width,
        height: item.height,
        bit_depth: item.bit_depth,
        alpha: item.alpha,
        grey: item.grey,
        frame_rate: item.frame_rate,
        time_base: item.time_base,
        estimated_frames: item.estimated_frames,
        container: item.container.clone(),
        codec: item.codec.clone(),
        rotation: item.rotation,
        flipped: item.flipped,
        pixel_aspect: item.pixel_aspect,
        colour: item.colour.clone(),
        has_audio: item.has_audio,
        bytes: item.bytes,
        scan: item.scan.clone(),
        stereo: item.stereo.clone(),
        projection: item.projection.clone(),
        content: item.content.clone(),
        last_frame_ns: item.last_frame_ns,
        stepped: item.stepped,
        stamp: item.stamp,
        batch_frames: item.batch_frames,
        sound_tracks: item.sound_tracks.clone(),
        video_stream: item.video_stream,
        notes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_still_has_a_larger_proxy_than_its_folder_says() {
        let sizes = [(1370, 855), (1000, 1280), (90, 90)];
        let most = |side: fn(&(u32, u32)) -> u32| sizes.iter().map(side).max().unwrap();
        let mut item = Item { width: most(|size| size.0), height: most(|size| size.1), ..Item::default() };
        item.set_kind(ItemKind::Stills);
        let (width, height) = largest_proxy(&item);
        assert!(sizes.iter().map(|size| proxy_size(size.0, size.1)).all(|(w, h)| w <= width && h <= height));
        assert!(
            proxy_size(item.width, item.height).1 < proxy_size(1000, 1280).1,
            "the proxy of the largest sides is not the largest"
        );
    }

    #[test]
    fn a_frame_has_the_size_and_format_of_its_own_file() {
        let files = vec![
            ImageFile {
                frame: 2,
                name: "a.png".to_owned(),
                width: 40,
                height: 30,
                bit_depth: 16,
                ..ImageFile::default()
            },
            ImageFile {
                frame: 5,
                name: "b.jpg".to_owned(),
                width: 300,
                height: 400,
                bit_depth: 8,
                ..ImageFile::default()
            },
            ImageFile { frame: 6, name: "broken.jpg".to_owned(), ..ImageFile::default() },
        ];
        let item = Item { width: 300, height: 400, bit_depth: 16, files, ..Item::default() };
        assert_eq!([2, 5, 6].map(|frame| frame_size(&item, frame)), [(40, 30), (300, 400), (300, 400)]);
        assert_eq!([2, 5].map(|frame| frame_format(&item, frame)), [PixelFormat::Rgb16, PixelFormat::Rgb8]);
        assert_eq!(file(&item, 3), None);
        assert_eq!(without_files(&item), Item { files: Vec::new(), ..item });
    }
}

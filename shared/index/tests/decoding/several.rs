//! Files that hold several pictures: all of them are frames.
use crate::film::{Film, Shown, decoders};
use framefleet_frames::{ItemKind, Rendition};
use framefleet_probe::{ImageFolders, probe};
use framefleet_testkit::{Clip, Picture, Timing, numbered, read_number};
use std::path::Path;
use tiff::encoder::{TiffEncoder, colortype::RGB8};

/// The number on every frame of a film, in order; frames with alpha over what they are painted on.
fn numbers(film: &Film) -> Vec<Option<u64>> {
    let decoders = decoders();
    let mut found = Vec::new();
    for batch in &film.batches {
        let (shown, failures) = film.batch(&decoders, batch, Rendition::Proxy);
        assert_eq!(failures, []);
        found.extend(shown.iter().map(|shown| read_number(&shown.pixels, shown.slot.width, shown.slot.height)));
    }
    found
}

fn expected(count: u64) -> Vec<Option<u64>> {
    (0..count).map(Some).collect()
}

#[test]
fn frames_of_an_animated_webp_have_their_delays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("animated.webp");
    let timing = Timing::Durations { ticks_per_second: 1000, ticks: vec![100, 40, 250, 60] };
    let clip = Clip::new(64, 48, 12).timing(timing).codec("libwebp_anim", "bgra").arguments(["-lossless", "1"]);
    clip.write(&path, |frame| numbered(64, 48, frame)).unwrap();
    let film = Film::open(&path);
    assert_eq!((film.item.name.as_str(), film.item.kind()), ("animated.webp", ItemKind::Sequence));
    assert_eq!(film.item.estimated_frames, 12);
    let milliseconds: Vec<i64> = film.pts_ns().iter().map(|ns| ns / 1_000_000).collect();
    assert_eq!(milliseconds[..6], [0, 100, 140, 390, 450, 510]);
    assert_eq!(numbers(&film), expected(12));
    // A batch by itself, and one frame of it.
    let (shown, _) = film.frames(&decoders(), &film.batches[1], &[10], Rendition::Proxy);
    assert_eq!(read_number(&shown[0].pixels, 64, 48), Some(10));
}

#[test]
fn an_animated_png_is_a_video() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Clip::new(64, 48, 5).codec("apng", "rgb24").arguments(["-f", "apng"]);
    let path = clip.write(&folder.path().join("animated.png"), |frame| numbered(64, 48, frame)).unwrap();
    let film = Film::open(&path);
    assert_eq!(film.item.kind(), ItemKind::Video);
    assert_eq!(film.pts_ns(), [0, 40, 80, 120, 160].map(|ms| ms * 1_000_000));
    assert_eq!(numbers(&film), expected(5));
}

/// Writes pictures as pages of one file.
fn write_pages(path: &Path, pages: &[Picture]) {
    let mut encoder = TiffEncoder::new(std::fs::File::create(path).unwrap()).unwrap();
    for page in pages {
        encoder.write_image::<RGB8>(page.width, page.height, &page.rgb).unwrap();
    }
}

#[test]
fn pages_of_a_tiff_are_stills_each_of_its_own_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.tif");
    let pages: Vec<Picture> = (0..3).map(|page| numbered(64 + 16 * page as u32, 48, page)).collect();
    write_pages(&path, &pages);
    let film = Film::open_with(&path, framefleet_decode::Deinterlace::Off, 2);
    assert_eq!((film.item.kind(), film.item.files.len()), (ItemKind::Stills, 3));
    assert_eq!(
        film.item.files.iter().map(|file| (file.page, file.width)).collect::<Vec<_>>(),
        [(1, 64), (2, 80), (3, 96)]
    );
    let decoders = decoders();
    let shown: Vec<Shown> =
        film.batches.iter().flat_map(|batch| film.batch(&decoders, batch, Rendition::Full).0).collect();
    for (shown, page) in shown.iter().zip(&pages) {
        assert_eq!((shown.slot.width, shown.pixels == page.rgb), (page.width, true));
    }
    assert_eq!(shown.len(), 3);
    let digests: std::collections::BTreeSet<_> =
        film.batches.iter().flat_map(|batch| &batch.files).map(|file| file.digest.clone()).collect();
    assert_eq!(digests.len(), 3, "each page is content of its own");
}

#[test]
fn in_a_folder_they_are_items_beside_the_stills() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let picture = |number| numbered(64, 48, number);
    write_pages(&at("scan.tif"), &[picture(1), picture(2)]);
    write_pages(&at("one.tif"), &[picture(3)]);
    framefleet_testkit::write_image(&at("b.png"), &picture(4)).unwrap();
    let probed = probe(folder.path().to_str().unwrap(), ImageFolders::Auto).unwrap();
    let mut found: Vec<(String, usize)> =
        probed.items.iter().map(|item| (item.name.clone(), item.files.len())).collect();
    found.sort_by_key(|(_, files)| *files);
    assert_eq!(found.len(), 2);
    assert!(found.contains(&("scan.tif".to_owned(), 2)), "{found:?}");
    let stills = probed.items.iter().find(|item| item.name != "scan.tif").unwrap();
    assert_eq!(stills.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["b.png", "one.tif"]);
}

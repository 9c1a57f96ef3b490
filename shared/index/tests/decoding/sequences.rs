//! When the images of a folder are a film.
use crate::film::{Film, decoders};
use framefleet_decode::Deinterlace;
use framefleet_frames::{ItemKind, Rational, Rendition};
use framefleet_probe::{ImageFolders, Reading, probe, probe_with};
use framefleet_testkit::{Picture, image_folder, numbered, read_number, write_image};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use std::path::Path;

fn kind(folder: &Path) -> (ItemKind, String) {
    let item = probe(folder.to_str().unwrap(), ImageFolders::Auto).unwrap().items.remove(0);
    (item.kind(), item.notes.join("; "))
}

#[test]
fn a_gap_keeps_its_place_as_a_failed_frame() {
    let folder = tempfile::tempdir().unwrap();
    let names = image_folder(folder.path(), "png", 24, |frame| numbered(64, 48, frame)).unwrap();
    std::fs::remove_file(&names[11]).unwrap();
    let (kind, note) = kind(folder.path());
    assert_eq!(kind, ItemKind::Sequence);
    assert_eq!(note, "read as a film: pictures 0 to 23 of one size; 1 missing, a failed frame each");
    let film = Film::open_with(folder.path(), Deinterlace::Off, 8);
    let decoders = decoders();
    let (mut seen, mut failed) = (Vec::new(), Vec::new());
    for batch in &film.batches {
        let (shown, failures) = film.batch(&decoders, batch, Rendition::Full);
        seen.extend(shown.iter().map(|shown| (read_number(&shown.pixels, 64, 48), shown.slot.pts_ns / 40_000_000)));
        failed.extend(failures.into_iter().map(|failure| (failure.frame, failure.reason)));
    }
    let expected: Vec<_> = (0..24).filter(|frame| *frame != 11).map(|frame| (Some(frame), frame as i64)).collect();
    assert_eq!(seen, expected);
    assert_eq!(failed, [(11, "there is no file of this number: the sequence has a gap here".to_owned())]);
}

#[test]
fn sequences_have_the_rate_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    image_folder(folder.path(), "png", 3, |frame| numbered(64, 48, frame)).unwrap();
    let rate = Rational { num: 24_000, den: 1001 };
    let reading = Reading { rate: Some(rate), ..Reading::default() };
    let item = probe_with(folder.path().to_str().unwrap(), reading).unwrap().items.remove(0);
    assert_eq!(item.frame_rate, Some(rate));
}

/// A photograph of its own: stripes at an angle and of a width that no other has.
fn photograph(number: u64) -> Picture {
    let (a, b) = ([3, 7, 1, 9, 5, 2][number as usize % 6], [8, 1, 6, 2, 9, 4][number as usize % 6]);
    Picture::from_fn(64, 48, |x, y| {
        let on = ((x * a + y * b + 17 * number as u32) / 64).is_multiple_of(2);
        if on { [220, 200, 180] } else { [30, 40, 60] }
    })
}

#[test]
fn photographs_with_a_cameras_numbers_are_stills() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..6 {
        write_image(&folder.path().join(format!("DSC_{:04}.png", 4711 + number)), &photograph(number)).unwrap();
    }
    let (kind, note) = kind(folder.path());
    assert_eq!(kind, ItemKind::Stills);
    assert!(note.contains("neighbours show different things"), "{note}");
}

/// Exif with a model and a moment.
fn exif(model: &[u8; 4], taken: &[u8; 20]) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value].concat()
    };
    let mut bytes = b"II*\0\x08\0\0\0\x02\0".to_vec();
    bytes.extend(entry(0x0110, 2, 4, *model));
    bytes.extend(entry(0x8769, 4, 1, 38u32.to_le_bytes()));
    bytes.extend([0; 4]);
    bytes.extend([1, 0]);
    bytes.extend(entry(0x9003, 2, 20, 56u32.to_le_bytes()));
    bytes.extend([0; 4]);
    bytes.extend(taken);
    bytes
}

fn write_taken(path: &Path, model: &[u8; 4], second: u32) {
    let mut encoder = JpegEncoder::new(std::fs::File::create(path).unwrap());
    let taken = format!("2026:05:04 10:{:02}:{:02}\0", second / 60, second % 60);
    encoder.set_exif_metadata(exif(model, taken.as_bytes().try_into().unwrap())).unwrap();
    // All show the same: what speaks against a film is not what they show.
    encoder.write_image(&numbered(64, 48, 1).rgb, 64, 48, ExtendedColorType::Rgb8).unwrap();
}

#[test]
fn times_and_cameras_tell_photographs_from_films() {
    let kind_of = |pictures: &[(&[u8; 4], u32)]| {
        let folder = tempfile::tempdir().unwrap();
        for (number, (model, second)) in pictures.iter().enumerate() {
            write_taken(&folder.path().join(format!("IMG_{number:04}.jpg")), model, *second);
        }
        kind(folder.path())
    };
    let one = b"D90\0";
    assert_eq!(kind_of(&[(one, 0), (one, 10), (one, 20), (one, 31)]).0, ItemKind::Sequence, "taken at intervals");
    assert_eq!(kind_of(&[(one, 0), (one, 0), (one, 1), (one, 1)]).0, ItemKind::Sequence, "a burst");
    let (kind, note) = kind_of(&[(one, 0), (one, 3), (one, 900), (one, 3000)]);
    assert!(kind == ItemKind::Stills && note.contains("3 to 2100 seconds after one another"), "{note}");
    let (kind, note) = kind_of(&[(one, 0), (b"R5\0\0", 1), (one, 2)]);
    assert!(kind == ItemKind::Stills && note.contains("D90 and R5"), "{note}");
}

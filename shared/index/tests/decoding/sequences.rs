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

/// Pictures 0..`count` called `stem` and a number of four digits.
fn folder_of(stem: &str, count: u64, paint: impl Fn(u64) -> Picture) -> (ItemKind, String) {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..count {
        write_image(&folder.path().join(format!("{stem}{number:04}.png")), &paint(number)).unwrap();
    }
    kind(folder.path())
}

/// A number that looks random, of a place and a seed: 0..256.
fn noise(x: u32, y: u32, seed: u64) -> u32 {
    let mixed = (u64::from(x) << 32 | u64::from(y)).wrapping_add(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 56) as u32
}

/// A landscape of its own: sky above, ground below with fields that no other has; `light` of 255 is daylight.
fn landscape(seed: u64, light: u32) -> Picture {
    let horizon = 16 + noise(0, 0, seed) % 16;
    Picture::from_fn(64, 48, |x, y| {
        let luma = if y < horizon { 230 - y } else { 60 + noise(x / 8, y / 8, seed) / 4 } + noise(x, y, 7) / 64;
        [(luma * light / 255) as u8; 3]
    })
}

#[test]
fn landscapes_of_one_size_are_stills() {
    let (kind, note) = folder_of("holiday ", 12, |number| landscape(number + 1, 255));
    assert!(kind == ItemKind::Stills && note.contains("neighbours show different things"), "{note}");
    let (kind, note) = folder_of("P10", 3, |number| landscape(number + 40, 255));
    assert!(kind == ItemKind::Stills, "three of them: {note}");
}

/// The light changes, and something moves in it.
#[test]
fn a_time_lapse_is_a_film() {
    let (kind, note) = folder_of("lapse", 40, |number| {
        let mut picture = landscape(3, 255 - number as u32 * 5);
        let left = number as usize * 3 % 60;
        for y in 20..24 {
            picture.rgb[(y * 64 + left) * 3..][..12].fill(255);
        }
        picture
    });
    assert_eq!(kind, ItemKind::Sequence, "{note}");
}

/// Two drawings a second: a figure on a white page that is somewhere else each time.
#[test]
fn an_animation_of_drawings_is_a_film() {
    for size in [6, 14] {
        let (kind, note) = folder_of("Zeichnung ", 9, |number| {
            let (left, top) = (number as u32 * 23 % 48, number as u32 * 17 % 32);
            Picture::from_fn(64, 48, |x, y| {
                let inside = (left..left + size).contains(&x) && (top..top + size).contains(&y);
                if inside { [20, 20, 30] } else { [255, 255, 255] }
            })
        });
        assert_eq!(kind, ItemKind::Sequence, "figure of {size}: {note}");
    }
}

/// Three pictures with numbers: frames of a film, or two of one thing and one of another.
#[test]
fn three_pictures_are_a_film_when_all_belong_together() {
    let frame = |number: u64| numbered(64, 48, number);
    assert_eq!(folder_of("shot_", 3, frame).0, ItemKind::Sequence);
    let mixed = |number: u64| if number < 2 { frame(number) } else { photograph(3) };
    let (kind, note) = folder_of("DSC_", 3, mixed);
    assert!(kind == ItemKind::Stills, "{note}");
}

/// Bursts of ten photographs of one scene within a second, a minute apart: most neighbours look like those of a film.
#[test]
fn bursts_of_photographs_are_stills() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..200u32 {
        let second = number / 10 * 60 + number % 10 / 5;
        write_taken(&folder.path().join(format!("IMG_{number:04}.jpg")), b"D90\0", second);
    }
    let (kind, note) = kind(folder.path());
    assert!(kind == ItemKind::Stills && note.contains("after one another"), "{note}");
}

//! Kinds of image files, whole and nearly whole.
use crate::film::{Film, Shown, decoders, mean};
use framefleet_encode::{StillOptions, write_still};
use framefleet_formats::StillFormat;
use framefleet_frames::{Image, PixelFormat, Rendition};
use framefleet_probe::{ImageFolders, probe};
use framefleet_testkit::{Picture, decode_rgb8, numbered, write_image};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageDecoder, ImageEncoder, ImageReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use tiff::encoder::{TiffEncoder, colortype};

fn first(path: &Path) -> (Film, Shown) {
    let film = Film::open(path);
    let (mut shown, failures) = film.frames(&decoders(), &film.batches[0], &[0], Rendition::Full);
    assert_eq!(failures, [], "{}", path.display());
    (film, shown.remove(0))
}

/// Why a file's frame fails.
fn failure(path: &Path) -> String {
    let film = Film::open(path);
    film.frames(&decoders(), &film.batches[0], &[0], Rendition::Full).1.remove(0).reason
}

/// A picture converted by the `ffmpeg` program.
fn converted(folder: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let source = write_image(&folder.join("source.png"), &patches()).unwrap();
    let target = folder.join(name);
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(source).args(arguments).arg("-y").arg(&target);
    assert!(command.status().unwrap().success(), "{name}");
    target
}

/// Few colours, so that a palette has them all.
fn patches() -> Picture {
    Picture::from_fn(96, 64, |x, y| match (x / 24 + y / 16) % 4 {
        0 => [255, 0, 0],
        1 => [0, 200, 10],
        2 => [20, 30, 250],
        _ => [128, 128, 128],
    })
}

#[test]
fn a_jpeg_without_its_end_marker_is_read_when_all_rows_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let whole = write_image(&folder.path().join("whole.jpg"), &numbered(160, 120, 7)).unwrap();
    let bytes = std::fs::read(&whole).unwrap();
    assert!(bytes.ends_with(&[0xff, 0xd9]));
    let expected = first(&whole).1.pixels;
    let with = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let data = &bytes[..bytes.len() - 2];
    assert!(first(&with("no_end.jpg", data)).1.pixels == expected);
    assert!(first(&with("half_marker.jpg", &bytes[..bytes.len() - 1])).1.pixels == expected);
    let trailer = [data, b"a phone's own data, as long as it likes"].concat();
    assert!(first(&with("trailer.jpg", &trailer)).1.pixels == expected);
    for lost in [8, 100, bytes.len() / 2] {
        let reason = failure(&with("cut.jpg", &bytes[..bytes.len() - lost]));
        assert!(reason.contains("the file is cut"), "{lost} bytes: {reason}");
    }
}

#[test]
fn tiffs_with_palettes_and_large_offsets_are_exact() {
    let folder = tempfile::tempdir().unwrap();
    let expected = patches().rgb;
    let palette = converted(folder.path(), "palette.tif", &["-pix_fmt", "pal8"]);
    let (film, shown) = first(&palette);
    assert_eq!((shown.slot.format, film.item.files[0].grey), (PixelFormat::Rgb8, false));
    assert!(shown.pixels == decode_rgb8(&palette).unwrap()[0].rgb, "palette");
    let big = folder.path().join("big.tif");
    let mut encoder = TiffEncoder::new_big(std::fs::File::create(&big).unwrap()).unwrap();
    encoder.write_image::<colortype::RGB8>(96, 64, &expected).unwrap();
    assert!(first(&big).1.pixels == expected, "BigTIFF");
    // What is read of it is written, too, with the metadata that it has.
    let image = Image::new(PixelFormat::Rgb8, 96, 64, expected).unwrap();
    let options = StillOptions { source: Some(&big), ..StillOptions::default() };
    write_still(&folder.path().join("out.tif"), &image, StillFormat::Tiff, &options).unwrap();
}

/// A TIFF around a JPEG (technical note 2 of TIFF 6.0).
fn write_jpeg_tiff(path: &Path, width: u16, height: u16, jpeg: &[u8]) {
    let short = |value: u16| u32::from(value);
    let entries: [(u16, u16, u32, u32); 9] = [
        (256, 3, 1, short(width)),
        (257, 3, 1, short(height)),
        (258, 3, 3, 8 + 2 + 9 * 12 + 4),
        (259, 3, 1, 7),
        (262, 3, 1, 6),
        (273, 4, 1, 8 + 2 + 9 * 12 + 4 + 6),
        (277, 3, 1, 3),
        (278, 3, 1, short(height)),
        (279, 4, 1, jpeg.len() as u32),
    ];
    let mut bytes = b"II*\0\x08\0\0\0\x09\0".to_vec();
    for (tag, kind, count, value) in entries {
        bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        bytes.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    bytes.extend([0; 4]);
    bytes.extend([8, 0, 8, 0, 8, 0]);
    bytes.extend(jpeg);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_jpeg_inside_a_tiff_is_what_it_is_outside() {
    let folder = tempfile::tempdir().unwrap();
    let jpeg = converted(folder.path(), "a.jpg", &["-pix_fmt", "yuvj444p", "-q:v", "2"]);
    let tiff = folder.path().join("jpeg.tif");
    write_jpeg_tiff(&tiff, 96, 64, &std::fs::read(&jpeg).unwrap());
    let (inside, outside) = (first(&tiff).1.pixels, first(&jpeg).1.pixels);
    assert!(inside.iter().zip(&outside).all(|(a, b)| a.abs_diff(*b) <= 2));
}

#[test]
fn floating_point_pixels_are_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, grey: bool| {
        let mut encoder = TiffEncoder::new(std::fs::File::create(folder.path().join(name)).unwrap()).unwrap();
        match grey {
            true => encoder.write_image::<colortype::Gray32Float>(8, 8, &[0.5; 64]).unwrap(),
            false => encoder.write_image::<colortype::RGB32Float>(8, 8, &[0.5; 192]).unwrap(),
        }
    };
    write("grey.tif", true);
    write("rgb.tif", false);
    std::fs::write(folder.path().join("text.png"), "no picture").unwrap();
    let probed = probe(folder.path().to_str().unwrap(), ImageFolders::Auto).unwrap();
    assert!(probed.items.is_empty());
    // The folder is no item: for each of its files it says why.
    let reason = &probed.refused[0].1;
    assert_eq!(reason.matches("floating-point pixels; convert to 16-bit TIFF or PNG").count(), 2, "{reason}");
    assert!(reason.contains("text.png"), "{reason}");
}

#[test]
fn uncompressed_kinds_are_exact() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.bmp", "a.tga", "a.ppm", "a.pam"] {
        let path = converted(
            folder.path(),
            name,
            &["-pix_fmt", if name == "a.bmp" || name == "a.tga" { "bgr24" } else { "rgb24" }],
        );
        assert!(first(&path).1.pixels == patches().rgb, "{name}");
    }
    let jpeg = converted(folder.path(), "a.jpg", &["-q:v", "2"]);
    let named = folder.path().join("a.jfif");
    std::fs::copy(&jpeg, &named).unwrap();
    assert!(first(&named).1.pixels == first(&jpeg).1.pixels);
}

/// A profile whose header says that it is for a space.
fn profile(space: &[u8; 4]) -> Vec<u8> {
    [&[0; 16][..], space, &[0; 108]].concat()
}

fn profile_of(path: &Path) -> Option<Vec<u8>> {
    ImageReader::open(path).unwrap().into_decoder().unwrap().icc_profile().unwrap()
}

#[test]
fn a_profile_never_stays_on_pixels_of_another_kind() {
    let folder = tempfile::tempdir().unwrap();
    let rgb = Image::new(PixelFormat::Rgb8, 8, 8, vec![90; 192]).unwrap();
    let grey = Image::new(PixelFormat::Grey8, 8, 8, vec![90; 64]).unwrap();
    let rgba = Image::new(PixelFormat::Rgba8, 8, 8, vec![90; 256]).unwrap();
    for (space, fits) in [(b"CMYK", [false; 3]), (b"GRAY", [false, true, false]), (b"RGB ", [true, false, true])] {
        let source = folder.path().join("source.jpg");
        let mut encoder = JpegEncoder::new(std::fs::File::create(&source).unwrap());
        encoder.set_icc_profile(profile(space)).unwrap();
        encoder.write_image(&[90; 192], 8, 8, ExtendedColorType::Rgb8).unwrap();
        let options = StillOptions { source: Some(&source), ..StillOptions::default() };
        for (image, fits) in [&rgb, &grey, &rgba].into_iter().zip(fits) {
            let target = folder.path().join("target.png");
            write_still(&target, image, StillFormat::Png, &options).unwrap();
            assert_eq!(profile_of(&target), fits.then(|| profile(space)), "{space:?} on {:?}", image.format());
        }
        let (film, shown) = first(&source);
        let is_rgb = space == b"RGB ";
        assert_eq!(!film.item.files[0].colour.clone().unwrap().icc.is_empty(), is_rgb);
        assert_eq!(film.item.notes.is_empty(), is_rgb, "{:?}", film.item.notes);
        assert!((mean(&shown)[0] - 90.0).abs() < 2.0);
    }
}

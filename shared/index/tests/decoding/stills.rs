//! Single images: how they are turned, and what shows through them.
use crate::film::{Film, Shown, decoders};
use framefleet_frames::{ItemKind, PixelFormat, Rendition};
use framefleet_testkit::{Picture, write_image, write_image16};
use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder};
use std::path::Path;

/// Red, green, blue and white corners, as they are to be seen.
fn upright(width: u32, height: u32) -> Picture {
    Picture::from_fn(width, height, |x, y| match (x < width / 2, y < height / 2) {
        (true, true) => [230, 20, 20],
        (false, true) => [20, 200, 20],
        (true, false) => [20, 20, 230],
        (false, false) => [240, 240, 240],
    })
}

/// How a picture is stored that an EXIF orientation (TIFF 6.0, tag 274) makes upright.
fn stored(upright: &Picture, orientation: u16) -> Picture {
    let (width, height) = (upright.width, upright.height);
    let size = if orientation >= 5 { (height, width) } else { (width, height) };
    let (right, bottom) = (width - 1, height - 1);
    Picture::from_fn(size.0, size.1, |x, y| {
        let (x, y) = match orientation {
            1 => (x, y),
            2 => (right - x, y),
            3 => (right - x, bottom - y),
            4 => (x, bottom - y),
            5 => (y, x),
            6 => (right - y, x),
            7 => (right - y, bottom - x),
            _ => (y, bottom - x),
        };
        upright.get(x, y)
    })
}

/// A TIFF structure that says nothing but the orientation.
fn exif(orientation: u16) -> Vec<u8> {
    let [low, high] = orientation.to_le_bytes();
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([low, high, 0, 0, 0, 0, 0, 0]);
    exif
}

/// Writes a picture with an orientation tag; the name chooses the format.
fn write_tagged(path: &Path, picture: &Picture, orientation: u16) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let name = path.to_str().unwrap();
    match name.rsplit('.').next().unwrap() {
        "jpg" => encode(JpegEncoder::new_with_quality(&mut file, 100), picture, orientation),
        "png" => encode(PngEncoder::new(&mut file), picture, orientation),
        "webp" => encode(WebPEncoder::new_lossless(&mut file), picture, orientation),
        _ => {
            write_image(path, picture).unwrap();
            add_to_directory(path, &exif(orientation)[10..22]);
        }
    }
}

fn encode(mut encoder: impl ImageEncoder, picture: &Picture, orientation: u16) {
    encoder.set_exif_metadata(exif(orientation)).unwrap();
    encoder.write_image(&picture.rgb, picture.width, picture.height, ExtendedColorType::Rgb8).unwrap();
}

/// Adds an entry to the directory of a TIFF file, in a copy at its end.
fn add_to_directory(path: &Path, entry: &[u8]) {
    let mut bytes = std::fs::read(path).unwrap();
    assert_eq!(&bytes[..4], b"II*\0");
    let offset = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    let count = u16::from_le_bytes(bytes[offset..offset + 2].try_into().unwrap());
    let mut entries: Vec<Vec<u8>> =
        bytes[offset + 2..offset + 2 + usize::from(count) * 12].chunks(12).map(<[u8]>::to_vec).collect();
    entries.push(entry.to_vec());
    entries.sort_by_key(|entry| u16::from_le_bytes([entry[0], entry[1]]));
    let moved = (bytes.len() as u32).to_le_bytes();
    bytes.extend((count + 1).to_le_bytes());
    bytes.extend(entries.concat());
    bytes.extend([0; 4]);
    bytes[4..8].copy_from_slice(&moved);
    std::fs::write(path, bytes).unwrap();
}

fn first(path: &Path, rendition: Rendition) -> (Film, Shown) {
    let film = Film::open(path);
    let (mut shown, failures) = film.frames(&decoders(), &film.batches[0], &[0], rendition);
    assert_eq!(failures, [], "{}", path.display());
    (film, shown.remove(0))
}

#[test]
fn all_orientations_are_made_upright() {
    let folder = tempfile::tempdir().unwrap();
    let upright = upright(80, 48);
    for extension in ["jpg", "png", "webp", "tif"] {
        for orientation in 1..=8 {
            let path = folder.path().join(format!("{orientation}.{extension}"));
            write_tagged(&path, &stored(&upright, orientation), orientation);
            for rendition in [Rendition::Full, Rendition::Proxy] {
                let (film, shown) = first(&path, rendition);
                assert_eq!((film.item.width, film.item.height), (80, 48), "{extension} {orientation}");
                assert_eq!((shown.slot.width, shown.slot.height), (80, 48), "{extension} {orientation}");
                for (x, y) in [(8, 8), (72, 8), (8, 40), (72, 40)] {
                    let at = (y * 80 + x) as usize * 3;
                    let (found, expected) = (&shown.pixels[at..at + 3], upright.get(x, y));
                    let close = found.iter().zip(expected).all(|(found, expected)| found.abs_diff(expected) <= 6);
                    assert!(close, "{extension} {orientation} at {x},{y}: {found:?}, not {expected:?}");
                }
            }
        }
    }
}

/// Half transparent green on the left, opaque blue on the right, and red under what is fully transparent in the middle.
fn translucent(width: u32, height: u32) -> Vec<u8> {
    let pixel = |x: u32| match 3 * x / width {
        0 => [0, 200, 0, 128],
        1 => [255, 0, 0, 0],
        _ => [0, 0, 250, 255],
    };
    (0..height).flat_map(|_| (0..width).flat_map(pixel)).collect()
}

#[test]
fn alpha_is_kept_in_full_frames_and_proxies_lie_over_grey() {
    let folder = tempfile::tempdir().unwrap();
    // Larger than a proxy, and as small as one.
    for (width, height) in [(960, 480), (96, 48)] {
        let pixels = translucent(width, height);
        let wide: Vec<u16> = pixels.iter().map(|&value| u16::from(value) * 257).collect();
        let names = ["a.png", "a.webp", "8.tif", "16.png", "16.tif"];
        for name in names {
            let path = folder.path().join(format!("{width}-{name}"));
            if name.starts_with("16") {
                write_image16(&path, width, height, &wide).unwrap();
            } else {
                image::save_buffer(&path, &pixels, width, height, ExtendedColorType::Rgba8).unwrap();
            }
            let (film, full) = first(&path, Rendition::Full);
            assert!(film.item.alpha && !film.item.grey, "{name}");
            match full.slot.format {
                PixelFormat::Rgba8 => assert!(full.pixels == pixels, "{name}: samples differ"),
                PixelFormat::Rgba16 => {
                    assert!(full.pixels.chunks(2).map(|pair| pair[1]).eq(pixels.iter().copied()), "{name}");
                }
                other => panic!("{name}: {other:?}"),
            }
            let (_, proxy) = first(&path, Rendition::Proxy);
            assert_eq!(proxy.slot.format, PixelFormat::Rgb8);
            let (columns, row) = (proxy.slot.width as usize, proxy.slot.height as usize / 2);
            for (sixth, expected) in [(1, [64, 164, 64]), (3, [128; 3]), (5, [0, 0, 250])] {
                let at = (row * columns + columns * sixth / 6) * 3;
                let found = &proxy.pixels[at..at + 3];
                assert!(
                    found.iter().zip(expected).all(|(found, expected)| found.abs_diff(expected) <= 1),
                    "{name} {found:?}"
                );
            }
        }
    }
}

#[test]
fn grey_with_alpha_is_colour_with_alpha() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let pixels: Vec<u8> = (0..64 * 48).flat_map(|at| [if at % 64 < 32 { 200 } else { 50 }, 255]).collect();
    image::save_buffer(&path, &pixels, 64, 48, ExtendedColorType::La8).unwrap();
    let (film, full) = first(&path, Rendition::Full);
    assert_eq!((film.item.kind(), full.slot.format), (ItemKind::Stills, PixelFormat::Rgba8));
    assert_eq!(full.pixels[..4], [200, 200, 200, 255]);
    assert_eq!(first(&path, Rendition::Proxy).1.pixels[..3], [200; 3]);
}

//! What a container says of the pictures beyond their coding: which part of them is shown, and alpha beside them.
use crate::film::{Film, Shown, decoders, mean};
use framefleet_frames::{PixelFormat, Rendition};
use framefleet_testkit::{Clip, Picture};
use std::path::Path;

/// Left half red, right half blue.
fn halves(_: u64) -> Picture {
    Picture::from_fn(160, 96, |x, _| if x < 80 { [200, 30, 30] } else { [30, 30, 200] })
}

fn first(path: &Path, rendition: Rendition) -> (Film, Shown) {
    let film = Film::open(path);
    let (mut shown, failures) = film.frames(&decoders(), &film.batches[0], &[0], rendition);
    assert_eq!(failures, []);
    (film, shown.remove(0))
}

fn assert_left_half(path: &Path) {
    for rendition in [Rendition::Full, Rendition::Proxy] {
        let (film, shown) = first(path, rendition);
        assert_eq!((film.item.width, film.item.height), (80, 96));
        assert_eq!((shown.slot.width, shown.slot.height), (80, 96));
        let right = shown.pixels.chunks(3).skip(79).step_by(80).all(|pixel| pixel[0] > 150 && pixel[2] < 80);
        assert!(right, "the last column is red");
        assert!((mean(&shown)[0] - 200.0).abs() < 6.0);
    }
}

#[test]
fn matroskas_crop_is_applied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mkv");
    // Pixels of 16:27 make the muxer write a display aspect of 80:81: two elements that are made a crop of 80 columns on the right, and nothing.
    Clip::new(160, 96, 3).sample_aspect(16, 27).write(&path, halves).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    for (id, new) in [([0x54, 0xB0], 0xDD), ([0x54, 0xBA], 0xB3)] {
        let at = bytes.windows(2).position(|pair| pair == id).unwrap();
        bytes[at + 1] = new;
    }
    std::fs::write(&path, bytes).unwrap();
    assert_left_half(&path);
}

/// Puts a box at the end of the first sample entry of a movie whose boxes are behind its data, and lengthens all that it lies in.
fn insert_into_sample_entry(bytes: &mut Vec<u8>, new: &[u8]) {
    let find = |bytes: &[u8], name: &[u8]| bytes.windows(4).position(|window| window == name).unwrap() - 4;
    let size_at = |bytes: &[u8], at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    // The box of the list, then version, flags and the number of entries.
    let entry = find(bytes, b"stsd") + 16;
    let mut boxes: Vec<usize> =
        [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"].map(|name| find(bytes, name)).to_vec();
    boxes.push(entry);
    let end = entry + size_at(bytes, entry) as usize;
    for at in boxes {
        let size = size_at(bytes, at) + new.len() as u32;
        bytes[at..at + 4].copy_from_slice(&size.to_be_bytes());
    }
    bytes.splice(end..end, new.iter().copied());
}

#[test]
fn the_clean_aperture_of_mp4_is_applied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    Clip::new(160, 96, 3).write(&path, halves).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    // 80×96, the centre 40 columns left of the picture's.
    let numbers: [i32; 8] = [80, 1, 96, 1, -40, 1, 0, 1];
    let numbers: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
    insert_into_sample_entry(&mut bytes, &[&40u32.to_be_bytes()[..], b"clap", &numbers].concat());
    std::fs::write(&path, bytes).unwrap();
    assert_left_half(&path);
}

#[test]
fn the_bitstreams_crop_is_applied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let crop = ["-bsf:v", "h264_metadata=crop_right=80"];
    Clip::new(160, 96, 3).arguments(crop).write(&path, halves).unwrap();
    assert_left_half(&path);
}

#[test]
fn alpha_of_webm_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for (encoder, name) in [("libvpx", "8.webm"), ("libvpx-vp9", "9.webm")] {
        let alpha = "format=rgba,colorchannelmixer=aa=0.5,format=yuva420p";
        let clip = Clip::new(64, 48, 9).codec(encoder, "yuva420p").quality(4);
        let clip = clip.arguments(["-vf", alpha, "-auto-alt-ref", "0", "-b:v", "2M"]);
        let path = clip.write(&folder.path().join(name), |_| Picture::filled(64, 48, [180, 90, 40])).unwrap();
        let film = Film::open(&path);
        assert!(film.item.alpha, "{name}");
        let shown = film.all(&decoders());
        assert_eq!(shown.len(), 9);
        for shown in shown {
            assert_eq!(shown.slot.format, PixelFormat::Rgba8);
            for (found, expected) in mean(&shown).into_iter().zip([180.0, 90.0, 40.0, 128.0]) {
                assert!((found - expected).abs() < 6.0, "{name}: {found}, not {expected}");
            }
        }
        let (_, proxy) = first(&path, Rendition::Proxy);
        assert!((mean(&proxy)[0] - 154.0).abs() < 6.0, "over grey");
    }
}

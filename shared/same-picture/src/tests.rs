//! Painted scenes, altered as copies are, and as the next picture of a burst is.
use super::*;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, Luma};

const SIZE: (u32, u32) = (512, 384);

/// Discs and boxes over a gradient, with a texture.
fn scene(seed: u64) -> GrayImage {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut picture = GrayImage::from_fn(SIZE.0, SIZE.1, |x, y| Luma([(60 + x / 6 + y / 8) as u8]));
    for number in 0..40 {
        let (cx, cy) = (random.i32(0..512), random.i32(0..384));
        let (size, level, grain) = (random.i32(12..60), random.u8(10..220), random.u8(1..30));
        for y in (cy - size).max(0)..(cy + size).min(384) {
            for x in (cx - size).max(0)..(cx + size).min(512) {
                if number % 2 == 0 || (x - cx).pow(2) + (y - cy).pow(2) < size * size {
                    picture.put_pixel(x as u32, y as u32, Luma([level + random.u8(0..grain)]));
                }
            }
        }
    }
    picture
}

fn thumbnail(picture: &GrayImage) -> Thumbnail {
    let part = 128.0 / picture.width().max(picture.height()) as f32;
    let side = |pixels: u32| (pixels as f32 * part).round() as u32;
    let small = imageops::resize(picture, side(picture.width()), side(picture.height()), FilterType::Triangle);
    Thumbnail::new(small.width(), small.height(), small.as_raw()).unwrap()
}

fn verdict(first: &GrayImage, second: &GrayImage) -> Verdict {
    let (first, second) = (thumbnail(first), thumbnail(second));
    let verdict = same_picture(&first, &second).verdict;
    assert_eq!(same_picture(&second, &first).is_same(), verdict == Verdict::Same, "the other way round");
    verdict
}

fn jpeg(picture: &GrayImage, quality: u8) -> GrayImage {
    let mut bytes = Vec::new();
    DynamicImage::from(picture.clone()).write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality)).unwrap();
    image::load_from_memory(&bytes).unwrap().to_luma8()
}

fn crop(picture: &GrayImage, x: u32, y: u32, width: u32, height: u32) -> GrayImage {
    imageops::crop_imm(picture, x, y, width, height).to_image()
}

fn half(picture: &GrayImage) -> GrayImage {
    imageops::resize(picture, picture.width() / 2, picture.height() / 2, FilterType::CatmullRom)
}

fn border(picture: &GrayImage, left: u32, above: u32, right: u32, below: u32) -> GrayImage {
    let (width, height) = (picture.width() + left + right, picture.height() + above + below);
    let mut framed = GrayImage::from_pixel(width, height, Luma([250]));
    imageops::replace(&mut framed, picture, i64::from(left), i64::from(above));
    framed
}

/// Strokes as wide and high as letters, along the lower edge.
fn caption(picture: &GrayImage, level: u8) -> GrayImage {
    let mut written = picture.clone();
    for letter in 0..18 {
        for (x, y) in (0..9).flat_map(|x| (0..18).map(move |y| (x, y))) {
            if x < 3 || (y + letter) % 9 < 3 {
                written.put_pixel(60 + letter * 16 + x, 345 + y, Luma([level]));
            }
        }
    }
    written
}

#[test]
fn copies_are_proved() {
    for seed in 0..2 {
        let picture = scene(seed);
        let copies = [
            ("itself", picture.clone()),
            ("JPEG 30", jpeg(&picture, 30)),
            ("half", half(&picture)),
            ("a corner of 80 %", crop(&picture, 0, 0, 410, 307)),
            ("the middle, half, JPEG 30", jpeg(&half(&crop(&picture, 40, 21, 420, 330)), 30)),
            ("without one side", crop(&picture, 100, 0, 412, 384)),
            ("a border", border(&picture, 30, 30, 30, 30)),
            ("a band below", border(&picture, 0, 0, 0, 50)),
            ("a light caption", caption(&picture, 255)),
            ("a dark caption, JPEG 30", jpeg(&caption(&picture, 0), 30)),
        ];
        for (name, copy) in copies {
            assert_eq!(verdict(&picture, &copy), Verdict::Same, "{seed}: {name}");
        }
    }
}

#[test]
fn the_next_picture_of_a_burst_is_refused() {
    for seed in 0..2 {
        let picture = scene(seed);
        // A camera that moves by 6 pixels of 512: each shows what the other does not.
        let (before, after) = (crop(&picture, 0, 0, 500, 376), crop(&picture, 6, 3, 500, 376));
        assert_eq!(verdict(&before, &after), Verdict::NotContained, "{seed}");
        // Something of a tenth of the width that moves by 2 % of it.
        let mut moved = picture.clone();
        let thing = crop(&scene(seed + 50), 200, 150, 50, 50);
        let mut still = picture.clone();
        imageops::replace(&mut still, &thing, 200, 160);
        imageops::replace(&mut moved, &thing, 210, 160);
        assert_eq!(verdict(&still, &moved), Verdict::Changed, "{seed}");
        // Something that moves at the lower edge is no caption.
        let (mut still, mut moved) = (picture.clone(), picture.clone());
        imageops::replace(&mut still, &thing, 200, 330);
        imageops::replace(&mut moved, &thing, 210, 330);
        assert_eq!(verdict(&still, &moved), Verdict::Changed, "{seed}");
    }
}

#[test]
fn other_pictures_are_refused() {
    for seed in 0..3 {
        assert_ne!(verdict(&scene(seed), &scene(seed + 20)), Verdict::Same);
    }
    let plain = GrayImage::from_pixel(512, 384, Luma([90]));
    assert_eq!(verdict(&plain, &plain), Verdict::Plain, "nothing to align proves nothing");
    let tall = scene(1);
    assert_ne!(verdict(&tall, &imageops::rotate90(&tall)), Verdict::Same);
}

#[test]
fn a_proof_says_what_was_found() {
    let picture = scene(3);
    let proof = same_picture(&thumbnail(&picture), &thumbnail(&crop(&picture, 30, 20, 410, 307)));
    assert!((proof.scale - 512.0 / 410.0).abs() < 0.01 && proof.overlap > 0.99, "{proof:?}");
    assert!(proof.changed == 0.0 && proof.uncontained < 0.1 && proof.turned < 0.1, "{proof:?}");
    let back = same_picture(&thumbnail(&crop(&picture, 30, 20, 410, 307)), &thumbnail(&picture));
    assert!((back.scale - 410.0 / 512.0).abs() < 0.01, "{back:?}");
}

#[test]
fn what_is_no_thumbnail_is_refused() {
    for (width, height, pixels) in [(128, 8, 1024), (300, 128, 38_400), (128, 96, 5)] {
        let refused = Thumbnail::new(width, height, &vec![0; pixels]).unwrap_err().to_string();
        assert!(refused.contains(&format!("{width}×{height}")), "{refused}");
    }
}

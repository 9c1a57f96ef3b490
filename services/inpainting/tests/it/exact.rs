//! What must not change does not, whatever the format.

use crate::harness::{Footage, Scene, as_format, mask, rgb8};
use framefleet_frames::frame::{channel_bytes, channels};
use framefleet_frames::{FillRest, Image, PixelFormat};
use inpainting::{InpaintingSettings, Rest};

const FORMATS: [PixelFormat; 6] = [
    PixelFormat::Grey8,
    PixelFormat::Rgb8,
    PixelFormat::Rgba8,
    PixelFormat::Grey16,
    PixelFormat::Rgb16,
    PixelFormat::Rgba16,
];

/// A pixel's bytes.
fn pixel(image: &Image, x: u32, y: u32) -> &[u8] {
    let size = channels(image.format()) * channel_bytes(image.format());
    let at = (y as usize * image.width() as usize + x as usize) * size;
    &image.data()[at..at + size]
}

/// Defect D-11: alpha was dropped, and frames came back changed all over.
#[test]
fn outside_the_feathered_mask_every_bit_stays() {
    let scene = Scene::new(5);
    for format in FORMATS {
        let images: Vec<Image> = scene.frames(8).iter().map(|picture| as_format(picture, format)).collect();
        let footage = Footage::new(images.clone(), |n, x, y| scene.covered(n, x, y));
        for rest in [Rest::Telea, Rest::None] {
            let settings =
                InpaintingSettings { grow_percent: 1.0, feather_percent: 1.0, rest, ..InpaintingSettings::default() };
            let results = footage.run(&settings);
            assert_eq!(results.frames.len(), 8, "{format:?}: {:?}", results.failed);
            // 240 pixels wide: grown by 2.4 and feathered over 2.4.
            let reach = 2.4 + 2.4 + 1.0;
            for (n, image) in &results.frames {
                let source = &images[*n as usize];
                assert_eq!((image.format(), image.width(), image.height()), (format, 240, 160));
                let [left, top, right, bottom] = scene.square.square_at(*n);
                let (mut same, mut changed) = (0, 0);
                for (x, y) in (0..160).flat_map(|y| (0..240).map(move |x| (x, y))) {
                    let (px, py) = (f64::from(x), f64::from(y));
                    let dx = (left.floor() - px).max(px - (right.ceil() - 1.0)).max(0.0);
                    let dy = (top.floor() - py).max(py - (bottom.ceil() - 1.0)).max(0.0);
                    if dx.hypot(dy) >= reach {
                        assert_eq!(pixel(image, x, y), pixel(source, x, y), "{format:?} frame {n} at {x},{y}");
                        same += 1;
                    } else if dx.hypot(dy) == 0.0 {
                        changed += u32::from(pixel(image, x, y) != pixel(source, x, y));
                    }
                }
                assert!(same > 30_000, "{same}");
                if rest == Rest::Telea {
                    assert!(changed > 1200, "{format:?}: only {changed} pixels of the hole were filled");
                }
            }
        }
    }
}

/// 16 bits are not filled with 8.
#[test]
fn deep_frames_are_filled_deeply() {
    let scene = Scene::new(5);
    let images: Vec<Image> = scene.frames(12).iter().map(|picture| as_format(picture, PixelFormat::Rgb16)).collect();
    let results = Footage::new(images, |n, x, y| scene.covered(n, x, y)).run(&InpaintingSettings::default());
    let truth = as_format(&scene.background(6), PixelFormat::Rgb16);
    let filled = &results.frames[&6];
    let sample = |image: &Image, at: usize| f64::from(u16::from_le_bytes([image.data()[at], image.data()[at + 1]]));
    let (mut sum, mut count, mut low_bits) = (0.0, 0.0, std::collections::BTreeSet::new());
    for (x, y) in (0..160).flat_map(|y| (0..240).map(move |x| (x, y))).filter(|(x, y)| scene.covered(6, *x, *y)) {
        for channel in 0..3 {
            let at = ((y * 240 + x) as usize * 3 + channel) * 2;
            sum += (sample(filled, at) - sample(&truth, at)).powi(2);
            count += 1.0;
            low_bits.insert(filled.data()[at]);
        }
    }
    let psnr = 10.0 * (65535.0_f64.powi(2) * count / sum).log10();
    assert!(psnr > 32.0, "{psnr:.1} dB");
    assert!(low_bits.len() > 200, "the low byte takes {} values", low_bits.len());
}

#[test]
fn frames_without_a_hole_are_passed_on() {
    let scene = Scene::new(5);
    let images: Vec<Image> = scene.frames(3).iter().map(rgb8).collect();
    let mut footage = Footage::new(images.clone(), |_, _, _| false);
    footage.masks[1].clear();
    let results = footage.run(&InpaintingSettings::default());
    for (n, image) in &results.frames {
        assert_eq!(image, &images[*n as usize]);
        let fill = &results.fills[n];
        assert_eq!((fill.hole_pixels, fill.real_share, fill.rest()), (0, None, FillRest::NotNeeded));
    }
}

/// Masks that were made on a proxy mean the same places.
#[test]
fn masks_of_another_size_are_brought_to_the_frame() {
    let scene = Scene::new(5);
    let images: Vec<Image> = scene.frames(1).iter().map(rgb8).collect();
    let mut footage = Footage::new(images, |_, _, _| false);
    footage.masks[0] = vec![mask(120, 80, "person", |x, y| (20..40).contains(&x) && (30..50).contains(&y))];
    let settings = InpaintingSettings { grow_percent: 0.0, feather_percent: 0.0, ..InpaintingSettings::default() };
    assert_eq!(footage.run(&settings).fills[&0].hole_pixels, 40 * 40);
}

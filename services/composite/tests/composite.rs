//! What is kept is kept bit by bit, and the rest is what the settings say.
#![cfg(test)]

use composite::{Background, CompositeSettings, CompositeStage};
use framefleet_frames::annotation::Value;
use framefleet_frames::frame::{byte_length, channel_bytes, channels};
use framefleet_frames::{Image, Mask, PixelFormat};
use framefleet_masks::Rle;
use framefleet_stage::{Host, Settings, Stage as _, codes};
use framefleet_testkit_stage::{Film, Found, Processed, Step, golden};
use opencv::core::Mat;

const SIZE: (u32, u32) = (96, 64);

fn image(format: PixelFormat) -> Image {
    let bytes = (0..byte_length(format, SIZE.0, SIZE.1)).map(|at| (at * 7919 % 251) as u8).collect::<Vec<_>>();
    Image::new(format, SIZE.0, SIZE.1, bytes).unwrap()
}

/// Left, top, right, bottom.
const KEPT: [u32; 4] = [20, 16, 60, 48];

fn mask(label: &str) -> Mask {
    let inside = |x, y| (KEPT[0]..KEPT[2]).contains(&x) && (KEPT[1]..KEPT[3]).contains(&y);
    let bytes: Vec<u8> = (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| u8::from(inside(x, y)) * 255)).collect();
    let picture = Mat::new_rows_cols_with_data(SIZE.1 as i32, SIZE.0 as i32, &bytes).unwrap();
    Mask { label: label.to_owned(), run_lengths: Some(Rle::of(&picture).unwrap().text()), ..Mask::default() }
}

fn run(image: &Image, masks: &[Mask], settings: &CompositeSettings) -> Processed {
    let mut film = Film::new(vec![image.clone()]);
    film.found = vec![Found::new("segmentation", "mask", [(0, masks.iter().cloned().map(Value::Mask).collect())])];
    Step::<CompositeStage>::load(&Host::default(), settings).unwrap().process(&[film]).unwrap()
}

fn pixel(image: &Image, x: u32, y: u32) -> &[u8] {
    let size = channels(image.format()) * channel_bytes(image.format());
    let at = (y as usize * SIZE.0 as usize + x as usize) * size;
    &image.data()[at..at + size]
}

#[test]
fn what_is_kept_is_kept_bit_by_bit() {
    for format in [PixelFormat::Grey8, PixelFormat::Rgb8, PixelFormat::Rgba8, PixelFormat::Rgb16, PixelFormat::Rgba16] {
        let source = image(format);
        for background in [Background::Colour, Background::Blur] {
            let settings = CompositeSettings { background, feather_percent: 2.0, ..CompositeSettings::default() };
            let made = run(&source, &[mask("person")], &settings);
            let composite = &made.frames[0].image;
            assert_eq!(composite.format(), format);
            let mut outside_changed = 0;
            for (x, y) in (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y))) {
                let deep_inside = x >= KEPT[0] + 3 && x < KEPT[2] - 3 && y >= KEPT[1] + 3 && y < KEPT[3] - 3;
                if deep_inside && (channels(format) < 4 || background == Background::Blur) {
                    assert_eq!(pixel(composite, x, y), pixel(&source, x, y), "{format:?} {background:?} {x},{y}");
                }
                let outside = x < KEPT[0] || x >= KEPT[2] || y < KEPT[1] || y >= KEPT[3];
                outside_changed += u32::from(outside && pixel(composite, x, y) != pixel(&source, x, y));
                if channels(format) == 4 && background == Background::Blur {
                    let alpha = 3 * channel_bytes(format);
                    assert_eq!(pixel(composite, x, y)[alpha..], pixel(&source, x, y)[alpha..]);
                }
            }
            assert!(outside_changed > 4000, "{format:?} {background:?}: {outside_changed}");
        }
    }
}

#[test]
fn before_nothing_frames_are_transparent_and_hide_nothing() {
    use PixelFormat::{Grey8, Grey16, Rgb8, Rgb16, Rgba8};
    for (format, made_as) in
        [(Grey8, Rgba8), (Rgb8, Rgba8), (Grey16, PixelFormat::Rgba16), (Rgb16, PixelFormat::Rgba16)]
    {
        let source = image(format);
        let settings = CompositeSettings { background: Background::Transparent, ..CompositeSettings::default() };
        let made = run(&source, &[mask("person")], &settings);
        let composite = &made.frames[0].image;
        assert_eq!(composite.format(), made_as);
        let bytes = channel_bytes(format);
        let own = pixel(&source, 40, 32);
        let colours: Vec<u8> = if channels(format) == 1 { own.repeat(3) } else { own.to_vec() };
        assert_eq!(pixel(composite, 40, 32), [colours, vec![255; bytes]].concat(), "{format:?}");
        assert_eq!(pixel(composite, 2, 2), vec![0; 4 * bytes], "{format:?}: nothing of the old background is left");
    }
    // What was transparent before stays as transparent as it was.
    let settings = CompositeSettings { background: Background::Transparent, ..CompositeSettings::default() };
    let made = run(&image(Rgba8), &[mask("person")], &settings);
    assert_eq!(pixel(&made.frames[0].image, 40, 32), pixel(&image(Rgba8), 40, 32));
    let nobody = run(&image(Rgb8), &[], &settings);
    assert!(nobody.frames[0].image.data().iter().all(|value| *value == 0));
}

#[test]
fn the_rest_is_the_colour() {
    let settings = CompositeSettings { colour: "#1020f0".to_owned(), ..CompositeSettings::default() };
    let made = run(&image(PixelFormat::Rgb8), &[mask("person")], &settings);
    assert_eq!(pixel(&made.frames[0].image, 2, 2), [0x10, 0x20, 0xf0]);
    let deep = run(&image(PixelFormat::Rgb16), &[], &settings);
    let samples: Vec<u16> = pixel(&deep.frames[0].image, 40, 30)
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    assert_eq!(samples, [0x1010, 0x2020, 0xf0f0], "a frame without masks is all background");
}

#[test]
fn a_colour_is_opaque_also_where_the_frame_was_not() {
    let mut bytes = vec![200; byte_length(PixelFormat::Rgba8, SIZE.0, SIZE.1)];
    // A hole in the middle of what is kept, half of it see-through.
    for (at, pixel) in bytes.chunks_exact_mut(4).enumerate() {
        let (x, y) = (at as u32 % SIZE.0, at as u32 / SIZE.0);
        pixel[3] = if (36..44).contains(&x) && (28..36).contains(&y) { if x < 40 { 0 } else { 102 } } else { 255 };
    }
    let source = Image::new(PixelFormat::Rgba8, SIZE.0, SIZE.1, bytes).unwrap();
    let settings = CompositeSettings { colour: "#0000ff".to_owned(), ..CompositeSettings::default() };
    let made = run(&source, &[mask("person")], &settings);
    let at = |x, y| pixel(&made.frames[0].image, x, y);
    assert_eq!((at(2, 2), at(30, 30)), (&[0, 0, 255, 255][..], &[200, 200, 200, 255][..]));
    assert_eq!((at(37, 30), at(42, 30)), (&[0, 0, 255, 255][..], &[80, 80, 233, 255][..]), "the hole shows the colour");
}

/// A grey disc with a soft edge before a background, 640×480, and a mask of it.
struct Pasted {
    image: Image,
    mask: Mask,
    /// How far each pixel's centre lies inside the true outline, and how much of it is the disc.
    truth: Vec<(f64, f64)>,
    disc: Vec<f64>,
}

/// The mask is so many pixels too large, as those of models are here and there.
fn pasted(background: impl Fn(u32, u32) -> [f64; 3], too_large: f64) -> Pasted {
    let places: Vec<(u32, u32)> = (0..480).flat_map(|y| (0..640).map(move |x| (x, y))).collect();
    let depth = |&(x, y): &(u32, u32)| 160.0 - (f64::from(x) + 0.5 - 320.0).hypot(f64::from(y) + 0.5 - 240.0);
    let truth: Vec<(f64, f64)> =
        places.iter().map(|at| (depth(at), ((depth(at) + 1.5) / 3.0).clamp(0.0, 1.0))).collect();
    let disc: Vec<f64> = places.iter().map(|(x, y)| 110.0 + 30.0 * f64::from((x * 7 + y * 13) % 11) / 10.0).collect();
    let mixed = |(at, &(x, y)): (usize, &(u32, u32))| {
        let (share, disc) = (truth[at].1, disc[at]);
        background(x, y).map(|old| (share * disc + (1.0 - share) * old).round() as u8)
    };
    let bytes: Vec<u8> = places.iter().enumerate().flat_map(mixed).collect();
    let covered: Vec<u8> = places.iter().map(|at| u8::from(depth(at) > -too_large) * 255).collect();
    let picture = Mat::new_rows_cols_with_data(480, 640, &covered).unwrap();
    let mask = Mask { run_lengths: Some(Rle::of(&picture).unwrap().text()), ..Mask::default() };
    Pasted { image: Image::new(PixelFormat::Rgb8, 640, 480, bytes).unwrap(), mask, truth, disc }
}

impl Pasted {
    /// Laid over blue: share of the outline's band (4 pixels on either side) that is still green, and the band's mean difference to
    /// the true composite, levels of 255.
    fn rim(&self, edge_percent: f64) -> (f64, f64) {
        let settings = CompositeSettings { colour: "#0000ff".to_owned(), edge_percent, ..CompositeSettings::default() };
        let made = run(&self.image, std::slice::from_ref(&self.mask), &settings);
        let (mut green, mut off, mut band) = (0.0, 0.0, 0.0);
        for ((pixel, (depth, share)), disc) in
            made.frames[0].image.data().chunks_exact(3).zip(&self.truth).zip(&self.disc)
        {
            if depth.abs() >= 4.0 {
                continue;
            }
            band += 1.0;
            green += f64::from(f64::from(pixel[1]) > f64::from(pixel[0].max(pixel[2])) + 25.0);
            let own = [0.0, 0.0, 255.0].map(|blue| share * disc + (1.0 - share) * blue);
            off += pixel.iter().zip(own).map(|(made, own)| (f64::from(*made) - own).abs()).sum::<f64>() / 3.0;
        }
        (green / band, off / band)
    }
}

/// The old background goes out of the edge, and the person stays; `--nocapture` prints rows for docs/quality.md.
#[test]
fn no_rim_of_the_old_background_stays() {
    let green = |_: u32, _: u32| [40.0, 180.0, 60.0];
    // Leaves: patches of greens.
    let leaves = |x: u32, y: u32| {
        let leaf = f64::from((x / 12 * 31 + y / 9 * 17) % 7) / 6.0;
        [30.0 + 50.0 * leaf, 90.0 + 90.0 * leaf, 30.0 + 30.0 * leaf]
    };
    for (name, scene, most) in [
        ("plain green, mask 3 pixels too large", pasted(green, 3.0), 0.005),
        ("plain green, true mask", pasted(green, 0.0), 0.005),
        ("leaves, mask 3 pixels too large", pasted(leaves, 3.0), 0.06),
        ("leaves, true mask", pasted(leaves, 0.0), 0.01),
    ] {
        let ((before, off_before), (after, off_after)) = (scene.rim(0.0), scene.rim(0.8));
        println!("| {name} | {:.1} % | {:.1} % | {off_before:.1} | {off_after:.1} |", 100.0 * before, 100.0 * after);
        assert!(after <= most && after <= before && off_after < off_before, "{name}: {after:.3} {off_after:.1}");
    }
    assert!(pasted(green, 3.0).rim(0.0).0 > 0.2, "there was a rim");
}

#[test]
fn blur_keeps_the_light() {
    let source = image(PixelFormat::Rgb8);
    let settings = CompositeSettings { background: Background::Blur, ..CompositeSettings::default() };
    let made = run(&source, &[], &settings);
    let mean = |image: &Image| image.data().iter().map(|v| f64::from(*v)).sum::<f64>() / image.data().len() as f64;
    let spread = |image: &Image| {
        let mean = mean(image);
        (image.data().iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / image.data().len() as f64).sqrt()
    };
    let blurred = &made.frames[0].image;
    assert!((mean(&source) - mean(blurred)).abs() < 2.0 && spread(blurred) < 0.3 * spread(&source));
}

#[test]
fn labels_choose_and_broken_masks_cost_one_frame() {
    let settings = CompositeSettings { labels: vec!["person".to_owned()], ..CompositeSettings::default() };
    let source = image(PixelFormat::Rgb8);
    let centre = |made: &Processed| pixel(&made.frames[0].image, 40, 30) == pixel(&source, 40, 30);
    assert!(centre(&run(&source, &[mask("person")], &settings)) && !centre(&run(&source, &[mask("dog")], &settings)));
    let mut broken = mask("person");
    broken.run_lengths.as_mut().unwrap().counts.truncate(3);
    let made = run(&source, &[broken], &settings);
    assert_eq!((made.frames.len(), made.records.failed()), (0, vec![(0, codes::BAD_ANNOTATION.to_owned())]));
}

#[test]
fn wrong_settings_are_named() {
    let colour =
        |colour: &str| CompositeSettings { colour: colour.to_owned(), ..CompositeSettings::default() }.validate();
    assert_eq!(colour("#00FF7f"), Ok(()));
    for wrong in ["green", "#12345", "#12345é", "#gg0000", ""] {
        assert!(colour(wrong).unwrap_err().contains("#rrggbb"), "{wrong}");
    }
    assert!(CompositeSettings { feather_percent: f64::NAN, ..CompositeSettings::default() }.validate().is_err());
}

/// Levels on a line through an edge of the mask, in eighths: filters and linear light differ in the last bits.
#[test]
fn golden_digest() {
    let mut text = String::new();
    for (format, background) in [(PixelFormat::Rgb8, Background::Colour), (PixelFormat::Rgba16, Background::Blur)] {
        let settings = CompositeSettings { background, feather_percent: 5.0, ..CompositeSettings::default() };
        let made = run(&image(format), &[mask("person")], &settings);
        for x in KEPT[0] - 12..KEPT[0] + 12 {
            let levels = pixel(&made.frames[0].image, x, 32).chunks_exact(channel_bytes(format));
            text += &format!("{x} {:?}\n", levels.map(|bytes| bytes[bytes.len() - 1] / 8).collect::<Vec<_>>());
        }
    }
    golden(&text, CompositeStage::VERSION, (2, "e0b06b99a0f8b3dc"));
}

//! Runs the stage on images with masks and sorts what comes out.
#![allow(dead_code)]
use framefleet_frames::annotation::Value;
use framefleet_frames::frame::{channels, full_format};
use framefleet_frames::{Fill, Image, Item, Mask, PixelFormat, ScopedAnnotation};
use framefleet_masks::Rle;
use framefleet_stage::Host;
use framefleet_testkit::{MovingSquare, Picture, Similarity, Texture};
pub use framefleet_testkit_stage::rgb8;
use framefleet_testkit_stage::{Film, Found, Step, only};
use inpainting::{InpaintingSettings, InpaintingStage};
use opencv::core::Mat;
use std::collections::BTreeMap;

/// Footage with masks, and how it is handed to the stage.
pub struct Footage {
    pub item: Item,
    pub images: Vec<Image>,
    pub masks: Vec<Vec<Mask>>,
    pub batch: u64,
    pub absent: Vec<u64>,
    /// Frames without a result of the step that makes masks.
    pub unknown: Vec<u64>,
    pub scoped: Vec<ScopedAnnotation>,
}

/// What the stage made.
#[derive(Default)]
pub struct Results {
    pub frames: BTreeMap<u64, Image>,
    pub fills: BTreeMap<u64, Fill>,
    pub failed: Vec<(u64, String)>,
    pub artifacts: BTreeMap<String, Vec<u8>>,
}

impl Footage {
    /// A video of these frames with a mask each where `covered` says so of the pixel (x, y).
    pub fn new(images: Vec<Image>, covered: impl Fn(u64, u32, u32) -> bool) -> Self {
        let (item, width, height) = (Film::new(images[..1].to_vec()).item, images[0].width(), images[0].height());
        assert_eq!(full_format(&item), images[0].format());
        let masks =
            (0..images.len() as u64).map(|n| vec![mask(width, height, "person", |x, y| covered(n, x, y))]).collect();
        Self { item, images, masks, batch: 32, absent: Vec::new(), unknown: Vec::new(), scoped: Vec::new() }
    }

    /// Runs both halves.
    pub fn run(&self, settings: &InpaintingSettings) -> Results {
        self.run_with(settings, &Host::default())
    }

    /// Runs both halves with models.
    pub fn run_with(&self, settings: &InpaintingSettings, host: &Host) -> Results {
        let step = Step::<InpaintingStage>::load(host, settings).unwrap();
        let (processed, finished) = step.run(&[self.film()]).unwrap();
        let fills = processed.records.each(only!(Fill)).map(|(record, fills)| {
            let [fill] = &fills[..] else { panic!("process makes one fill per frame: {fills:?}") };
            (record.frame, fill.clone())
        });
        Results {
            fills: fills.collect(),
            failed: processed.records.failed(),
            frames: processed.frames.into_iter().map(|frame| (frame.number, frame.image)).collect(),
            artifacts: finished.artifacts,
        }
    }

    /// What the stage is shown.
    pub fn film(&self) -> Film {
        let known = (0..).zip(&self.masks).filter(|(frame, _)| !self.unknown.contains(frame));
        let masks = known.map(|(frame, masks)| (frame, masks.iter().cloned().map(Value::Mask).collect()));
        Film {
            item: self.item.clone(),
            images: self.images.clone(),
            found: vec![Found::new("segmentation", "mask", masks)],
            scoped: self.scoped.clone(),
            absent: self.absent.clone(),
            batch: self.batch,
            ..Film::new(Vec::new())
        }
    }
}

/// A mask of the pixels (x, y) that `covered` names.
pub fn mask(width: u32, height: u32, label: &str, covered: impl Fn(u32, u32) -> bool) -> Mask {
    let bytes: Vec<u8> =
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| u8::from(covered(x, y)) * 255).collect();
    let runs = Rle::of(&Mat::new_rows_cols_with_data(height as i32, width as i32, &bytes).unwrap()).unwrap();
    Mask { area: runs.area(), score: 1.0, label: label.to_owned(), run_lengths: Some(runs.text()), ..Mask::default() }
}

/// The same in another format: 16 bits with something in the low bits, alpha that varies, grey from green.
pub fn as_format(picture: &Picture, format: PixelFormat) -> Image {
    let deep = matches!(format, PixelFormat::Grey16 | PixelFormat::Rgb16 | PixelFormat::Rgba16);
    let mut bytes = Vec::new();
    for (at, pixel) in picture.rgb.chunks_exact(3).enumerate() {
        let values: Vec<u8> = match channels(format) {
            1 => vec![pixel[1]],
            4 => vec![pixel[0], pixel[1], pixel[2], 200 + (at % 50) as u8],
            _ => pixel.to_vec(),
        };
        for value in values {
            match deep {
                true => bytes.extend((u16::from(value) * 256 + (at % 251) as u16).to_le_bytes()),
                false => bytes.push(value),
            }
        }
    }
    Image::new(format, picture.width, picture.height, bytes).unwrap()
}

/// A textured plane under a moving camera, and a square that moves before it; what is behind the square is known.
pub struct Scene {
    pub square: MovingSquare,
    plane: Texture,
}

impl Scene {
    /// A camera that pans, zooms and rolls; a square that passes.
    pub fn new(seed: u64) -> Self {
        let mut square = MovingSquare::new(240, 160, seed);
        square.camera = Similarity { x: -1.3, y: 0.4, zoom: 1.002, degrees: 0.1 };
        square.square = (40.0, 60.0, 36.0);
        square.velocity = (4.0, -0.5);
        Self { square, plane: Texture::noise(seed) }
    }

    /// Frames with the square.
    pub fn frames(&self, count: u64) -> Vec<Picture> {
        (0..count).map(|n| self.square.paint(n)).collect()
    }

    /// A frame without it.
    pub fn background(&self, frame: u64) -> Picture {
        self.plane.view(self.square.width, self.square.height, &self.square.camera.times(frame as f64))
    }

    /// Whether a pixel shows any of the square.
    pub fn covered(&self, frame: u64, x: u32, y: u32) -> bool {
        let [left, top, right, bottom] = self.square.square_at(frame);
        let (x, y) = (f64::from(x), f64::from(y));
        x + 1.0 > left && x < right && y + 1.0 > top && y < bottom
    }
}

/// PSNR in decibels of two 8-bit images over the pixels that `inside` names; infinite when they are the same.
pub fn psnr(a: &[u8], b: &[u8], width: u32, inside: impl Fn(u32, u32) -> bool) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (at, (a, b)) in a.chunks_exact(3).zip(b.chunks_exact(3)).enumerate() {
        if inside(at as u32 % width, at as u32 / width) {
            sum += a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>();
            count += 3.0;
        }
    }
    assert!(count > 0.0, "no pixels to compare");
    10.0 * (255.0 * 255.0 * count / sum).log10()
}

//! Runs the stage on pictures and masks the way the runner does: batches with their halo, then finish over all of it.
#![allow(dead_code)]
use framefleet_media::annotation::Value;
use framefleet_media::frame::{byte_length, channels, full_format};
use framefleet_media::{
    Annotation, Fill, Frame, FrameRange, Image, Item, ItemKind, Kind, Mask, Outcome, PixelFormat, Rational, Rendition,
    ScopedAnnotation,
};
use framefleet_stage::{Audio, AudioSource, Batch, Host, Job, Outputs, Record, Records, RecordsError, Stage};
use framefleet_testkit::{MovingSquare, Picture, Similarity, Texture};
use framefleet_vision::run_lengths::Runs;
use inpainting::{Inpainting, InpaintingSettings};
use opencv::core::Mat;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Frames per second of the footage.
const RATE: i64 = 25;

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
        let (width, height, format) = (images[0].width(), images[0].height(), images[0].format());
        let item = Item {
            name: "clip.mp4".to_owned(),
            kind: ItemKind::Video.into(),
            width,
            height,
            bit_depth: if byte_length(format, 1, 1) > channels(format) { 16 } else { 8 },
            alpha: channels(format) == 4,
            grey: channels(format) == 1,
            frame_rate: Some(Rational { num: RATE, den: 1 }),
            ..Item::default()
        };
        assert_eq!(full_format(&item), format);
        let masks =
            (0..images.len() as u64).map(|n| vec![mask(width, height, "person", |x, y| covered(n, x, y))]).collect();
        Self { item, images, masks, batch: 32, absent: Vec::new(), unknown: Vec::new(), scoped: Vec::new() }
    }

    /// Runs both halves.
    pub fn run(&self, settings: &InpaintingSettings) -> Results {
        self.run_with(settings, &Host::default())
    }

    /// Runs both halves with networks.
    pub fn run_with(&self, settings: &InpaintingSettings, host: &Host) -> Results {
        opencv::core::set_num_threads(1).unwrap();
        let stage = Inpainting::load(host, settings).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let (mut results, mut kept) = (Results::default(), Kept::default());
        for start in (0..self.images.len() as u64).step_by(self.batch as usize) {
            let folder = scratch.path().join(start.to_string());
            std::fs::create_dir(&folder).unwrap();
            let mut out = Outputs::new(&folder);
            stage.process(&self.job(&folder), &self.batch_at(start, settings), &mut out).unwrap();
            self.collect(out, &mut results, &mut kept);
        }
        let mut out = Outputs::new(scratch.path());
        stage.finish(&self.job(scratch.path()), &kept, &mut out).unwrap();
        for artifact in out.into_made().artifacts {
            results.artifacts.insert(artifact.name().to_owned(), std::fs::read(artifact.path()).unwrap());
        }
        results
    }

    /// The batch that begins at a frame.
    pub fn batch_at(&self, start: u64, settings: &InpaintingSettings) -> Batch {
        let length = self.images.len() as u64;
        let reach = if self.item.kind() == ItemKind::Stills { 0 } else { u64::from(settings.window) };
        let range = FrameRange { start, end: (start + self.batch).min(length) };
        let window = FrameRange { start: start.saturating_sub(reach), end: (range.end + reach).min(length) };
        let frames = (range.start..range.end).filter(|n| !self.absent.contains(n)).collect();
        let times = (window.start..window.end).map(pts_ns).collect();
        let mut batch = Batch::new(self.item.clone(), range, window, frames, times);
        for number in (window.start..window.end).filter(|number| !self.absent.contains(number)) {
            let image = self.images[number as usize].clone();
            batch.insert_frame(Rendition::Full, Frame { number, pts_ns: pts_ns(number), image });
            if !self.unknown.contains(&number) {
                batch.insert_result(&Kind::new("mask"), number);
            }
            for (instance, mask) in self.masks[number as usize].iter().enumerate() {
                let value = Some(Value::Mask(mask.clone()));
                batch.insert_annotation("segmentation", number, Annotation { instance: instance as u32, value });
            }
        }
        batch
    }

    /// The job around a task.
    pub fn job(&self, scratch: &std::path::Path) -> Job {
        Job {
            step: "inpainting".to_owned(),
            items: vec![self.item.clone()],
            seed: 7,
            scoped: self.scoped.clone(),
            edits: Vec::new(),
            audio: Arc::new(Silence),
            scratch: scratch.to_owned(),
        }
    }

    fn collect(&self, out: Outputs, results: &mut Results, kept: &mut Kept) {
        let made = out.into_made();
        results.frames.extend(made.frames.into_iter().map(|frame| (frame.number, frame.image)));
        for frame in &made.annotations.frames {
            let [Annotation { value: Some(Value::Fill(fill)), .. }] = &frame.annotations[..] else {
                panic!("process makes one fill per frame: {:?}", frame.annotations);
            };
            results.fills.insert(frame.frame, fill.clone());
            kept.records.push(Record {
                item: self.item.name.clone(),
                frame: frame.frame,
                pts_ns: pts_ns(frame.frame),
                outcome: Outcome::Result,
                annotations: frame.annotations.clone(),
            });
        }
        results.failed.extend(made.outcomes.failed.into_iter().map(|failure| (failure.frame, failure.code)));
        for attachment in made.attachments {
            kept.attachments.push((self.item.name.clone(), attachment.name().to_owned(), attachment.path().to_owned()));
        }
    }
}

/// A mask of the pixels (x, y) that `covered` names.
pub fn mask(width: u32, height: u32, label: &str, covered: impl Fn(u32, u32) -> bool) -> Mask {
    let bytes: Vec<u8> =
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| u8::from(covered(x, y)) * 255).collect();
    let runs = Runs::of(&Mat::new_rows_cols_with_data(height as i32, width as i32, &bytes).unwrap()).unwrap();
    Mask { area: runs.area(), score: 1.0, label: label.to_owned(), run_lengths: Some(runs.text()), ..Mask::default() }
}

/// A picture as a frame.
pub fn rgb8(picture: &Picture) -> Image {
    Image::new(PixelFormat::Rgb8, picture.width, picture.height, picture.rgb.clone()).unwrap()
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

/// PSNR in decibels of two 8-bit pictures over the pixels that `inside` names; infinite when they are the same.
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

/// Presentation time of a frame.
pub fn pts_ns(number: u64) -> i64 {
    number as i64 * 1_000_000_000 / RATE
}

/// Records in memory.
#[derive(Default)]
struct Kept {
    records: Vec<Record>,
    attachments: Vec<(String, String, PathBuf)>,
}

impl Records for Kept {
    fn read(&self) -> Box<dyn Iterator<Item = Result<Record, RecordsError>> + '_> {
        Box::new(self.records.iter().cloned().map(Ok))
    }

    fn attachments(&self, prefix: &str) -> Result<Vec<(String, String, PathBuf)>, RecordsError> {
        Ok(self.attachments.iter().filter(|(_, name, _)| name.starts_with(prefix)).cloned().collect())
    }
}

/// No audio.
struct Silence;

impl AudioSource for Silence {
    fn read(&self, _: &Item, _: Range<i64>, _: u32) -> Result<Option<Audio>, String> {
        Ok(None)
    }
}

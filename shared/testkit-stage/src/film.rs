//! Items in memory.
use crate::{Silence, StepError};
use framefleet_frames::annotation::{Value, kind_name};
use framefleet_frames::frame::{channel_bytes, channels};
use framefleet_frames::{
    Annotation, Frame, FrameRange, Image, ImageFile, Item, ItemKind, Kind, PixelFormat, Rational, Rendition,
    ScopedAnnotation, Shot, proxy_size,
};
use framefleet_stage::{AudioSource, Batch, Halo, Needs};
use framefleet_testkit::Picture;
use framefleet_vision::{VisionError, mat};
use opencv::core::{Mat, Size};
use opencv::imgproc;
use opencv::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Frames per second of a film that says nothing else.
pub const RATE: i64 = 25;

/// An item with its frames and what other steps say of them, and how it is handed to a stage.
#[derive(Clone)]
pub struct Film {
    /// The item.
    pub item: Item,
    /// Full frames, from number 0 on. Proxies are made of them.
    pub images: Vec<Image>,
    /// What other steps found on its frames.
    pub found: Vec<Found>,
    /// What other steps say of the item and its parts.
    pub scoped: Vec<ScopedAnnotation>,
    /// What is heard with it.
    pub audio: Arc<dyn AudioSource>,
    /// Frames that have failed further up: they are not asked for, and not there for their neighbours.
    pub absent: Vec<u64>,
    /// Every how many frames one is asked for.
    pub every: u64,
    /// Frames of a batch.
    pub batch: u64,
}

/// What a step found on frames.
#[derive(Clone, Debug)]
pub struct Found {
    /// The step.
    pub step: String,
    /// The kind of what it finds.
    pub kind: Kind,
    /// What it found; a frame that is not in here has no result of the step.
    pub frames: BTreeMap<u64, Vec<Value>>,
}

impl Found {
    /// What a step found on frames, by their number.
    pub fn new(step: &str, kind: &str, frames: impl IntoIterator<Item = (u64, Vec<Value>)>) -> Self {
        Self { step: step.to_owned(), kind: Kind::new(kind), frames: frames.into_iter().collect() }
    }

    /// Adds what is there of a frame to a batch.
    fn insert(&self, batch: &mut Batch, frame: u64) {
        let Some(values) = self.frames.get(&frame) else { return };
        batch.insert_result(&self.kind, frame);
        for (instance, value) in (0..).zip(values) {
            batch.insert_annotation(&self.step, frame, Annotation { instance, value: Some(value.clone()) });
        }
    }
}

impl Film {
    /// A video of these frames, `clip.mp4`, of the size and format of the first.
    pub fn new(images: Vec<Image>) -> Self {
        let first = images.first();
        let (width, height) = first.map_or((64, 64), |image| (image.width(), image.height()));
        let format = first.map_or(PixelFormat::Rgb8, Image::format);
        let item = Item {
            name: "clip.mp4".to_owned(),
            kind: ItemKind::Video.into(),
            width,
            height,
            bit_depth: 8 * channel_bytes(format) as u32,
            alpha: channels(format) == 4,
            grey: channels(format) == 1,
            frame_rate: Some(Rational { num: RATE, den: 1 }),
            ..Item::default()
        };
        Self {
            item,
            images,
            found: Vec::new(),
            scoped: Vec::new(),
            audio: Arc::new(Silence),
            absent: Vec::new(),
            every: 1,
            batch: 32,
        }
    }

    /// A video of `count` painted frames.
    pub fn painted(count: u64, mut paint: impl FnMut(u64) -> Picture) -> Self {
        Self::new((0..count).map(|number| rgb8(&paint(number))).collect())
    }

    /// The same under another name.
    pub fn named(mut self, name: &str) -> Self {
        self.item.name = name.to_owned();
        self
    }

    /// The same with so many frames per second.
    pub fn at_rate(mut self, rate: i64) -> Self {
        self.item.frame_rate = Some(Rational { num: rate, den: 1 });
        self
    }

    /// The same as stills, each of its own size: `000000.png`, …
    pub fn stills(mut self) -> Self {
        let files = (0..).zip(&self.images).map(|(frame, image)| ImageFile {
            frame,
            name: format!("{frame:06}.png"),
            width: image.width(),
            height: image.height(),
            bit_depth: 8 * channel_bytes(image.format()) as u32,
            alpha: channels(image.format()) == 4,
            grey: channels(image.format()) == 1,
            ..ImageFile::default()
        });
        self.item.files = files.collect();
        self.item.width = self.item.files.iter().map(|file| file.width).max().unwrap_or(self.item.width);
        self.item.height = self.item.files.iter().map(|file| file.height).max().unwrap_or(self.item.height);
        self.item.kind = ItemKind::Stills.into();
        self
    }

    /// Presentation time of a frame, nanoseconds.
    pub fn pts_ns(&self, frame: u64) -> i64 {
        let rate = self.item.frame_rate.unwrap_or(Rational { num: RATE, den: 1 });
        frame as i64 * 1_000_000_000 * rate.den / rate.num
    }

    /// All batches, with what a stage of these needs is shown.
    pub fn batches(&self, needs: &Needs) -> impl Iterator<Item = Result<Batch, StepError>> {
        (0..self.length()).step_by(self.batch as usize).map(|start| self.batch_at(start, needs))
    }

    /// The batch that begins at a frame, with what a stage of these needs is shown.
    pub fn batch_at(&self, start: u64, needs: &Needs) -> Result<Batch, StepError> {
        let halo = if self.item.kind() == ItemKind::Stills { Halo::default() } else { needs.halo };
        let range = FrameRange { start, end: (start + self.batch).min(self.length()) };
        let window = FrameRange {
            start: start.saturating_sub(halo.before),
            end: range.end.saturating_add(halo.after).min(self.length()),
        };
        let sampled = self.sampled(&range);
        let there = |frame: &u64| {
            !self.absent.contains(frame) && needs.process.required.iter().all(|kind| self.has(kind, *frame))
        };
        let asked = sampled.iter().copied().filter(there).collect();
        let times = (window.start..window.end).map(|frame| self.pts_ns(frame)).collect();
        let mut batch = Batch::new(self.item.clone(), range, window, asked, times);
        let near = |frame: u64| {
            sampled.iter().any(|of| (of.saturating_sub(halo.before)..=of.saturating_add(halo.after)).contains(&frame))
        };
        for frame in (window.start..window.end).filter(|frame| near(*frame) && !self.absent.contains(frame)) {
            for rendition in &needs.renditions {
                batch.insert_frame(*rendition, self.frame(frame, *rendition)?);
            }
            let wanted = |kind: &Kind| needs.process.required.contains(kind) || needs.process.optional.contains(kind);
            self.found.iter().filter(|found| wanted(&found.kind)).for_each(|found| found.insert(&mut batch, frame));
        }
        Ok(batch)
    }

    /// Frames of a range that are asked for if they are there.
    pub(crate) fn sampled(&self, range: &FrameRange) -> Vec<u64> {
        (range.start..range.end).filter(|frame| frame.is_multiple_of(self.every)).collect()
    }

    /// Whether some step that makes a kind has a result on a frame, or has spoken of the item.
    fn has(&self, kind: &Kind, frame: u64) -> bool {
        let speaks = |of: &ScopedAnnotation| of.annotation.as_ref().is_some_and(|of| kind_name(of) == kind.as_str());
        self.found.iter().any(|found| found.kind == *kind && found.frames.contains_key(&frame))
            || self.scoped.iter().any(speaks)
    }

    fn length(&self) -> u64 {
        self.images.len() as u64
    }

    fn frame(&self, number: u64, rendition: Rendition) -> Result<Frame, StepError> {
        let image = &self.images[number as usize];
        let image = if rendition == Rendition::Proxy { proxy(image)? } else { image.clone() };
        Ok(Frame { number, pts_ns: self.pts_ns(number), image })
    }
}

/// A frame as a proxy: itself where it is small enough.
fn proxy(image: &Image) -> Result<Image, VisionError> {
    let (width, height) = proxy_size(image.width(), image.height());
    if (width, height) == (image.width(), image.height()) {
        return Ok(image.clone());
    }
    let mut scaled = Mat::default();
    let size = Size::new(width as i32, height as i32);
    imgproc::resize(&mat::view(image)?, &mut scaled, size, 0.0, 0.0, imgproc::INTER_AREA)?;
    Ok(packed(image.format(), width, height, scaled.data_bytes()?.to_vec()))
}

/// A picture as a frame.
pub fn rgb8(picture: &Picture) -> Image {
    packed(PixelFormat::Rgb8, picture.width, picture.height, picture.rgb.clone())
}

#[allow(clippy::expect_used, reason = "painted and scaled pictures have as many bytes as their size says")]
fn packed(format: PixelFormat, width: u32, height: u32, bytes: Vec<u8>) -> Image {
    Image::new(format, width, height, bytes).expect("a picture has the bytes of its size")
}

/// What a step says of frames of an item.
pub fn on_range(item: &str, frames: Range<u64>, instance: u32, value: Value) -> ScopedAnnotation {
    ScopedAnnotation {
        item: item.to_owned(),
        range: Some(FrameRange { start: frames.start, end: frames.end }),
        annotation: Some(Annotation { instance, value: Some(value) }),
    }
}

/// A shot of an item, of which nothing is known but where it is.
pub fn shot(item: &str, frames: Range<u64>) -> ScopedAnnotation {
    on_range(item, frames, 0, Value::Shot(Shot::default()))
}

//! Pictures of the report: which frames, how large, and as JPEG files.
use crate::model::{Axis, ShotReport};
use crate::{MAX_THUMBNAIL_BYTES, ReportError};
use framefleet_frames::frame::{channel_bytes, channels};
use framefleet_frames::{Image, Item};
use framefleet_vision::VisionError;
use framefleet_vision::image_file::{Encoding, encode};
use opencv::core::{Mat, Size};
use opencv::imgproc;
use opencv::prelude::*;

/// Most thumbnails of an item, and of all of them together (each item has at least one while the bytes last).
const PER_ITEM: usize = 48;
const PER_JOB: usize = 600;
/// JPEG quality: where artefacts stop being visible at this size.
const QUALITY: u8 = 80;

/// Who has the pixels.
pub trait Thumbnails: Send + Sync {
    /// JPEG files (see [`encode_jpeg`]) of the `frames`, ascending, of `item`, each at most `side` pixels long. Frames that
    /// cannot be had are left out.
    fn jpeg(&self, item: &Item, frames: &[u64], side: u32) -> Vec<(u64, Vec<u8>)>;
}

/// `image` as a JPEG file of at most `side` × `side` pixels; it is never enlarged. Depth becomes 8 bits, transparency is
/// dropped.
pub fn encode_jpeg(image: &Image, side: u32) -> Result<Vec<u8>, ReportError> {
    let (width, height) = (image.width(), image.height());
    jpeg_bytes(image, side).map_err(|source| ReportError::Thumbnail { width, height, source })
}

fn jpeg_bytes(image: &Image, side: u32) -> Result<Vec<u8>, VisionError> {
    encode(&scaled(&rgb8(image)?, side)?, Encoding::Jpeg(QUALITY))
}

/// 8 bits per channel: grey, or RGB.
fn rgb8(image: &Image) -> opencv::Result<Mat> {
    let channels = channels(image.format()) as i32;
    // Of little-endian 16 bits the second byte is the upper one: the same value in 8 bits.
    let upper: Vec<u8>;
    let bytes: &[u8] = if channel_bytes(image.format()) == 2 {
        upper = image.data().iter().skip(1).step_by(2).copied().collect();
        &upper
    } else {
        image.data()
    };
    let flat = Mat::from_slice(bytes)?;
    let pixels = flat.reshape(channels, image.height() as i32)?;
    if channels != 4 {
        return pixels.try_clone();
    }
    let mut rgb = Mat::default();
    imgproc::cvt_color_def(&pixels, &mut rgb, imgproc::COLOR_RGBA2RGB)?;
    Ok(rgb)
}

fn scaled(picture: &Mat, side: u32) -> opencv::Result<Mat> {
    let size = picture.size()?;
    let factor = f64::from(side) / f64::from(size.width.max(size.height).max(1));
    if factor >= 1.0 {
        return picture.try_clone();
    }
    let shrunk = |length: i32| ((f64::from(length) * factor).round() as i32).max(1);
    let mut small = Mat::default();
    let target = Size::new(shrunk(size.width), shrunk(size.height));
    imgproc::resize(picture, &mut small, target, 0.0, 0.0, imgproc::INTER_AREA)?;
    Ok(small)
}

/// What is left of [`MAX_THUMBNAIL_BYTES`].
pub struct Budget {
    left: usize,
}

impl Budget {
    /// All of it.
    pub fn new() -> Self {
        Self { left: MAX_THUMBNAIL_BYTES }
    }

    /// Whether a JPEG file of so many bytes still fits, as base64; if so it is taken off.
    pub fn take(&mut self, bytes: usize) -> bool {
        let encoded = bytes.div_ceil(3) * 4;
        let fits = encoded <= self.left;
        self.left -= if fits { encoded } else { 0 };
        fits
    }
}

/// How many thumbnails each of so many items gets.
pub fn per_item(items: usize) -> usize {
    (PER_JOB / items.max(1)).clamp(1, PER_ITEM)
}

/// Long side of the thumbnails of so many items, pixels.
pub fn side(items: usize) -> u32 {
    match items {
        0..=4 => 480,
        5..=60 => 320,
        _ => 240,
    }
}

/// At most `count` frames, ascending, spread over the shots: one from the middle of each, more from longer ones; with more
/// shots than that, every n-th shot.
pub fn choose(axis: &Axis, shots: &[ShotReport], count: usize) -> Vec<u64> {
    let count = (axis.end - axis.start).min(count as u64);
    if shots.is_empty() || count == 0 {
        return spread(axis.start, axis.end, count);
    }
    let shots: Vec<&ShotReport> = spread(0, shots.len() as u64, count.min(shots.len() as u64))
        .into_iter()
        .filter_map(|index| shots.get(index as usize))
        .filter(|shot| shot.start < shot.end)
        .collect();
    let mut parts = vec![1u64; shots.len()];
    for _ in shots.len() as u64..count {
        // The longest stretch without a picture gets the next one.
        let stretch = |i: &usize| (shots[*i].end - shots[*i].start) / parts[*i];
        if let Some(longest) = (0..shots.len()).max_by_key(stretch) {
            parts[longest] += 1;
        }
    }
    let frames = shots.iter().zip(&parts).flat_map(|(shot, parts)| spread(shot.start, shot.end, *parts));
    let mut frames: Vec<u64> = frames.filter(|frame| (axis.start..axis.end).contains(frame)).collect();
    frames.sort_unstable();
    frames.dedup();
    frames
}

/// The middles of `count` equal parts of `start..end`.
fn spread(start: u64, end: u64, count: u64) -> Vec<u64> {
    let length = u128::from(end.saturating_sub(start));
    (0..count).map(|i| start + (length * (2 * u128::from(i) + 1) / (2 * u128::from(count))) as u64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_frames::PixelFormat;
    use framefleet_vision::image_file::decode;

    fn axis(start: u64, end: u64) -> Axis {
        crate::columns::axis(start, end, 2000)
    }

    fn shot(start: u64, end: u64) -> ShotReport {
        ShotReport { start, end, ..ShotReport::default() }
    }

    #[test]
    fn every_shot_has_a_picture_and_the_long_one_has_most() {
        let shots = [shot(0, 10), shot(10, 20), shot(20, 1000)];
        let frames = choose(&axis(0, 1000), &shots, 12);
        assert_eq!(frames.len(), 12);
        assert_eq!(&frames[..2], [5, 15]);
        assert!(frames[2..].iter().all(|frame| (20..1000).contains(frame)));
    }

    #[test]
    fn with_too_many_shots_some_are_left_out_evenly() {
        let shots: Vec<_> = (0..100).map(|i| shot(i * 10, i * 10 + 10)).collect();
        let frames = choose(&axis(0, 1000), &shots, 4);
        assert_eq!(frames, [125, 375, 625, 875]);
    }

    #[test]
    fn short_items_have_each_frame_once() {
        assert_eq!(choose(&axis(7, 10), &[], 48), [7, 8, 9]);
        assert_eq!(choose(&axis(7, 7), &[], 48), [0u64; 0]);
    }

    #[test]
    fn the_budget_counts_base64_and_never_goes_below_zero() {
        let mut budget = Budget::new();
        assert!(!budget.take(MAX_THUMBNAIL_BYTES));
        assert!(budget.take(MAX_THUMBNAIL_BYTES / 4 * 3));
        assert!(!budget.take(3));
    }

    #[test]
    fn colours_and_depths_survive() {
        let orange = [230u8, 120, 40];
        let wide: Vec<u8> = orange.iter().flat_map(|value| [0, *value]).collect();
        let pictures = [
            (PixelFormat::Rgb8, orange.repeat(64 * 32)),
            (PixelFormat::Rgba8, [230, 120, 40, 255].repeat(64 * 32)),
            (PixelFormat::Rgb16, wide.repeat(64 * 32)),
        ];
        for (format, bytes) in pictures {
            let jpeg = encode_jpeg(&Image::new(format, 64, 32, bytes).unwrap(), 16).unwrap();
            let back = decode(&jpeg).unwrap();
            assert_eq!((back.cols(), back.rows()), (16, 8));
            let pixel = back.at_2d::<opencv::core::Vec3b>(4, 8).unwrap();
            for (found, true_value) in pixel.iter().zip(orange) {
                assert!(found.abs_diff(true_value) <= 6, "{format:?}: {pixel:?}");
            }
        }
    }

    #[test]
    fn grey_pictures_and_small_ones_stay_as_they_are() {
        let jpeg = encode_jpeg(&Image::new(PixelFormat::Grey8, 3, 5, vec![90; 15]).unwrap(), 480).unwrap();
        let back = decode(&jpeg).unwrap();
        assert_eq!((back.cols(), back.rows(), back.channels()), (3, 5, 1));
    }

    #[test]
    fn a_picture_without_pixels_is_an_error_that_names_its_size() {
        let error = encode_jpeg(&Image::new(PixelFormat::Rgb8, 0, 9, Vec::new()).unwrap(), 480).unwrap_err();
        assert!(error.to_string().contains("0×9"), "{error}");
    }
}

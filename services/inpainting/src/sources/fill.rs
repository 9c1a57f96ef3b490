//! Pixels of other frames, put where a frame has a hole.
use crate::mask::hole::Hole;
use crate::patch::Patch;
use crate::settings::Blend;
use crate::sources::merge::{Shown, merge};
use crate::sources::reference::Reference;
use framefleet_frames::Image;
use framefleet_vision::{VisionError, mat::view};
use opencv::core::{self, Mat, Point2f, Rect, Scalar};
use opencv::imgproc;
use opencv::prelude::*;
use std::rc::Rc;

/// Side of the pieces that are worked on: all references of a piece are in memory together.
const TILE: i32 = 256;
/// What is trusted less is not shown: there the source frame differs by some 20 levels (of 255) from what is around.
const MIN_TRUST: f32 = 0.01;

/// A reference with its pixels.
pub struct SourceFrame<'a> {
    /// How it lies over the target.
    pub reference: Reference,
    /// Its pixels.
    pub image: &'a Image,
    /// What of it is no background.
    pub hole: Option<Rc<Hole>>,
}

/// How much of a hole the source frames cover, in pixels.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// By source frame: of how much it shows the background.
    pub by_source: Vec<u64>,
    /// How much any of them does.
    pub by_any: u64,
}

/// Fills the pixels of the patch where something shows with what the source frames have there; the others become unknown. `scale` is
/// pixels of the full frame per pixel of the downscaled one. What is covered of the hole, which is where `shown` is 1, is added to `covered`.
pub fn from_sources(
    patch: &mut Patch,
    shown: &[f32],
    sources: &[SourceFrame<'_>],
    scale: (f64, f64),
    blend: Blend,
    covered: &mut Coverage,
) -> Result<(), VisionError> {
    covered.by_source.resize(sources.len(), 0);
    for (at, unknown) in patch.unknown.iter_mut().enumerate() {
        *unknown = shown[at] > 0.0;
    }
    for tile in tiles(patch.area, shown) {
        let warped = sources.iter().map(|source| warp(source, tile, scale)).collect::<Result<Vec<_>, _>>()?;
        let mut values = Vec::with_capacity(sources.len());
        for pixel in 0..tile.area() as usize {
            let (x, y) = (pixel as i32 % tile.width + tile.x, pixel as i32 / tile.width + tile.y);
            let at = (y - patch.area.y) as usize * patch.width() + (x - patch.area.x) as usize;
            if shown[at] <= 0.0 {
                continue;
            }
            values.clear();
            for (source, warped) in covered.by_source.iter_mut().zip(&warped) {
                if let Some(one) = warped.at(pixel, patch.channels) {
                    *source += u64::from(shown[at] >= 1.0);
                    values.push(one);
                }
            }
            if !values.is_empty() {
                patch.set(at, &merge(&values, patch.channels, blend));
                patch.unknown[at] = false;
                covered.by_any += u64::from(shown[at] >= 1.0);
            }
        }
    }
    Ok(())
}

/// Pieces of an area in which something shows.
fn tiles(area: Rect, shown: &[f32]) -> Vec<Rect> {
    let mut tiles = Vec::new();
    for y in (0..area.height).step_by(TILE as usize) {
        for x in (0..area.width).step_by(TILE as usize) {
            let tile = Rect::new(x, y, TILE.min(area.width - x), TILE.min(area.height - y));
            let row = |y: i32| (y * area.width + tile.x) as usize..(y * area.width + tile.x + tile.width) as usize;
            if (tile.y..tile.y + tile.height).any(|y| shown[row(y)].iter().any(|shown| *shown > 0.0)) {
                tiles.push(Rect::new(tile.x + area.x, tile.y + area.y, tile.width, tile.height));
            }
        }
    }
    tiles
}

/// A piece of a source frame laid over the target.
struct Warped {
    values: Vec<f32>,
    /// 0 where it shows no background.
    trust: Vec<f32>,
}

impl Warped {
    fn at(&self, pixel: usize, channels: usize) -> Option<Shown> {
        let trust = self.trust[pixel];
        let mut values = [0.0; 4];
        values[..channels].copy_from_slice(&self.values[pixel * channels..(pixel + 1) * channels]);
        (trust > MIN_TRUST).then_some(Shown { values, trust })
    }
}

fn warp(source: &SourceFrame<'_>, tile: Rect, scale: (f64, f64)) -> Result<Warped, VisionError> {
    let reference = &source.reference;
    let downscaled = downscaled_positions(tile, scale)?;
    let flow = reference.flow.as_ref().map(|flow| sampled(flow, &downscaled)).transpose()?;
    let map = positions(reference, tile, flow.as_ref(), scale)?;
    let pixels = view(source.image)?;
    let mut warped = Mat::default();
    let border = core::BORDER_REPLICATE;
    imgproc::remap(&pixels, &mut warped, &map, &Mat::default(), imgproc::INTER_CUBIC, border, Scalar::default())?;
    let mut trust = sampled(&reference.trust, &downscaled)?.data_typed::<f32>()?.to_vec();
    hide(&mut trust, &map, source)?;
    Ok(Warped { values: matched(&warped, &reference.match_)?, trust })
}

/// Where the pixels of a piece lie in the downscaled images (`CV_32FC2`).
fn downscaled_positions(tile: Rect, scale: (f64, f64)) -> opencv::Result<Mat> {
    points(tile, |x, y| ((x + 0.5) / scale.0 - 0.5, (y + 0.5) / scale.1 - 0.5))
}

/// Where they lie in the source frame (`CV_32FC2`).
fn positions(reference: &Reference, tile: Rect, flow: Option<&Mat>, scale: (f64, f64)) -> opencv::Result<Mat> {
    let Some(flow) = flow else { return points(tile, |x, y| reference.map.apply(x, y)) };
    let vectors = flow.data_typed::<Point2f>()?;
    let mut at = 0;
    points(tile, |x, y| {
        let vector = vectors[at];
        at += 1;
        reference.map.apply(x + f64::from(vector.x) * scale.0, y + f64::from(vector.y) * scale.1)
    })
}

/// A point for every pixel of a piece, row by row.
fn points(tile: Rect, mut of: impl FnMut(f64, f64) -> (f64, f64)) -> opencv::Result<Mat> {
    let mut all = Vec::with_capacity(tile.area().max(0) as usize);
    for y in tile.y..tile.y + tile.height {
        for x in tile.x..tile.x + tile.width {
            let (u, v) = of(f64::from(x), f64::from(y));
            all.push(Point2f::new(u as f32, v as f32));
        }
    }
    Mat::new_rows_cols_with_data(tile.height, tile.width, &all)?.try_clone()
}

/// A small field at these positions.
fn sampled(field: &Mat, positions: &Mat) -> opencv::Result<Mat> {
    let mut values = Mat::default();
    let border = core::BORDER_REPLICATE;
    imgproc::remap(field, &mut values, positions, &Mat::default(), imgproc::INTER_LINEAR, border, Scalar::default())?;
    Ok(values)
}

/// Takes all trust from pixels that lie outside the source frame, or near what it has a hole for.
fn hide(trust: &mut [f32], map: &Mat, source: &SourceFrame<'_>) -> opencv::Result<()> {
    let (right, bottom) = (source.image.width() as f32 - 1.0, source.image.height() as f32 - 1.0);
    let hole =
        source.hole.as_deref().map(|hole| Ok::<_, opencv::Error>((hole.area, hole.mask.data_bytes()?))).transpose()?;
    for (trust, point) in trust.iter_mut().zip(map.data_typed::<Point2f>()?) {
        let inside = point.x >= 0.0 && point.y >= 0.0 && point.x <= right && point.y <= bottom;
        if !inside || hole.is_some_and(|(area, mask)| covers(area, mask, *point)) {
            *trust = 0.0;
        }
    }
    Ok(())
}

/// Whether any of the four pixels around a point is in a hole whose mask lies in `area`, row by row.
fn covers(area: Rect, mask: &[u8], point: Point2f) -> bool {
    let (left, top) = (point.x.floor() as i32 - area.x, point.y.floor() as i32 - area.y);
    let set = |x: i32, y: i32| {
        let inside = (0..area.width).contains(&x) && (0..area.height).contains(&y);
        inside && mask[(y * area.width + x) as usize] != 0
    };
    set(left, top) || set(left + 1, top) || set(left, top + 1) || set(left + 1, top + 1)
}

/// The values with their colours matched.
fn matched(warped: &Mat, match_: &[(f32, f32); 4]) -> opencv::Result<Vec<f32>> {
    let channels = warped.channels().max(1) as usize;
    let white = if warped.depth() == core::CV_16U { 65535.0 } else { 255.0 };
    let mut numbers = Mat::default();
    warped.convert_to(&mut numbers, core::CV_32F, 1.0, 0.0)?;
    let values = numbers.reshape(1, 0)?.try_clone()?.data_typed::<f32>()?.to_vec();
    let matched = values.into_iter().enumerate().map(|(at, value)| {
        let (gain, offset) = match_[at % channels];
        (gain * value + offset * white).clamp(0.0, white)
    });
    Ok(matched.collect())
}

//! The edge of what is kept: how much of each pixel belongs to it, and of what colour that part is.
//!
//! Masks are drawn by models that see less than the frame has, so their edge lies a few pixels beside the true one, and pixels on
//! the true one are mixed with the old background. In a band along the mask's edge, a pixel's colour is compared with the mean
//! colours beyond the band on either side: where these differ clearly, its place between them says how much is kept (the
//! projection of Bayesian matting, Chuang et al. 2001, with local means instead of clusters), else its place in the band does. The
//! background's part is then taken out of the colour, by the mixing equation.
use crate::planes::Planes;
use opencv::core::{self, Mat, Rect};
use opencv::imgproc;
use opencv::prelude::*;

/// Side of the parts that a frame is done in, pixels: what takes memory is a part, not the frame.
const PART: i32 = 1024;
/// Reach of the local means, in widths of the band.
const REACH: f32 = 3.0;
/// Variance that colours have anyway, levels of 255 squared.
const NOISE: f32 = 100.0;
/// Colours within a person vary more than those at the edge do.
const OWN_VARIANCE: f32 = 0.25;
/// A colour that does not lie between the two means says less.
const OFF_LINE: f32 = 0.5;
/// Squared distance of the means, in variances, from which the colour says more than the place.
const SEPARATED: f32 = 8.0;
/// Smaller shares of a pixel do not show their own colour.
const SMALL: f32 = 0.1;

/// How wide edges are, pixels.
#[derive(Clone, Copy, Debug)]
pub struct Widths {
    /// From the mask's edge to either end of the band in which colours are compared; 0: masks are taken as they are.
    pub band: f32,
    /// Over which kept and new go over into each other where colours say nothing.
    pub feather: f32,
}

impl Widths {
    /// Share of a pixel that is kept as far as its depth in the mask says: it rises inwards from the mask's edge where masks are
    /// taken as they are, else on both sides of it.
    fn by_place(self, depth: f32) -> f32 {
        let rise = if self.band > 0.0 {
            0.5 + depth / (2.0 * self.feather + 2.0)
        } else {
            (depth + 0.5) / (self.feather + 1.0)
        };
        rise.clamp(0.0, 1.0)
    }
}

/// What is kept of a part of the frame.
pub struct Kept {
    /// Where it lies in the frame.
    pub area: Rect,
    /// Share of each pixel that is kept, 0–1, row by row.
    pub shares: Vec<f32>,
    /// The colour of that share; pixels that are kept whole are their own.
    pub colours: Planes,
}

/// Parts of a frame, row by row, that cover it.
pub fn parts(size: (i32, i32)) -> impl Iterator<Item = Rect> {
    let starts = |length: i32| (0..length).step_by(PART as usize);
    let side = |start: i32, length: i32| PART.min(length - start);
    starts(size.1).flat_map(move |y| starts(size.0).map(move |x| Rect::new(x, y, side(x, size.0), side(y, size.1))))
}

/// What is kept of a part of a frame: its mask (`CV_8UC1`, of the whole frame) and its colours, 0–255, in `read(area)`.
pub fn kept(mask: &Mat, part: Rect, widths: Widths, read: impl FnOnce(Rect) -> Planes) -> opencv::Result<Kept> {
    let around = expanded(part, (widths.band * (REACH + 1.0)).ceil() as i32 + 2, (mask.cols(), mask.rows()));
    let depths = depths(&mask.roi(around)?.try_clone()?)?;
    let inner = |values: &[f32]| inside(values, around, part);
    let is_edge = |depth: &f32| depth.abs() <= widths.band;
    let colours = read(around);
    if widths.band <= 0.0 || !inner(&depths).iter().any(is_edge) {
        let shares = inner(&depths).into_iter().map(|depth| widths.by_place(depth)).collect();
        return Ok(Kept { area: part, shares, colours: colours.map(|plane| inner(plane)) });
    }
    let size = (around.width, around.height);
    let reach = (widths.band * REACH) as i32 + 1;
    let own = Means::of(&colours, &depths, size, reach, |depth| depth > widths.band)?;
    let old = Means::of(&colours, &depths, size, reach, |depth| depth < -widths.band)?;
    let mut shares: Vec<f32> = Vec::with_capacity(depths.len());
    let mut clean = colours.clone();
    for (at, depth) in depths.iter().enumerate() {
        let place = widths.by_place(*depth);
        let (share, known) = if !is_edge(depth) {
            (f32::from(*depth > 0.0), false)
        } else if own.weights[at] <= f32::EPSILON || old.weights[at] <= f32::EPSILON {
            (place, false)
        } else {
            let (by_colour, trust) = mixture(&colours, &own, &old, at);
            (trust * by_colour + (1.0 - trust) * place, true)
        };
        if known && share < 1.0 {
            for (plane, (own, old)) in clean.planes.iter_mut().zip(own.colours.planes.iter().zip(&old.colours.planes)) {
                let unmixed = ((plane[at] - (1.0 - share) * old[at]) / share.max(SMALL)).clamp(0.0, 255.0);
                plane[at] = share * unmixed + (1.0 - share) * own[at];
            }
        }
        shares.push(share);
    }
    Ok(Kept { area: part, shares: inner(&shares), colours: clean.map(|plane| inner(plane)) })
}

/// How much of a pixel is kept by its colour, and how far that is to be trusted, both 0–1.
fn mixture(colours: &Planes, own: &Means, old: &Means, at: usize) -> (f32, f32) {
    let (mut along, mut length, mut square) = (0.0, 0.0, 0.0);
    for (plane, (own, old)) in colours.planes.iter().zip(own.colours.planes.iter().zip(&old.colours.planes)) {
        let (offset, way) = (plane[at] - old[at], own[at] - old[at]);
        along += offset * way;
        length += way * way;
        square += offset * offset;
    }
    let share = (along / length.max(1.0)).clamp(0.0, 1.0);
    let off_line = (square - 2.0 * share * along + share * share * length).max(0.0);
    let variance = old.variances[at] + OWN_VARIANCE * own.variances[at] + NOISE + OFF_LINE * off_line;
    let separation = (length / variance).powi(2);
    (share, separation / (separation + SEPARATED * SEPARATED))
}

/// Local means of the colours of some pixels.
struct Means {
    colours: Planes,
    /// Sum over the channels.
    variances: Vec<f32>,
    /// Share of the pixels around that took part.
    weights: Vec<f32>,
}

impl Means {
    /// Of the pixels whose depth `takes` part, within `reach` pixels in both directions.
    fn of(
        colours: &Planes,
        depths: &[f32],
        size: (i32, i32),
        reach: i32,
        takes: impl Fn(f32) -> bool,
    ) -> opencv::Result<Self> {
        let takes: Vec<f32> = depths.iter().map(|depth| f32::from(takes(*depth))).collect();
        let weights = around(&takes, size, reach)?;
        let mean = |value: &mut dyn FnMut(usize) -> f32| -> opencv::Result<Vec<f32>> {
            let values: Vec<f32> = takes.iter().enumerate().map(|(at, takes)| takes * value(at)).collect();
            let sums = around(&values, size, reach)?;
            Ok(sums.iter().zip(&weights).map(|(sum, weight)| sum / weight.max(1e-6)).collect())
        };
        let (mut planes, mut variances) = (Vec::new(), vec![0.0; depths.len()]);
        for plane in &colours.planes {
            let own = mean(&mut |at| plane[at])?;
            let squares = mean(&mut |at| plane[at] * plane[at])?;
            for (variance, (square, own)) in variances.iter_mut().zip(squares.iter().zip(&own)) {
                *variance += (square - own * own).max(0.0);
            }
            planes.push(own);
        }
        Ok(Self { colours: Planes { planes }, variances, weights })
    }
}

/// Means over squares of `reach` pixels in each direction.
fn around(values: &[f32], (width, height): (i32, i32), reach: i32) -> opencv::Result<Vec<f32>> {
    let (from, mut into) = (Mat::new_rows_cols_with_data(height, width, values)?, Mat::default());
    let side = core::Size::new(2 * reach + 1, 2 * reach + 1);
    imgproc::blur(&from, &mut into, side, core::Point::new(-1, -1), core::BORDER_REPLICATE)?;
    Ok(into.data_typed::<f32>()?.to_vec())
}

/// How far each pixel's centre lies inside the mask's edge, pixels; negative outside.
fn depths(mask: &Mat) -> opencv::Result<Vec<f32>> {
    let distance = |of: &Mat| -> opencv::Result<Vec<f32>> {
        let mut distance = Mat::default();
        imgproc::distance_transform(of, &mut distance, imgproc::DIST_L2, imgproc::DIST_MASK_PRECISE, core::CV_32F)?;
        Ok(distance.data_typed::<f32>()?.to_vec())
    };
    let mut outside = Mat::default();
    core::bitwise_not(mask, &mut outside, &core::no_array())?;
    let pairs = distance(mask)?.into_iter().zip(distance(&outside)?);
    Ok(pairs.map(|(inside, outside)| if inside > 0.0 { inside - 0.5 } else { 0.5 - outside }).collect())
}

/// The values of `part` out of those of `around`, row by row.
fn inside(values: &[f32], around: Rect, part: Rect) -> Vec<f32> {
    let rows = (part.y - around.y) as usize..(part.y - around.y + part.height) as usize;
    let row = |row: usize| {
        let start = row * around.width as usize + (part.x - around.x) as usize;
        values[start..start + part.width as usize].iter().copied()
    };
    rows.flat_map(row).collect()
}

/// A rectangle with a margin, cut to the frame.
fn expanded(area: Rect, margin: i32, (width, height): (i32, i32)) -> Rect {
    let grown = Rect::new(area.x - margin, area.y - margin, area.width + 2 * margin, area.height + 2 * margin);
    grown & Rect::new(0, 0, width, height)
}

//! What the shading of one subject says: how high the light stands, key against fill, and rim light.
use crate::photometry::FLOOR;
use crate::plane::Plane;
use crate::shading::Subject;
use framefleet_vision::VisionError;
use opencv::core::{self, Mat};
use opencv::imgproc;
use opencv::prelude::*;

/// Fewer pixels than this say nothing about a shape.
const FEWEST: usize = 30;
/// Rounds of leaving out what the light does not reach.
const ROUNDS: usize = 3;
/// The model explains at least this share of the luminance's variance, or the shape is none like it.
const EXPLAINED: f64 = 0.5;
/// Width of a rim light at most, share of the plane's long side.
const RIM_WIDTH: f64 = 0.02;
/// Where a rim may lie, outline = 1: the outline is but an estimate.
const RIM_REACH: std::ops::RangeInclusive<f64> = 0.6..=1.4;
/// Share of the outline that a rim light covers at least.
const RIM_COVER: f64 = 0.25;
/// Directions that cover is counted in.
const SECTORS: usize = 36;
/// A rim is at least this share of the brightest luminance.
const RIM_LEVEL: f64 = 0.25;

/// The outline of a subject, taken for an ellipse with one axis along the light. Only its lit part is sure to be seen, but
/// that part has the full width across the light: the ellipse is as wide, at least as long, and touches the lit end.
struct Outline {
    centre: [f64; 2],
    /// Unit vectors along and across the light.
    axes: [[f64; 2]; 2],
    /// Half lengths along and across, pixels.
    halves: [f64; 2],
}

impl Outline {
    /// The outline of a subject; `None` when it is too small.
    fn of(subject: &Subject, width: usize) -> Result<Option<Self>, VisionError> {
        let [x, y] = subject.towards;
        let axes = [[x, y], [-y, x]];
        let inside = subject.region.data_typed::<u8>()?.iter().enumerate().filter(|(_, inside)| **inside > 0);
        let unbounded = [f64::INFINITY, f64::NEG_INFINITY];
        let (mut extents, mut pixels) = ([unbounded; 2], 0);
        for (i, _) in inside {
            pixels += 1;
            for (extent, axis) in extents.iter_mut().zip(axes) {
                let along = (i % width) as f64 * axis[0] + (i / width) as f64 * axis[1];
                *extent = [extent[0].min(along), extent[1].max(along)];
            }
        }
        if pixels < FEWEST {
            return Ok(None);
        }
        // The coarse scale does not see shading right at the outline.
        let [length, breadth] = extents.map(|[low, high]| (high - low) / 2.0 + subject.margin);
        let halves = [length.max(breadth), breadth];
        let (along, across) = (extents[0][1] + subject.margin - halves[0], (extents[1][0] + extents[1][1]) / 2.0);
        let centre = [0, 1].map(|c| along * axes[0][c] + across * axes[1][c]);
        Ok(Some(Self { centre, axes, halves }))
    }

    /// Coordinates along the axes, in half lengths: inside when their length is below 1.
    fn local(&self, x: usize, y: usize) -> [f64; 2] {
        let offset = [x as f64 - self.centre[0], y as f64 - self.centre[1]];
        [0, 1].map(|axis| (offset[0] * self.axes[axis][0] + offset[1] * self.axes[axis][1]) / self.halves[axis])
    }

    /// Normal (along the light, across it, to the camera) of the ellipsoid over the outline, whose depth is the geometric
    /// mean of its half axes; `None` outside and on the very edge.
    fn normal(&self, x: usize, y: usize) -> Option<[f64; 3]> {
        let [u, v] = self.local(x, y);
        let squared = u * u + v * v;
        if squared > 0.95 {
            return None;
        }
        let depth = (self.halves[0] * self.halves[1]).sqrt();
        let normal = [u / self.halves[0], v / self.halves[1], (1.0 - squared).sqrt() / depth];
        let length = normal.iter().map(|n| n * n).sum::<f64>().sqrt();
        Some(normal.map(|n| n / length))
    }
}

/// How high the light stands over a subject.
#[derive(Clone, Copy, Debug)]
pub struct Elevation {
    /// Angle over the picture plane, 90 = from the camera, negative = from behind.
    pub degrees: f64,
    /// Share of the luminance's variance that the model explains.
    pub explained: f64,
}

/// Elevation of the light over the picture plane: the subject is taken for an ellipsoid, and luminance =
/// ambient + light · normal is fitted where the light reaches. `None` when the subject is nothing of the kind.
pub fn elevation(plane: &Plane, subject: &Subject) -> Result<Option<Elevation>, VisionError> {
    let Some(outline) = Outline::of(subject, plane.width)? else { return Ok(None) };
    let mut samples = samples(plane, subject, &outline)?;
    let mut light = None;
    for _ in 0..ROUNDS {
        if samples.len() < FEWEST {
            break;
        }
        let fitted = fit(&samples)?;
        let [_, x, y, z] = fitted;
        light = Some(Elevation { degrees: z.atan2(x.hypot(y)).to_degrees(), explained: explained(&samples, fitted) });
        samples.retain(|(normal, _)| dot(*normal, [fitted[1], fitted[2], fitted[3]]) > 0.0);
    }
    Ok(light.filter(|light| light.explained >= EXPLAINED))
}

/// Normal and luminance of the pixels of a subject.
fn samples(plane: &Plane, subject: &Subject, outline: &Outline) -> Result<Vec<([f64; 3], f64)>, VisionError> {
    let inside = subject.region.data_typed::<u8>()?;
    let pixels = inside.iter().enumerate().filter(|(_, inside)| **inside > 0);
    let sample = |i: usize| Some((outline.normal(i % plane.width, i / plane.width)?, f64::from(plane.values[i])));
    Ok(pixels.filter_map(|(i, _)| sample(i)).collect())
}

/// Least squares of luminance over [1, normal].
fn fit(samples: &[([f64; 3], f64)]) -> Result<[f64; 4], VisionError> {
    let (mut squares, mut products) = ([[0.0; 4]; 4], [0.0; 4]);
    for ([x, y, z], value) in samples {
        let row = [1.0, *x, *y, *z];
        for i in 0..4 {
            products[i] += row[i] * value;
            for j in 0..4 {
                squares[i][j] += row[i] * row[j];
            }
        }
    }
    let flat = squares.as_flattened();
    let (left, right) = (Mat::new_rows_cols_with_data(4, 4, flat)?, Mat::new_rows_cols_with_data(4, 1, &products)?);
    let mut solution = Mat::default();
    core::solve(&left, &right, &mut solution, core::DECOMP_SVD)?;
    let values = solution.data_typed::<f64>()?;
    Ok([values[0], values[1], values[2], values[3]])
}

/// Share of the luminance's variance that the fit explains.
fn explained(samples: &[([f64; 3], f64)], [ambient, x, y, z]: [f64; 4]) -> f64 {
    let mean = samples.iter().map(|(_, value)| value).sum::<f64>() / samples.len() as f64;
    let total: f64 = samples.iter().map(|(_, value)| (value - mean).powi(2)).sum();
    let left: f64 = samples.iter().map(|(normal, value)| (value - ambient - dot(*normal, [x, y, z])).powi(2)).sum();
    if total > 0.0 { 1.0 - left / total } else { 0.0 }
}

/// Scalar product.
fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Stops between the lit and the shaded side of the subject: its 95th over its 5th percentile of luminance.
pub fn key_fill_stops(plane: &Plane, subject: &Subject) -> Result<f64, VisionError> {
    let inside = subject.surroundings.data_typed::<u8>()?;
    let level = |share| plane.percentile(share, |i| inside[i] > 0).max(FLOOR);
    Ok((level(0.95) / level(0.05)).log2())
}

/// Whether the subject has a rim light: a seam along its outline, a stop brighter than what lies on both sides of it.
pub fn rim(plane: &Plane, subject: &Subject) -> Result<bool, VisionError> {
    let Some(outline) = Outline::of(subject, plane.width)? else { return Ok(false) };
    let radius = (RIM_WIDTH * plane.width.max(plane.height) as f64).round().max(1.0) as i32;
    // A square is separable: large discs take many times as long.
    let side = 2 * radius + 1;
    let square = imgproc::get_structuring_element_def(imgproc::MORPH_RECT, core::Size::new(side, side))?;
    let mut opened = Mat::default();
    imgproc::morphology_ex_def(&plane.mat()?, &mut opened, imgproc::MORPH_OPEN, &square)?;
    let without_seams = opened.data_typed::<f32>()?;
    let least = (plane.percentile(0.99, |_| true) * RIM_LEVEL) as f32;
    let mut seen = [false; SECTORS];
    for (i, &value) in plane.values.iter().enumerate().filter(|(_, value)| **value >= least) {
        let [u, v] = outline.local(i % plane.width, i / plane.width);
        if value >= 2.0 * without_seams[i] && RIM_REACH.contains(&u.hypot(v)) {
            let turn = v.atan2(u) / std::f64::consts::TAU + 0.5;
            seen[((turn * SECTORS as f64) as usize).min(SECTORS - 1)] = true;
        }
    }
    Ok(seen.iter().filter(|&&seen| seen).count() as f64 >= RIM_COVER * SECTORS as f64)
}

//! The mapping to a small part of a pixel, with the change of brightness and contrast: Gauss-Newton on the differences
//! (Lucas and Kanade 1981; Baker and Matthews 2004), with Geman and McClure's weights, so that what was changed or drawn over
//! does not pull.
use crate::mapping::{Axis, Mapping};
use crate::plane::Plane;

/// Scale, turn and shift of both axes, contrast, brightness.
const PARAMETERS: usize = 8;
const MAX_ITERATIONS: usize = 20;
/// Ends when no pixel moves by more than this.
const STILL: f32 = 0.01;
/// Fewer pixels in common say nothing.
const MIN_OVERLAP: usize = 200;
/// Pixels at the edge of the overlap that are not used: smoothing has reached beyond the picture there.
pub const MARGIN: f32 = 1.5;
/// Grey levels of difference that are always forgiven: rounding, and the JPEG of the thumbnails themselves.
pub const MIN_NOISE: f32 = 0.7;

/// Where pixels of `coarse` are in `fine`, and what the values of `fine` become there.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    /// From `coarse` to `fine`.
    pub mapping: Mapping,
    pub contrast: f32,
    pub brightness: f32,
    /// Robust standard deviation of the differences.
    pub noise: f32,
}

impl Fit {
    /// A fit that is not fitted yet.
    pub fn start(mapping: Mapping) -> Self {
        Self { mapping, contrast: 1.0, brightness: 0.0, noise: 0.0 }
    }

    /// Difference of `fine` from `coarse` at a pixel of `coarse`; `None` where `fine` is not.
    pub fn difference(&self, fine: &Plane, coarse: &Plane, x: usize, y: usize) -> Option<f32> {
        let (u, v) = self.mapping.apply(x as f32 + 0.5, y as f32 + 0.5);
        let reach = (MARGIN * self.mapping.x.scale, MARGIN * self.mapping.y.scale);
        let is_within = u >= reach.0
            && v >= reach.1
            && u <= fine.width as f32 - reach.0
            && v <= fine.height as f32 - reach.1
            && x as f32 + 0.5 >= MARGIN
            && y as f32 + 0.5 >= MARGIN
            && x as f32 + 0.5 <= coarse.width as f32 - MARGIN
            && y as f32 + 0.5 <= coarse.height as f32 - MARGIN;
        is_within.then(|| self.contrast * fine.sample(u, v) + self.brightness - coarse.at(x, y))
    }

    /// All differences, by pixel of `coarse`.
    pub fn differences(&self, fine: &Plane, coarse: &Plane) -> Vec<Option<f32>> {
        (0..coarse.height)
            .flat_map(|y| (0..coarse.width).map(move |x| (x, y)))
            .map(|(x, y)| self.difference(fine, coarse, x, y))
            .collect()
    }
}

/// The best fit near `start`. `None` when the pictures have too little in common, or are too plain to be placed.
pub fn refine(fine: &Plane, coarse: &Plane, start: Fit) -> Option<Fit> {
    let mut fit = start;
    for _ in 0..MAX_ITERATIONS {
        let differences = fit.differences(fine, coarse);
        fit.noise = noise(&differences)?;
        let step = step(fine, coarse, &fit, &differences)?;
        let [x_scale, x_turn, x_shift, y_scale, y_turn, y_shift, contrast, brightness] = step;
        let axis = |axis: Axis, scale: f32, turn: f32, shift: f32| Axis {
            scale: axis.scale + scale,
            turn: axis.turn + turn,
            shift: axis.shift + shift,
        };
        let Mapping { x, y } = fit.mapping;
        fit.mapping = Mapping { x: axis(x, x_scale, x_turn, x_shift), y: axis(y, y_scale, y_turn, y_shift) };
        fit.contrast += contrast;
        fit.brightness += brightness;
        if !(fit.mapping.x.scale > 0.1 && fit.mapping.y.scale > 0.1) {
            return None;
        }
        let (width, height) = (coarse.width as f32, coarse.height as f32);
        let moved = |scale: f32, turn: f32, shift: f32, along: f32, across: f32| {
            let corners = [(0.0, 0.0), (along, 0.0), (0.0, across), (along, across)];
            corners.map(|(along, across)| (scale * along + turn * across + shift).abs()).into_iter().fold(0.0, f32::max)
        };
        if moved(x_scale, x_turn, x_shift, width, height).max(moved(y_scale, y_turn, y_shift, height, width)) < STILL {
            break;
        }
    }
    fit.noise = noise(&fit.differences(fine, coarse))?;
    Some(fit)
}

/// Robust standard deviation (1.4826 × median of absolute values).
fn noise(differences: &[Option<f32>]) -> Option<f32> {
    let mut sizes: Vec<f32> = differences.iter().flatten().map(|value| value.abs()).collect();
    if sizes.len() < MIN_OVERLAP {
        return None;
    }
    let middle = sizes.len() / 2;
    let (_, median, _) = sizes.select_nth_unstable_by(middle, f32::total_cmp);
    Some(1.4826 * *median)
}

/// Gauss-Newton's step.
fn step(fine: &Plane, coarse: &Plane, fit: &Fit, differences: &[Option<f32>]) -> Option<[f32; PARAMETERS]> {
    let scale = (3.0 * fit.noise.max(MIN_NOISE)).powi(2);
    let mut normal = [[0.0f64; PARAMETERS + 1]; PARAMETERS];
    for (place, difference) in differences.iter().enumerate() {
        let Some(difference) = *difference else { continue };
        let (x, y) = ((place % coarse.width) as f32 + 0.5, (place / coarse.width) as f32 + 0.5);
        let (u, v) = fit.mapping.apply(x, y);
        let across = fit.contrast * (fine.sample(u + 0.5, v) - fine.sample(u - 0.5, v));
        let down = fit.contrast * (fine.sample(u, v + 0.5) - fine.sample(u, v - 0.5));
        let slopes = [across * x, across * y, across, down * y, down * x, down, fine.sample(u, v), 1.0].map(f64::from);
        let weight = f64::from((scale / (scale + difference * difference)).powi(2));
        for (row, slope) in normal.iter_mut().zip(slopes) {
            for (sum, other) in row.iter_mut().zip(slopes) {
                *sum += weight * slope * other;
            }
            row[PARAMETERS] -= weight * slope * f64::from(difference);
        }
    }
    solve(normal)
}

/// Gaussian elimination with pivots; `None` when there is no one solution.
fn solve(mut rows: [[f64; PARAMETERS + 1]; PARAMETERS]) -> Option<[f32; PARAMETERS]> {
    for column in 0..PARAMETERS {
        let size = |row: &usize| rows[*row][column].abs();
        let pivot = (column..PARAMETERS).max_by(|a, b| size(a).total_cmp(&size(b)))?;
        rows.swap(column, pivot);
        if rows[column][column].abs() < 1e-9 {
            return None;
        }
        let pivot = rows[column];
        for (_, row) in rows.iter_mut().enumerate().filter(|(index, _)| *index != column) {
            let factor = row[column] / pivot[column];
            row.iter_mut().zip(pivot).for_each(|(value, of)| *value -= factor * of);
        }
    }
    let mut solution = [0.0; PARAMETERS];
    for (index, row) in rows.iter().enumerate() {
        solution[index] = (row[PARAMETERS] / row[index]) as f32;
    }
    Some(solution)
}

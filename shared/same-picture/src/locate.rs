//! Where one picture roughly is in the other: normalised cross-correlation at a quarter of the size, over all scales that are
//! considered, and over those positions alone at which one contains the other along each axis.
use crate::mapping::{Axis, Mapping};
use crate::plane::Plane;

/// The long side at which is searched.
const LONG_SIDE: usize = 32;
/// The largest scale between the pictures, and the steps up to it.
const MAX_SCALE: f32 = 1.6;
const SCALE_STEP: f32 = 1.035;
/// Pixels by which a position may be off containment, for scales between the steps.
const SLACK: f32 = 1.0;
/// How many of the best positions are returned, and the least correlation there.
const CANDIDATES: usize = 2;
const MIN_CORRELATION: f32 = 0.4;

/// The best mappings from `first` to `second`, best first.
pub fn locate(first: &Plane, second: &Plane) -> Vec<Mapping> {
    let shrink = |plane: &Plane| {
        let part = LONG_SIDE as f32 / plane.width.max(plane.height) as f32;
        let side = |pixels: usize| ((pixels as f32 * part).round() as usize).max(4);
        plane.resize(side(plane.width), side(plane.height))
    };
    let (a, b) = (shrink(first), shrink(second));
    let steps = (MAX_SCALE.ln() / SCALE_STEP.ln()).ceil() as i32;
    let mut found: Vec<(f32, Mapping)> = Vec::new();
    for step in -steps..=steps {
        let scale = SCALE_STEP.powi(step);
        let side = |pixels: usize| ((pixels as f32 * scale).round() as usize).max(2);
        let scaled = a.resize(side(a.width), side(a.height));
        let mut best: Option<(f32, i32, i32)> = None;
        for dy in shifts(scaled.height, b.height) {
            for dx in shifts(scaled.width, b.width) {
                let correlation = correlation(&scaled, &b, dx, dy);
                if best.is_none_or(|(value, ..)| correlation > value) {
                    best = Some((correlation, dx, dy));
                }
            }
        }
        if let Some((correlation, dx, dy)) = best {
            let axis = |of: usize, scaled: usize, shift: i32| Axis::straight(scaled as f32 / of as f32, shift as f32);
            let small = Mapping { x: axis(a.width, scaled.width, dx), y: axis(a.height, scaled.height, dy) };
            let whole = |axis: Axis, a: usize, of_a: usize, b: usize, of_b: usize| {
                axis.resized(of_a as f32 / a as f32, of_b as f32 / b as f32)
            };
            let x = whole(small.x, a.width, first.width, b.width, second.width);
            let y = whole(small.y, a.height, first.height, b.height, second.height);
            found.push((correlation, Mapping { x, y }));
        }
    }
    found.retain(|(correlation, _)| *correlation >= MIN_CORRELATION);
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().take(CANDIDATES).map(|(_, mapping)| mapping).collect()
}

/// Shifts at which the shorter lies within the longer.
fn shifts(from: usize, to: usize) -> std::ops::RangeInclusive<i32> {
    let room = to as f32 - from as f32;
    (room.min(0.0) - SLACK).ceil() as i32..=(room.max(0.0) + SLACK).floor() as i32
}

/// Correlation of two pictures where they overlap, −1 to 1; 0 where there is nothing to compare.
fn correlation(a: &Plane, b: &Plane, dx: i32, dy: i32) -> f32 {
    let overlap = |from: usize, to: usize, shift: i32| {
        (shift.max(0) as usize, (from as i32 + shift).clamp(0, to as i32) as usize)
    };
    let ((left, right), (top, bottom)) = (overlap(a.width, b.width, dx), overlap(a.height, b.height, dy));
    if right <= left || bottom <= top {
        return 0.0;
    }
    let (mut sums, count) = ([0.0f32; 5], ((right - left) * (bottom - top)) as f32);
    for y in top..bottom {
        let from = (y as i32 - dy) as usize * a.width + (left as i32 - dx) as usize;
        let row_a = &a.values[from..from + right - left];
        let row_b = &b.values[y * b.width + left..y * b.width + right];
        for (p, q) in row_a.iter().zip(row_b) {
            sums[0] += p;
            sums[1] += q;
            sums[2] += p * p;
            sums[3] += q * q;
            sums[4] += p * q;
        }
    }
    let [p, q, pp, qq, pq] = sums.map(|sum| sum / count);
    let (of_a, of_b) = (pp - p * p, qq - q * q);
    if of_a < 1.0 || of_b < 1.0 { 0.0 } else { (pq - p * q) / (of_a * of_b).sqrt() }
}

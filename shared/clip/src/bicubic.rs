//! Bicubic resizing as Pillow does it, level for level: the reference prepares its pictures with Pillow, and general resizers differ from it
//! by two levels in a fifth of all numbers.
//!
//! Separable, rows first, with whole levels in between. A weight is Keys' cubic with a = −0.5 ("Cubic convolution interpolation for digital
//! image processing", 1981), stretched by the scale when the picture becomes smaller; weights are fixed-point numbers with 22 bits after the
//! point.
use ndarray::{Array3, ArrayView3, ShapeError};

/// Bits after the point: 32, less 8 of a level and 2 for sums beyond 1.
const BITS: u32 = 32 - 8 - 2;
/// Half the width of the cubic.
const SUPPORT: f64 = 2.0;

/// Weights of the source pixels that make one pixel.
struct Window {
    first: usize,
    weights: Vec<i32>,
}

/// A picture (height × width × channels, no side empty) at another size.
pub(crate) fn resize(picture: ArrayView3<'_, u8>, rows: usize, columns: usize) -> Result<Array3<u8>, ShapeError> {
    let (height, width, channels) = picture.dim();
    let levels: Vec<u8> = picture.iter().copied().collect();
    let narrowed = along(levels, width, channels, columns);
    let resized = along(narrowed, height, columns * channels, rows);
    Array3::from_shape_vec((rows, columns, channels), resized)
}

/// Resizes the middle axis of `… × from × inner` numbers.
fn along(levels: Vec<u8>, from: usize, inner: usize, size: usize) -> Vec<u8> {
    if from == size {
        return levels;
    }
    let windows: Vec<Window> = windows(from, size).collect();
    let mut resized = vec![0; levels.len() / from * size];
    let mut sums = vec![0; inner];
    for (source, target) in levels.chunks_exact(from * inner).zip(resized.chunks_exact_mut(size * inner)) {
        for (window, target) in windows.iter().zip(target.chunks_exact_mut(inner)) {
            sums.fill(1i32 << (BITS - 1));
            for (weight, line) in window.weights.iter().zip(source[window.first * inner..].chunks_exact(inner)) {
                sums.iter_mut().zip(line).for_each(|(sum, level)| *sum += weight * i32::from(*level));
            }
            target.iter_mut().zip(&sums).for_each(|(level, sum)| *level = (sum >> BITS).clamp(0, 255) as u8);
        }
    }
    resized
}

fn windows(from: usize, to: usize) -> impl Iterator<Item = Window> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = SUPPORT * stretch;
    (0..to).map(move |at| {
        let centre = (at as f64 + 0.5) * scale;
        let first = ((centre - support + 0.5) as isize).max(0) as usize;
        let end = ((centre + support + 0.5) as usize).min(from);
        let weights: Vec<f64> = (first..end).map(|source| cubic((source as f64 - centre + 0.5) / stretch)).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: &f64| (weight / sum * f64::from(1 << BITS)).round() as i32;
        Window { first, weights: weights.iter().map(fixed).collect() }
    })
}

/// Keys' cubic.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_even_picture_stays_even(level in 0u8.., rows in 1usize..40, columns in 1usize..40) {
            let picture = Array3::from_elem((17, 23, 3), level);
            let resized = resize(picture.view(), rows, columns).unwrap();
            prop_assert_eq!(resized.dim(), (rows, columns, 3));
            prop_assert!(resized.iter().all(|found| *found == level));
        }
    }
}

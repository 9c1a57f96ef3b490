//! Resizing as Pillow does it, level for level: the references prepare their pictures with Pillow, and general resizers differ from it by two
//! levels in a fifth of all numbers.
//!
//! Separable, rows first, with whole levels in between. Weights are those of a filter, stretched by the scale when the picture becomes
//! smaller, as fixed-point numbers with 22 bits after the point.
use ndarray::{Array3, ArrayView3, ShapeError};

/// Bits after the point: 32, less 8 of a level and 2 for sums beyond 1.
const BITS: u32 = 32 - 8 - 2;

/// What the pixels around a place weigh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filter {
    /// A triangle.
    Bilinear,
    /// Keys' cubic with a = −0.5 ("Cubic convolution interpolation for digital image processing", 1981).
    Bicubic,
}

/// Weights of the source pixels that make one pixel.
struct Window {
    first: usize,
    weights: Vec<i32>,
}

/// A picture (height × width × channels, no side empty) at another size.
pub(crate) fn resize(
    picture: ArrayView3<'_, u8>,
    rows: usize,
    columns: usize,
    filter: Filter,
) -> Result<Array3<u8>, ShapeError> {
    let (height, width, channels) = picture.dim();
    let levels: Vec<u8> = picture.iter().copied().collect();
    let narrowed = along(levels, width, channels, columns, filter);
    let resized = along(narrowed, height, columns * channels, rows, filter);
    Array3::from_shape_vec((rows, columns, channels), resized)
}

/// Resizes the middle axis of `… × from × inner` numbers.
fn along(levels: Vec<u8>, from: usize, inner: usize, size: usize, filter: Filter) -> Vec<u8> {
    if from == size {
        return levels;
    }
    let windows: Vec<Window> = windows(from, size, filter).collect();
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

fn windows(from: usize, to: usize, filter: Filter) -> impl Iterator<Item = Window> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = filter.support() * stretch;
    (0..to).map(move |at| {
        let centre = (at as f64 + 0.5) * scale;
        let first = ((centre - support + 0.5) as isize).max(0) as usize;
        let end = ((centre + support + 0.5) as usize).min(from);
        let weights: Vec<f64> =
            (first..end).map(|source| filter.weight((source as f64 - centre + 0.5) / stretch)).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: &f64| (weight / sum * f64::from(1 << BITS)).round() as i32;
        Window { first, weights: weights.iter().map(fixed).collect() }
    })
}

impl Filter {
    /// Half its width.
    fn support(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        const A: f64 = -0.5;
        let x = x.abs();
        match self {
            Self::Bilinear => (1.0 - x).max(0.0),
            Self::Bicubic if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            Self::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
            Self::Bicubic => 0.0,
        }
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
            for filter in [Filter::Bilinear, Filter::Bicubic] {
                let resized = resize(picture.view(), rows, columns, filter).unwrap();
                prop_assert_eq!(resized.dim(), (rows, columns, 3));
                prop_assert!(resized.iter().all(|found| *found == level));
            }
        }
    }
}

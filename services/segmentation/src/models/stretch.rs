//! Images and masks as SAM 2's models take them.
use framefleet_perception::PerceptionError;
use framefleet_vision::VisionError;
use ndarray::{Array3, Array4, ArrayView3};
use opencv::prelude::*;

/// ImageNet's mean and standard deviation, RGB.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// An image (RGB, 8 bits) as the encoder takes it: stretched to a square, whatever its aspect ratio.
pub fn normalised(picture: &impl MatTraitConst, side: i32) -> Result<Array4<f32>, PerceptionError> {
    let (width, height) = (picture.cols() as usize, picture.rows() as usize);
    let side = side as usize;
    let source = ArrayView3::from_shape((height, width, 3), picture.data_bytes()?)
        .map_err(|error| VisionError::Invalid(format!("the picture's bytes: {error}")))?;
    let colours = stretched(source, side, side);
    Ok(Array4::from_shape_fn((1, 3, side, side), |(_, channel, y, x)| {
        (colours[[y, x, channel]] / 255.0 - MEAN[channel]) / DEVIATION[channel]
    }))
}

/// An image [height, width, channels] stretched to another size, as torchvision's `Resize` does it.
pub fn stretched<T: Copy + Into<f32>>(source: ArrayView3<'_, T>, height: usize, width: usize) -> Array3<f32> {
    let (from_height, from_width, channels) = source.dim();
    let (across, down) = (taps(from_width, width), taps(from_height, height));
    let mut rows = Array3::<f32>::zeros((from_height, width, channels));
    for (source, mut into) in source.outer_iter().zip(rows.outer_iter_mut()) {
        for ((first, weights), mut pixel) in across.iter().zip(into.outer_iter_mut()) {
            for (channel, value) in pixel.iter_mut().enumerate() {
                let weighted =
                    weights.iter().enumerate().map(|(at, weight)| weight * source[[first + at, channel]].into());
                *value = weighted.sum::<f32>();
            }
        }
    }
    Array3::from_shape_fn((height, width, channels), |(y, x, channel)| {
        let (first, weights) = &down[y];
        weights.iter().enumerate().map(|(at, weight)| weight * rows[[first + at, x, channel]]).sum::<f32>()
    })
}

/// For every place along a side: the first pixel that it is made of, and the weights of that one and those after it. Weights fall
/// off linearly over one pixel of the coarser grid.
fn taps(from: usize, to: usize) -> Vec<(usize, Vec<f32>)> {
    let scale = from as f64 / to as f64;
    let reach = scale.max(1.0);
    let place = |at: usize| {
        let centre = (at as f64 + 0.5) * scale;
        let first = (centre - reach + 0.5).floor().max(0.0) as usize;
        let last = ((centre + reach + 0.5).floor() as usize).clamp(first + 1, from.max(1));
        let first = first.min(last - 1);
        let weight = |pixel: usize| (1.0 - ((pixel as f64 + 0.5 - centre) / reach).abs()).max(0.0);
        let sum: f64 = (first..last).map(weight).sum();
        (first, (first..last).map(|pixel| (weight(pixel) / sum) as f32).collect())
    };
    (0..to).map(place).collect()
}

//! How well a filling meets its surroundings.
use crate::patch::Patch;
use framefleet_frames::Image;
use framefleet_vision::colour::{lightness, srgb_to_linear, xyz};

/// Maximum number of pixels that are sampled: more change the mean by less than its last digit.
const PIXELS: usize = 4096;

/// CIE 1976 colour differences between what was filled in and what the frame has, where the filling fades out around the hole.
#[derive(Clone, Copy, Debug, Default)]
pub struct Differences {
    sum: f64,
    pixels: f64,
}

impl Differences {
    /// Adds those of a part of the hole: `shown` between 0 and 1, row by row over the patch that was filled. A part counts as its
    /// pixels do, also where only some of them are sampled.
    pub fn add(&mut self, own: &Image, filled: &Patch, shown: &[f32]) {
        let ring: Vec<usize> = shown
            .iter()
            .enumerate()
            .filter(|(at, shown)| **shown > 0.0 && **shown < 1.0 && !filled.unknown[*at])
            .map(|(at, _)| at)
            .collect();
        let step = ring.len().div_ceil(PIXELS).max(1);
        let white = filled.white;
        let apart = |&at: &usize| {
            let (own, channels) = filled.original(own, at);
            apart(lab(&own[..channels], white), lab(filled.pixel(at), white))
        };
        let apart: Vec<f64> = ring.iter().step_by(step).map(apart).collect();
        if !apart.is_empty() {
            self.sum += apart.iter().sum::<f64>() / apart.len() as f64 * ring.len() as f64;
            self.pixels += ring.len() as f64;
        }
    }

    /// Their mean; `None` when the filling fades out nowhere.
    pub fn mean(&self) -> Option<f32> {
        (self.pixels > 0.0).then(|| (self.sum / self.pixels) as f32)
    }
}

fn apart(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// CIE L*a*b* of an sRGB pixel, white being D65.
fn lab(pixel: &[f32], white: f32) -> [f64; 3] {
    let linear = |channel: usize| {
        let value = pixel.get(channel).filter(|_| pixel.len() >= 3).unwrap_or(&pixel[0]);
        srgb_to_linear(f64::from(value / white))
    };
    let [x, y, z] = xyz([linear(0), linear(1), linear(2)]);
    let [white_x, white_y, white_z] = xyz([1.0; 3]);
    // L* is 116 f − 16 of the same f that a* and b* are differences of.
    let f = |share: f64| (lightness(share) + 16.0) / 116.0;
    let (fx, fy, fz) = (f(x / white_x), f(y / white_y), f(z / white_z));
    [116.0 * fy - 16.0, 500.0 * (fx - fy), 200.0 * (fy - fz)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lab_is_that_of_the_standard() {
        // sRGB red: L* 53.24, a* 80.09, b* 67.20 (D65).
        let found = lab(&[255.0, 0.0, 0.0], 255.0);
        for (found, truth) in found.iter().zip([53.24, 80.09, 67.20]) {
            assert!((found - truth).abs() < 0.05, "{found} {truth}");
        }
        assert!(lab(&[65535.0], 65535.0)[1].abs() < 0.01);
    }
}

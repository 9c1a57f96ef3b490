//! The one pass over all pixels: luminance in linear light, and the counts that everything else is derived from.
//!
//! Luminance is kept in 16 bits ([`LEVELS`] levels, 0..65535 for black..white), so that sums and percentiles are integers
//! and the same on every machine.
use framefleet_vision::colour::{LUMINANCE_WEIGHTS, lightness, srgb_to_linear};
use std::sync::LazyLock;

/// Levels of luminance.
pub const LEVELS: usize = 1 << 16;
/// White, and the scale of luminance.
pub const WHITE: f64 = (LEVELS - 1) as f64;
/// What black counts as where a logarithm is taken: half the luminance of the darkest 8-bit code that is not black.
pub const FLOOR: f64 = 0.5 / 255.0 / 12.92;
/// Channels at this code or above carry no measurement: the highlight is blown.
pub const CLIPPED_HIGH: u8 = 254;
/// Pixels with all channels at this code or below are black.
pub const CLIPPED_LOW: u8 = 1;

/// Contribution of every code of red, green and blue to luminance, in levels.
static CONTRIBUTION: LazyLock<[[u32; 256]; 3]> = LazyLock::new(|| {
    // In 2^-14 levels, so that the three roundings do not add up.
    LUMINANCE_WEIGHTS.map(|weight| {
        std::array::from_fn(|code| {
            (srgb_to_linear(code as f64 / 255.0) * weight * WHITE * f64::from(1 << 14)).round() as u32
        })
    })
});

/// log2 of every level, black counting as [`FLOOR`].
static LOG2: LazyLock<Vec<f32>> =
    LazyLock::new(|| (0..LEVELS).map(|level| (level as f64 / WHITE).max(FLOOR).log2() as f32).collect());

/// CIE L* of every level.
static LIGHTNESS: LazyLock<Vec<f32>> =
    LazyLock::new(|| (0..LEVELS).map(|level| lightness(level as f64 / WHITE) as f32).collect());

/// log2 of the luminance of a level.
pub fn log2_of(level: usize) -> f64 {
    f64::from(LOG2[level])
}

/// CIE L* of a level, 0..100.
pub fn lightness_of(level: usize) -> f64 {
    f64::from(LIGHTNESS[level])
}

/// What one pass over an 8-bit RGB picture finds.
pub struct Photometry {
    /// Luminance of every pixel, levels, rows without padding.
    pub luminance: Vec<u16>,
    /// Pixels of every level.
    pub histogram: Vec<u32>,
    /// Pixels of every code of red, green and blue, over the pixels that are neither clipped nor black.
    pub trusted: [[u32; 256]; 3],
    /// Pixels with a channel at [`CLIPPED_HIGH`] or above.
    pub clipped_high: u64,
    /// Pixels with all channels at [`CLIPPED_LOW`] or below.
    pub clipped_low: u64,
}

impl Photometry {
    /// Measures packed 8-bit sRGB pixels.
    pub fn measure(rgb: &[u8]) -> Self {
        let (pixels, _) = rgb.as_chunks::<3>();
        let [red, green, blue] = &*CONTRIBUTION;
        let mut luminance = Vec::with_capacity(pixels.len());
        let mut histogram = vec![0_u32; LEVELS];
        let mut trusted = [[0_u32; 256]; 3];
        let (mut clipped_high, mut clipped_low) = (0, 0);
        for &[r, g, b] in pixels {
            let scaled = red[usize::from(r)] + green[usize::from(g)] + blue[usize::from(b)];
            let level = ((scaled + (1 << 13)) >> 14).min(LEVELS as u32 - 1) as u16;
            luminance.push(level);
            histogram[usize::from(level)] += 1;
            let brightest = r.max(g).max(b);
            if brightest >= CLIPPED_HIGH {
                clipped_high += 1;
            } else if brightest <= CLIPPED_LOW {
                clipped_low += 1;
            } else {
                trusted[0][usize::from(r)] += 1;
                trusted[1][usize::from(g)] += 1;
                trusted[2][usize::from(b)] += 1;
            }
        }
        Self { luminance, histogram, trusted, clipped_high, clipped_low }
    }

    /// Number of pixels.
    pub fn pixels(&self) -> u64 {
        self.luminance.len() as u64
    }

    /// Mean of `value` of a level, over all pixels; 0 for an empty picture.
    pub fn mean(&self, value: impl Fn(usize) -> f64) -> f64 {
        self.levels().map(|(level, count)| f64::from(count) * value(level)).sum::<f64>() / self.pixels().max(1) as f64
    }

    /// The level that `share` (0..1) of the pixels do not exceed.
    pub fn percentile(&self, share: f64) -> usize {
        let wanted = ((share * self.pixels() as f64).ceil() as u64).max(1);
        let mut seen = 0;
        self.levels()
            .find(|(_, count)| {
                seen += u64::from(*count);
                seen >= wanted
            })
            .map_or(0, |(level, _)| level)
    }

    /// Levels that occur, ascending, and how often.
    pub fn levels(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        self.histogram.iter().copied().enumerate().filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn white_black_and_grey_have_their_levels() {
        let photometry = Photometry::measure(&[255, 255, 255, 0, 0, 0, 118, 118, 118]);
        assert_eq!(photometry.luminance, [65535, 0, (srgb_to_linear(118.0 / 255.0) * WHITE).round() as u16]);
        assert_eq!((photometry.clipped_high, photometry.clipped_low), (1, 1));
    }

    #[test]
    fn percentiles_are_levels_of_pixels() {
        let codes: Vec<u8> = (0..100).flat_map(|code| [code; 3]).collect();
        let photometry = Photometry::measure(&codes);
        let level = |code: f64| (srgb_to_linear(code / 255.0) * WHITE).round() as usize;
        assert_eq!(photometry.percentile(0.5), level(49.0));
        assert_eq!(photometry.percentile(0.0), 0);
        assert_eq!(photometry.percentile(1.0), level(99.0));
    }

    proptest! {
        #[test]
        fn every_pixel_is_counted_once(rgb in prop::collection::vec(any::<[u8; 3]>(), 0..200)) {
            let photometry = Photometry::measure(rgb.as_flattened());
            let counted: u32 = photometry.histogram.iter().sum();
            prop_assert_eq!(u64::from(counted), photometry.pixels());
            let trusted: u32 = photometry.trusted[1].iter().sum();
            prop_assert_eq!(u64::from(trusted) + photometry.clipped_high + photometry.clipped_low, photometry.pixels());
        }

        #[test]
        fn luminance_is_that_of_linear_light(rgb in any::<[u8; 3]>()) {
            let expected: f64 = (0..3).map(|c| LUMINANCE_WEIGHTS[c] * srgb_to_linear(f64::from(rgb[c]) / 255.0)).sum();
            let found = f64::from(Photometry::measure(&rgb).luminance[0]) / WHITE;
            prop_assert!((found - expected).abs() <= 0.51 / WHITE);
        }
    }
}

//! Ordered dither where samples of 16 bits become shorter ones: gradients stay gradients instead of becoming bands.
//!
//! FFmpeg's scaler dithers what it converts to 8 bits, and rounds what it converts to more; its `sws_dither` changes neither for
//! YUV. Thresholds are those of Bayer's matrix (B. E. Bayer, "An optimum method for two-level rendition of continuous-tone pictures",
//! ICC 1973). A sample that the shorter one holds exactly stays as it is; the mean of all others is kept.

/// Sides of the matrix, pixels.
const SIDE: usize = 8;

/// Bayer's matrix: every number below 64 once.
const THRESHOLDS: [[u16; SIDE]; SIDE] = thresholds();

/// How samples are brought to fewer bits.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Dither {
    /// By the thresholds of an 8 × 8 matrix, the same in every frame.
    #[default]
    Ordered,
    /// Rounded to the nearest.
    None,
}

impl Dither {
    /// A row of samples of 16 bits (little-endian) as samples of `bits` bits, 10 to 15, in the high bits' scale: of limited
    /// range, and of full range as FFmpeg's scaler has it.
    pub fn shorten(self, source: &[u8], target: &mut [u8], row: usize, bits: u32) {
        let shift = 16 - bits;
        let most = (1u32 << bits) - 1;
        for (at, (from, to)) in source.as_chunks::<2>().0.iter().zip(target.as_chunks_mut::<2>().0).enumerate() {
            let threshold = match self {
                Self::Ordered => u32::from(threshold(at, row)) >> (6 - shift.min(6)),
                Self::None => 1 << (shift - 1),
            };
            let value = (u32::from(u16::from_le_bytes(*from)) + threshold) >> shift;
            *to = (value.min(most) as u16).to_le_bytes();
        }
    }

    /// A sample of 16 bits over its full range as one of 8 bits, at a pixel.
    pub fn eight_bits(self, sample: u16, (x, y): (usize, usize)) -> u8 {
        let threshold = match self {
            Self::Ordered => (2 * u32::from(threshold(x, y)) + 1) * 65535 / 128,
            Self::None => 32767,
        };
        ((u32::from(sample) * 255 + threshold) / 65535) as u8
    }
}

fn threshold(x: usize, y: usize) -> u16 {
    THRESHOLDS[y % SIDE][x % SIDE]
}

const fn thresholds() -> [[u16; SIDE]; SIDE] {
    let mut matrix = [[0; SIDE]; SIDE];
    let mut at = 0;
    while at < SIDE * SIDE {
        let (mut x, mut y, mut value) = (at % SIDE, at / SIDE, 0);
        let mut bit = 0;
        while bit < 3 {
            value = value << 2 | ((x ^ y) as u16 & 1) << 1 | (y as u16 & 1);
            (x, y) = (x >> 1, y >> 1);
            bit += 1;
        }
        matrix[at / SIDE][at % SIDE] = value;
        at += 1;
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_has_every_threshold_once() {
        let mut all: Vec<u16> = THRESHOLDS.iter().flatten().copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..64).collect::<Vec<u16>>());
        assert_eq!(THRESHOLDS[0][..4], [0, 32, 8, 40], "neighbours are far apart");
    }

    /// The mean of 8 × 8 equal samples after they were shortened, in units of the sample of 16 bits.
    fn mean(dither: Dither, sample: u16, bits: u32) -> f64 {
        let row: Vec<u8> = [sample; SIDE].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let mut sum = 0;
        for y in 0..SIDE {
            let mut short = [0; 2 * SIDE];
            dither.shorten(&row, &mut short, y, bits);
            sum += short.as_chunks::<2>().0.iter().map(|value| u32::from(u16::from_le_bytes(*value))).sum::<u32>();
        }
        f64::from(sum) / (SIDE * SIDE) as f64 * f64::from(1u32 << (16 - bits))
    }

    #[test]
    fn the_mean_is_kept() {
        for sample in (0..64_000).step_by(37) {
            assert_eq!(mean(Dither::Ordered, sample, 10), f64::from(sample));
            assert!((mean(Dither::None, sample, 10) - f64::from(sample)).abs() <= 32.0);
            assert_eq!(mean(Dither::Ordered, sample, 12), f64::from(sample));
        }
        let rounded = (0..64).filter(|low| mean(Dither::None, 20_480 + low, 10) != f64::from(20_480 + low)).count();
        assert_eq!(rounded, 63, "rounding keeps but one of 64");
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        for value in 0..=255u16 {
            for at in 0..64 {
                let place = (at % SIDE, at / SIDE);
                assert_eq!(Dither::Ordered.eight_bits(value * 257, place), value as u8);
                assert_eq!(Dither::None.eight_bits(value * 257, place), value as u8);
            }
            assert_eq!(mean(Dither::Ordered, value << 8, 10), f64::from(value << 8));
        }
    }

    #[test]
    fn eight_bits_keep_the_mean_too() {
        for sample in (0..65_535u16).step_by(41) {
            let sum: u32 = (0..64).map(|at| u32::from(Dither::Ordered.eight_bits(sample, (at % 8, at / 8)))).sum();
            let mean = f64::from(sum) / 64.0 * 257.0;
            assert!((mean - f64::from(sample)).abs() <= 257.0 / 64.0, "{sample} becomes {mean}");
        }
    }
}

//! Statistics of how far things move, over the picture and over the cells of a grid.
use crate::field::Sample;
use framefleet_frames::MotionType;

/// Cells per side of the motion grid.
pub const GRID: usize = 4;

/// Distribution of lengths, pixels of the full frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Magnitudes {
    /// Arithmetic mean.
    pub mean: f64,
    /// 50th percentile.
    pub median: f64,
    /// 95th percentile.
    pub p95: f64,
    /// Standard deviation.
    pub std: f64,
    /// Largest.
    pub max: f64,
}

/// Distribution of lengths; zeros for none.
pub fn magnitudes(lengths: &[f64]) -> Magnitudes {
    if lengths.is_empty() {
        return Magnitudes::default();
    }
    let count = lengths.len() as f64;
    let mean = lengths.iter().sum::<f64>() / count;
    let variance = lengths.iter().map(|length| (length - mean).powi(2)).sum::<f64>() / count;
    let mut scratch = lengths.to_vec();
    Magnitudes {
        mean,
        median: percentile(&mut scratch, 50),
        p95: percentile(&mut scratch, 95),
        std: variance.sqrt(),
        max: lengths.iter().copied().fold(0.0, f64::max),
    }
}

/// Share of lengths above a limit; 0 for none.
pub fn share_above(lengths: &[f64], limit: f64) -> f64 {
    lengths.iter().filter(|length| **length > limit).count() as f64 / lengths.len().max(1) as f64
}

/// Nearest-rank percentile of values in any order; reorders them. 0 for none.
pub fn percentile(values: &mut [f64], percent: usize) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let rank = (values.len() * percent).div_ceil(100).clamp(1, values.len());
    *values.select_nth_unstable_by(rank - 1, f64::total_cmp).1
}

/// Mean lengths in the cells of a [`GRID`]×[`GRID`] grid over a frame of `width`×`height`, row by row. `lengths` belong to
/// `samples`, one each.
pub fn grid(samples: &[Sample], lengths: &[f64], width: f64, height: f64) -> [f64; GRID * GRID] {
    let mut sums = [(0.0, 0_u32); GRID * GRID];
    let cell = |position: f64, side: f64| ((position / side * GRID as f64).max(0.0) as usize).min(GRID - 1);
    for (sample, length) in samples.iter().zip(lengths) {
        let (sum, count) = &mut sums[cell(sample.y, height) * GRID + cell(sample.x, width)];
        *sum += length;
        *count += 1;
    }
    sums.map(|(sum, count)| if count == 0 { 0.0 } else { sum / f64::from(count) })
}

/// Indices of the cells above the 75th percentile of all cells and above `floor`.
pub fn hotspots(grid: &[f64], floor: f64) -> Vec<u32> {
    let limit = percentile(&mut grid.to_vec(), 75).max(floor);
    (0_u32..).zip(grid).filter(|(_, mean)| **mean > limit).map(|(index, _)| index).collect()
}

/// The type of a frame's motion, by mean and standard deviation of magnitudes in percent of the width per frame, density,
/// and how much the directions agree. The limits are those in pixels that were in use at 640 pixels' width, made
/// independent of size; fast motion of one direction is not chaotic.
pub fn motion_type(mean: f64, std: f64, density: f64, concentration: f64) -> MotionType {
    if mean < 0.08 {
        MotionType::Static
    } else if mean < 0.24 && density < 0.15 {
        MotionType::Minimal
    } else if mean < 0.4 && density < 0.3 {
        MotionType::Slow
    } else if mean < 0.8 && std < 0.22 {
        MotionType::ModerateUniform
    } else if mean < 0.8 {
        MotionType::ModerateMixed
    } else if density > 0.5 && concentration < 0.7 {
        MotionType::FastChaotic
    } else {
        MotionType::Fast
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_known_values() {
        let lengths: Vec<f64> = (1..=100).map(f64::from).collect();
        let all = magnitudes(&lengths);
        assert_eq!((all.mean, all.median, all.p95, all.max), (50.5, 50.0, 95.0, 100.0));
        assert_eq!(share_above(&lengths, 90.0), 0.1);
        assert_eq!(magnitudes(&[]), Magnitudes::default());
        assert_eq!(share_above(&[], 1.0), 0.0);
    }

    #[test]
    fn motion_lands_in_its_cell() {
        let sample = |x, y| Sample { x, y, dx: 0.0, dy: 0.0 };
        let samples = [sample(10.0, 10.0), sample(95.0, 10.0), sample(95.0, 99.0), sample(120.0, -5.0)];
        let cells = grid(&samples, &[1.0, 2.0, 3.0, 4.0], 100.0, 100.0);
        assert_eq!((cells[0], cells[3], cells[15], cells[5]), (1.0, 3.0, 3.0, 0.0));
        assert_eq!(hotspots(&cells, 0.0), vec![0, 3, 15]);
        assert_eq!(hotspots(&cells, 2.0), vec![3, 15]);
    }

    #[test]
    fn types_follow_the_documented_limits() {
        assert_eq!(motion_type(0.0, 0.0, 0.0, 0.0), MotionType::Static);
        assert_eq!(motion_type(0.1, 0.0, 0.1, 1.0), MotionType::Minimal);
        assert_eq!(motion_type(0.3, 0.0, 0.2, 1.0), MotionType::Slow);
        assert_eq!(motion_type(0.5, 0.1, 1.0, 1.0), MotionType::ModerateUniform);
        assert_eq!(motion_type(0.5, 0.3, 1.0, 1.0), MotionType::ModerateMixed);
        assert_eq!(motion_type(1.0, 0.3, 0.4, 0.2), MotionType::Fast);
        assert_eq!(motion_type(1.0, 0.3, 0.6, 0.2), MotionType::FastChaotic);
        assert_eq!(motion_type(1.0, 0.3, 0.6, 0.9), MotionType::Fast);
    }
}

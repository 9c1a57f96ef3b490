//! Correlation of what is seen at the times of frames with what is heard at any time.

/// Changes over longer times than this, nanoseconds, are taken out of both: a high-pass at about 0.3 Hz.
const SLOW_NS: i64 = 3_300_000_000;
/// Lags are this far apart, nanoseconds.
pub const LAG_NS: i64 = 10_000_000;

/// Values in equal steps of time from 0 on, without slow changes.
#[derive(Clone, Debug)]
pub struct Contour {
    step_ns: i64,
    values: Vec<f64>,
}

impl Contour {
    /// Values each of which stands for the middle of its step.
    pub fn new(step_ns: i64, values: &[f64]) -> Self {
        let times: Vec<i64> = (0..values.len() as i64).map(|n| n * step_ns).collect();
        Self { step_ns, values: without_slow(&times, values) }
    }

    /// The value at a time, between the neighbours; `None` where there is nothing to be heard.
    pub fn at(&self, ns: i64) -> Option<f64> {
        let position = ns as f64 / self.step_ns as f64 - 0.5;
        let index = position.floor();
        if index < 0.0 {
            return None;
        }
        let (left, right) = (self.values.get(index as usize)?, self.values.get(index as usize + 1)?);
        Some(left + (right - left) * (position - index))
    }
}

/// Values at ascending times less their mean over [`SLOW_NS`] around each.
pub fn without_slow(times: &[i64], values: &[f64]) -> Vec<f64> {
    let (mut start, mut end, mut sum) = (0, 0, 0.0);
    let mut result = Vec::with_capacity(values.len());
    for (time, value) in times.iter().zip(values) {
        while end < times.len() && times[end] <= time + SLOW_NS / 2 {
            sum += values[end];
            end += 1;
        }
        while times[start] < time - SLOW_NS / 2 {
            sum -= values[start];
            start += 1;
        }
        result.push(value - sum / (end - start) as f64);
    }
    result
}

/// Weighted correlation of pairs (a, b, weight), −1..1; 0 when one side does not change.
pub fn correlation(pairs: &[(f64, f64, f64)]) -> f64 {
    let weight: f64 = pairs.iter().map(|(_, _, w)| w).sum();
    if weight <= 0.0 {
        return 0.0;
    }
    let mean_a = pairs.iter().map(|(a, _, w)| a * w).sum::<f64>() / weight;
    let mean_b = pairs.iter().map(|(_, b, w)| b * w).sum::<f64>() / weight;
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (a, b, w) in pairs {
        let (a, b) = (a - mean_a, b - mean_b);
        aa += w * a * a;
        bb += w * b * b;
        ab += w * a * b;
    }
    let norm = (aa * bb).sqrt();
    if norm > 1e-12 { (ab / norm).clamp(-1.0, 1.0) } else { 0.0 }
}

/// Correlation of what is seen with what is heard `offset_ns` earlier, under a Hann window over the times.
pub fn correlation_at(times: &[i64], values: &[f64], contour: &Contour, offset_ns: i64) -> f64 {
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return 0.0 };
    let length = (last - first).max(1) as f64;
    let pair = |(time, value): (&i64, &f64)| {
        let heard = contour.at(time - offset_ns)?;
        // The ends have a little weight, so that two frames are enough for a number.
        let phase = std::f64::consts::TAU * (time - first) as f64 / length;
        Some((*value, heard, 0.51 - 0.5 * phase.cos()))
    };
    let pairs: Vec<(f64, f64, f64)> = times.iter().zip(values).filter_map(pair).collect();
    // What is heard for half of the time only says nothing about the other half.
    if 2 * pairs.len() < times.len() { 0.0 } else { correlation(&pairs) }
}

/// Correlations for all offsets from −max to +max, [`LAG_NS`] apart.
pub fn curve(times: &[i64], values: &[f64], contour: &Contour, max_ns: i64) -> Vec<f64> {
    let lags = max_ns / LAG_NS;
    (-lags..=lags).map(|lag| correlation_at(times, values, contour, lag * LAG_NS)).collect()
}

/// The best point of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// Position in steps of the curve, between them by the parabola through the best three.
    pub position: f64,
    /// The best value.
    pub value: f64,
    /// The best value ÷ the best beyond `guard` steps from it; 99 at most and when there is none.
    pub ratio: f64,
}

/// The best point of a curve that is neither of its ends.
pub fn peak(curve: &[f64], guard: usize) -> Option<Peak> {
    let best = (0..curve.len()).max_by(|a, b| curve[*a].total_cmp(&curve[*b]))?;
    if best == 0 || best + 1 >= curve.len() || curve[best] <= 0.0 {
        return None;
    }
    let (left, middle, right) = (curve[best - 1], curve[best], curve[best + 1]);
    let bend = left - 2.0 * middle + right;
    let shift = if bend < 0.0 { 0.5 * (left - right) / bend } else { 0.0 };
    let away = |at: &usize| at.abs_diff(best) > guard;
    let second = (0..curve.len()).filter(away).map(|at| curve[at]).fold(0.0, f64::max);
    let ratio = if second > middle / 99.0 { middle / second } else { 99.0 };
    Some(Peak { position: best as f64 + shift.clamp(-0.5, 0.5), value: middle, ratio })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Something that never repeats within 20 s.
    fn wave(ns: i64) -> f64 {
        let seconds = ns as f64 / 1e9;
        (seconds * 17.0).sin() + (seconds * 23.7 + 1.0).sin() + 0.5 * (seconds * 9.1).cos()
    }

    fn contour() -> Contour {
        Contour::new(10_000_000, &(0..2000).map(|n| wave(n * 10_000_000 + 5_000_000)).collect::<Vec<_>>())
    }

    #[test]
    fn slow_changes_go_and_fast_ones_stay() {
        let times: Vec<i64> = (0..500).map(|n| n * 40_000_000).collect();
        let ramp: Vec<f64> = (0..500).map(|n| 10.0 + 0.02 * f64::from(n)).collect();
        assert!(without_slow(&times, &ramp)[60..440].iter().all(|value| value.abs() < 1e-9));
        let fast: Vec<f64> = (0..500).map(|n| if n % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert!(without_slow(&times, &fast).iter().all(|value| value.abs() > 0.9));
        assert!(without_slow(&[], &[]).is_empty());
    }

    #[test]
    fn a_flat_side_correlates_with_nothing() {
        assert_eq!(correlation(&[(1.0, 2.0, 1.0), (1.0, 3.0, 1.0)]), 0.0);
        assert_eq!(correlation(&[]), 0.0);
        assert_eq!(correlation(&[(1.0, 2.0, 1.0), (2.0, 4.0, 0.5), (3.0, 6.0, 1.0)]), 1.0);
    }

    #[test]
    fn an_end_is_no_peak() {
        assert_eq!(peak(&[3.0, 2.0, 1.0], 1), None);
        assert_eq!(peak(&[-3.0, -2.0, -3.0], 1), None);
        assert_eq!(peak(&[], 1), None);
        let found = peak(&[0.0, 0.2, 0.8, 0.2, 0.0, 0.4, 0.0], 2).unwrap();
        assert_eq!((found.position, found.value, found.ratio), (2.0, 0.8, 2.0));
    }

    proptest! {
        /// Frames of any rate, also of uneven times, find the offset to a fraction of a step of the curve.
        #[test]
        fn offsets_come_back(offset_ms in -400_i64..400, frame_ms in 15_i64..50, jitter in 0_i64..8) {
            let offset = offset_ms * 1_000_000;
            let time = |n: i64| 2_000_000_000 + n * frame_ms * 1_000_000 + (n % 3) * jitter * 1_000_000;
            let times: Vec<i64> = (0..6_000 / frame_ms).map(time).collect();
            let seen: Vec<f64> = times.iter().map(|time| wave(time - offset)).collect();
            let curve = curve(&times, &without_slow(&times, &seen), &contour(), 500_000_000);
            let found = peak(&curve, 8).unwrap();
            let found_ms = (found.position - 50.0) * 10.0;
            prop_assert!((found_ms - offset_ms as f64).abs() < 2.0, "{found_ms} {offset_ms} {found:?}");
            prop_assert!(found.value > 0.97);
        }
    }
}

//! Which way a noisy series goes.

/// The median of the slopes between all pairs of points (Theil 1950, Sen 1968): up to 29 % of the points may be anything,
/// so bursts and steps do not count, and what grows all the time does. 0 for fewer than two points.
pub fn slope(points: &[(f64, f64)]) -> f64 {
    let pairs = points.iter().enumerate().flat_map(|(n, first)| points[n + 1..].iter().map(move |last| (first, last)));
    let mut slopes: Vec<f64> =
        pairs.filter(|(first, last)| last.0 > first.0).map(|(a, b)| (b.1 - a.1) / (b.0 - a.0)).collect();
    if slopes.is_empty() {
        return 0.0;
    }
    let middle = slopes.len() / 2;
    *slopes.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[test]
fn bursts_do_not_count_and_growth_does() {
    let noise = |n: usize| f64::from((n as u32).wrapping_mul(2654435761) >> 24) / 64.0;
    let flat: Vec<(f64, f64)> =
        (0..100).map(|n| (n as f64, 50.0 + noise(n) + if n % 5 == 0 { 40.0 } else { 0.0 })).collect();
    assert!(slope(&flat).abs() < 0.01, "{}", slope(&flat));
    let growing: Vec<(f64, f64)> = flat.iter().map(|(x, y)| (*x, y + 0.5 * x)).collect();
    assert!((slope(&growing) - 0.5).abs() < 0.05, "{}", slope(&growing));
}

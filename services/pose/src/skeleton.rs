//! The 17 keypoints of COCO, and how similar two skeletons are.

/// Number of keypoints.
pub const POINTS: usize = 17;
/// x, y, visibility of each keypoint.
pub type Keypoints = [[f32; 3]; POINTS];

/// Places of points in [`Keypoints`].
pub const NOSE: usize = 0;
pub const LEFT_SHOULDER: usize = 5;
pub const RIGHT_SHOULDER: usize = 6;
pub const LEFT_ELBOW: usize = 7;
pub const RIGHT_ELBOW: usize = 8;
pub const LEFT_WRIST: usize = 9;
pub const RIGHT_WRIST: usize = 10;
pub const LEFT_HIP: usize = 11;
pub const RIGHT_HIP: usize = 12;
pub const LEFT_KNEE: usize = 13;
pub const RIGHT_KNEE: usize = 14;
pub const LEFT_ANKLE: usize = 15;
pub const RIGHT_ANKLE: usize = 16;

/// For each keypoint how far people who label images differ, as a share of the person's size (COCO's σ).
pub const SIGMAS: [f32; POINTS] = [
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089,
    0.089,
];

/// For each of COCO's keypoints its place among the 33 points of BlazePose.
pub const BLAZEPOSE_TO_COCO: [usize; POINTS] = [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28];

/// Object keypoint similarity (COCO): mean of exp(−d² / (2 s² (2σ)²)) over the points that are visible in both, where s² is `area`.
/// 0 when no point is.
pub fn similarity(a: &Keypoints, b: &Keypoints, area: f32, min_visibility: f32) -> f32 {
    let (mut sum, mut count) = (0.0, 0);
    for ((a, b), sigma) in a.iter().zip(b).zip(SIGMAS) {
        if a[2] < min_visibility || b[2] < min_visibility {
            continue;
        }
        let square = (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
        sum += (-square / (2.0 * area.max(1.0) * (2.0 * sigma).powi(2))).exp();
        count += 1;
    }
    if count == 0 { 0.0 } else { sum / count as f32 }
}

/// The middle of two points.
pub fn middle(a: [f32; 3], b: [f32; 3]) -> [f32; 2] {
    [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0]
}

/// A value to the hundredth of a pixel: what records keep.
pub fn hundredths(value: f32) -> f32 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_falls_with_distance_in_sizes_of_the_person() {
        let person: Keypoints = std::array::from_fn(|at| [at as f32, 2.0 * at as f32, 1.0]);
        let moved = person.map(|[x, y, v]| [x + 10.0, y, v]);
        assert_eq!(similarity(&person, &person, 1e4, 0.2), 1.0);
        let (near, far) = (similarity(&person, &moved, 1e5, 0.2), similarity(&person, &moved, 1e3, 0.2));
        assert!(near > 0.9 && far < 0.7 && far > 0.0, "{near} {far}");
        let hidden = person.map(|[x, y, _]| [x, y, 0.0]);
        assert_eq!(similarity(&person, &hidden, 1e4, 0.2), 0.0);
    }

    #[test]
    fn one_point_follows_the_formula() {
        let mut a = [[0.0; 3]; POINTS];
        let mut b = a;
        a[LEFT_HIP] = [10.0, 10.0, 1.0];
        b[LEFT_HIP] = [13.0, 14.0, 1.0];
        let expected = (-25.0f32 / (2.0 * 400.0 * 0.214f32.powi(2))).exp();
        assert!((similarity(&a, &b, 400.0, 0.5) - expected).abs() < 1e-6);
    }
}

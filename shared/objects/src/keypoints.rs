//! Points of a pose with COCO's flags, by one rule for everything that is written of them.
use serde_json::{Map, Value};

/// Visibility from which a point is visible, COCO's 2: it is as likely as not to be seen.
const VISIBLE: f64 = 0.5;
/// Visibility from which it is labelled all the same, but not visible, COCO's 1: hidden, where the model takes it to be. Below,
/// its place says nothing: it is not labelled, COCO's 0. The evaluation code of "Simple Baselines" (Xiao et al. 2018), and what
/// came after it, leaves points below 0.2 out of a person's score as well.
const LABELLED: f64 = 0.2;

/// A point of a person, in pixels of the full frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Keypoint {
    /// From the left; 0 when it is not labelled.
    pub x: f64,
    /// From above; 0 when it is not labelled.
    pub y: f64,
    /// COCO's flag: 0 is not labelled, 1 labelled but not visible, 2 labelled and visible (cocodataset.org, "Data format", keypoint
    /// detection).
    pub flag: u8,
}

/// The points of a pose in a picture of `size`; what lies outside the picture is not labelled.
pub(crate) fn keypoints(pose: &Map<String, Value>, size: (u32, u32)) -> Vec<Keypoint> {
    let numbers: Vec<f64> =
        pose.get("keypoints").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_f64).collect();
    numbers.as_chunks().0.iter().map(|point| keypoint(*point, size)).collect()
}

fn keypoint([x, y, visibility]: [f64; 3], (width, height): (u32, u32)) -> Keypoint {
    let is_inside = |at: f64, end: u32| at >= 0.0 && (end == 0 || at <= f64::from(end));
    let flag = match visibility {
        _ if !is_inside(x, width) || !is_inside(y, height) => 0,
        seen if seen >= VISIBLE => 2,
        guessed if guessed >= LABELLED => 1,
        _ => 0,
    };
    if flag == 0 { Keypoint::default() } else { Keypoint { x, y, flag } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_labelled_as_coco_says() {
        let point = |visibility| keypoint([3.0, 4.0, visibility], (10, 10));
        let labelled = |flag| Keypoint { x: 3.0, y: 4.0, flag };
        assert_eq!([0.5, 0.49, 0.2, 0.19].map(point), [labelled(2), labelled(1), labelled(1), Keypoint::default()]);
    }

    #[test]
    fn a_point_outside_the_picture_is_not_labelled() {
        assert_eq!(keypoint([11.0, 4.0, 0.9], (10, 10)), Keypoint::default());
        assert_eq!(keypoint([4.0, -0.5, 0.9], (10, 10)), Keypoint::default());
        assert_eq!(keypoint([10.0, 10.0, 0.9], (10, 10)).flag, 2);
    }
}

//! A person found in a frame, in process.
use crate::skeleton::Keypoints;
use framefleet_vision::boxes::Corners;

/// A person. Pixels of whatever picture it was found in.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// The box.
    pub corners: Corners,
    /// How sure the detector is, 0–1.
    pub score: f32,
    /// The keypoints; all of visibility 0 until the landmarks are known where the detector has none.
    pub keypoints: Keypoints,
    /// The middle of the hips, and the top of a circle around it that holds the body, where the detector says so.
    pub axis: Option<[[f32; 2]; 2]>,
}

impl Person {
    /// The same person after a transform of points.
    pub fn map(mut self, point: impl Fn([f32; 2]) -> [f32; 2]) -> Self {
        let [x0, y0] = point([self.corners[0], self.corners[1]]);
        let [x1, y1] = point([self.corners[2], self.corners[3]]);
        self.corners = [x0, y0, x1, y1];
        for keypoint in &mut self.keypoints {
            let [x, y] = point([keypoint[0], keypoint[1]]);
            (keypoint[0], keypoint[1]) = (x, y);
        }
        self.axis = self.axis.map(|axis| axis.map(&point));
        self
    }
}

/// The box around the keypoints that are visible, wider on each side by `margin` of its longer side. `None` for fewer than
/// two points.
pub fn bounds(keypoints: &[[f32; 3]], min_visibility: f32, margin: f32) -> Option<Corners> {
    let visible = keypoints.iter().filter(|point| point[2] >= min_visibility);
    let mut corners = [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY];
    let mut count = 0;
    for [x, y, _] in visible {
        corners = [corners[0].min(*x), corners[1].min(*y), corners[2].max(*x), corners[3].max(*y)];
        count += 1;
    }
    let grow = margin * (corners[2] - corners[0]).max(corners[3] - corners[1]);
    (count >= 2).then(|| [corners[0] - grow, corners[1] - grow, corners[2] + grow, corners[3] + grow])
}

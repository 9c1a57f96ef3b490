//! A person found in a frame, in process.
use crate::skeleton::Keypoints;
use framefleet_vision::boxes::BBox;

/// A person. Pixels of whatever image it was found in.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// The box.
    pub bbox: BBox,
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
        let [x0, y0] = point([self.bbox[0], self.bbox[1]]);
        let [x1, y1] = point([self.bbox[2], self.bbox[3]]);
        self.bbox = [x0, y0, x1, y1];
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
pub fn bounds(keypoints: &[[f32; 3]], min_visibility: f32, margin: f32) -> Option<BBox> {
    let visible = keypoints.iter().filter(|point| point[2] >= min_visibility);
    let mut bbox = [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY];
    let mut count = 0;
    for [x, y, _] in visible {
        bbox = [bbox[0].min(*x), bbox[1].min(*y), bbox[2].max(*x), bbox[3].max(*y)];
        count += 1;
    }
    let grow = margin * (bbox[2] - bbox[0]).max(bbox[3] - bbox[1]);
    (count >= 2).then(|| [bbox[0] - grow, bbox[1] - grow, bbox[2] + grow, bbox[3] + grow])
}

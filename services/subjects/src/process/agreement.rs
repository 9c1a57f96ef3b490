//! How far two parts agree that they are of one person, 0–1.
use crate::process::parts::{FacePart, MaskPart, PosePart};
use framefleet_vision::boxes;

/// Points of a pose below this visibility are guesses.
const VISIBLE: f32 = 0.3;
/// Nose and eyes are the first of COCO's points.
const HEAD: usize = 3;
/// Distance of the middles of two heads, in sizes of the face, at which they agree by 1/e.
const HEAD_REACH: f32 = 0.4;
/// A face of which a pose does not show the head is in the upper part of its box, of this share of its height.
const UPPER: f32 = 0.4;
/// What a face and a pose without a visible head agree by at most: where a face lies says less than where eyes and nose do.
const WITHOUT_HEAD: f32 = 0.6;

/// By the visible points of the pose that lie in the mask, and by their boxes.
pub fn mask_and_pose(mask: &MaskPart, pose: &PosePart) -> f32 {
    let visible: Vec<&[f32; 3]> = pose.keypoints.iter().filter(|[.., visibility]| *visibility >= VISIBLE).collect();
    let overlap = boxes::iou(&mask.bounds, &pose.bounds);
    if visible.is_empty() {
        return overlap;
    }
    let inside = visible.iter().filter(|[x, y, _]| mask.runs.contains(*x, *y)).count();
    (inside as f32 / visible.len() as f32 + overlap) / 2.0
}

/// By the middles of eyes and nose; by the face's place in the body where the pose does not show the head. `None` where the pose shows the
/// head and it is elsewhere: a mask of that person says nothing more then.
pub fn face_and_pose(face: &FacePart, pose: &PosePart) -> Option<f32> {
    let head = pose.keypoints.get(..HEAD).unwrap_or_default();
    let head: Vec<&[f32; 3]> = head.iter().filter(|[.., visibility]| *visibility >= VISIBLE).collect();
    let [x0, y0, x1, y1] = face.bounds;
    if head.is_empty() {
        let [left, top, right, bottom] = pose.bounds;
        let upper = [left, top, right, top + UPPER * (bottom - top)];
        return Some(WITHOUT_HEAD * boxes::intersection(&face.bounds, &upper) / boxes::area(&face.bounds));
    }
    let mean = |axis: usize| head.iter().map(|point| point[axis]).sum::<f32>() / head.len() as f32;
    let [x, y] = face.middle.unwrap_or([(x0 + x1) / 2.0, (y0 + y1) / 2.0]);
    let size = (x1 - x0).max(y1 - y0);
    let distance = (mean(0) - x).hypot(mean(1) - y) / size / HEAD_REACH;
    Some((-distance * distance).exp())
}

/// By how much of the face's box the mask covers; half of that where the face is not in the mask's upper half.
pub fn face_and_mask(face: &FacePart, mask: &MaskPart) -> f32 {
    let [x0, y0, x1, y1] = face.bounds;
    let covered = mask.runs.area_in([x0, y0, x1, y1]) as f32 / boxes::area(&face.bounds).max(1.0);
    let [_, top, _, bottom] = mask.bounds;
    let upper = (y0 + y1) / 2.0 <= (top + bottom) / 2.0;
    covered.min(1.0) * if upper { 1.0 } else { 0.5 }
}

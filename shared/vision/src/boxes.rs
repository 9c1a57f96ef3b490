//! Boxes: `[x0, y0, x1, y1]` in pixels, y down.

/// A bounding box as two corners (xyxy): left, top, right, bottom, pixels.
pub type BBox = [f32; 4];

/// Square pixels inside; 0 for a box that is inside out.
pub fn area(of: &BBox) -> f32 {
    (of[2] - of[0]).max(0.0) * (of[3] - of[1]).max(0.0)
}

/// What two boxes share.
pub fn intersection(a: &BBox, b: &BBox) -> f32 {
    area(&[a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])])
}

/// Intersection over union, 0–1; 0 for two empty boxes.
pub fn iou(a: &BBox, b: &BBox) -> f32 {
    let shared = intersection(a, b);
    let union = area(a) + area(b) - shared;
    if union > 0.0 { shared / union } else { 0.0 }
}

/// Greedy non-maximum suppression: the indices that stay, best score first (of equal scores the first), none of which overlaps a
/// better one by more than `max` (IoU).
pub fn suppress(boxes: &[BBox], scores: &[f32], max: f32) -> Vec<usize> {
    let mut order: Vec<usize> = (0..boxes.len().min(scores.len())).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    let mut kept: Vec<usize> = Vec::new();
    for index in order {
        if kept.iter().all(|&better| iou(&boxes[better], &boxes[index]) <= max) {
            kept.push(index);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_is_shared_area_over_covered_area() {
        assert_eq!(iou(&[0.0, 0.0, 2.0, 2.0], &[1.0, 0.0, 3.0, 2.0]), 1.0 / 3.0);
        assert_eq!(iou(&[0.0, 0.0, 1.0, 1.0], &[1.0, 0.0, 2.0, 1.0]), 0.0);
        assert_eq!(iou(&[1.0, 1.0, 1.0, 1.0], &[1.0, 1.0, 1.0, 1.0]), 0.0);
    }

    #[test]
    fn the_best_of_overlapping_boxes_stays() {
        let boxes = [[0.0, 0.0, 10.0, 10.0], [1.0, 0.0, 11.0, 10.0], [20.0, 0.0, 30.0, 10.0]];
        assert_eq!(suppress(&boxes, &[0.5, 0.9, 0.7], 0.4), [1, 2]);
        assert_eq!(suppress(&boxes, &[0.5, 0.5, 0.5], 0.4), [0, 2]);
        assert_eq!(suppress(&boxes, &[0.5, 0.9, 0.7], 0.9), [1, 2, 0]);
    }
}

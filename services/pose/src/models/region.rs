//! Where the landmarks' model looks: a turned square around a person, in which the person stands upright.
use crate::person::Person;
use crate::skeleton::{LEFT_HIP, LEFT_SHOULDER, RIGHT_HIP, RIGHT_SHOULDER, middle};
use framefleet_vision::alignment::Similarity;

/// Side of the square, in radii of the circle around the body (BlazePose: the circle's square and a quarter more).
const SIDE: f32 = 2.5;
/// How far the body reaches beyond its keypoints: the top of the head, hands and toes.
const BEYOND: f32 = 1.1;

/// Brings the region around a person into a square of `side` pixels. Images are warped by it as it is, corner to corner of
/// pixels' numbers: so does MediaPipe, and half a pixel shows in the landmarks. `None` for a person without extent.
pub fn region(person: &Person, side: f32, min_visibility: f32) -> Option<Similarity> {
    let ([cx, cy], [px, py]) = match person.axis {
        Some([centre, point]) => (centre, point),
        None => body(person, min_visibility),
    };
    let (dx, dy) = (px - cx, py - cy);
    let radius = dx.hypot(dy);
    if !(radius.is_finite() && radius >= 1.0) {
        return None;
    }
    let scale = f64::from(side / (SIDE * radius));
    // The turn that takes the direction to straight up.
    let (a, b) = (scale * f64::from(-dy / radius), scale * f64::from(-dx / radius));
    let (cx, cy, half) = (f64::from(cx), f64::from(cy), f64::from(side / 2.0));
    Some(Similarity { a, b, tx: half - a * cx + b * cy, ty: half - b * cx - a * cy })
}

/// The middle of the hips, and from there in the direction of the shoulders a point on the circle that holds the body.
fn body(person: &Person, min_visibility: f32) -> ([f32; 2], [f32; 2]) {
    let points = &person.keypoints;
    let hips = middle(points[LEFT_HIP], points[RIGHT_HIP]);
    let shoulders = middle(points[LEFT_SHOULDER], points[RIGHT_SHOULDER]);
    let visible = points.iter().filter(|point| point[2] >= min_visibility);
    let reach = visible.map(|point| (point[0] - hips[0]).hypot(point[1] - hips[1])).fold(0.0, f32::max);
    let [x0, y0, x1, y1] = person.bbox;
    let radius = BEYOND * reach.max((x1 - x0).max(y1 - y0) / 2.0);
    let (dx, dy) = (shoulders[0] - hips[0], shoulders[1] - hips[1]);
    let length = dx.hypot(dy);
    let (ux, uy) = if length > 1e-3 { (dx / length, dy / length) } else { (0.0, -1.0) };
    (hips, [hips[0] + radius * ux, hips[1] + radius * uy])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skeleton::Keypoints;

    fn person(axis: [[f32; 2]; 2]) -> Person {
        Person { bbox: [0.0; 4], score: 1.0, keypoints: Keypoints::default(), axis: Some(axis) }
    }

    #[test]
    fn a_person_stands_upright_in_the_region_whichever_way_it_lies() {
        for [dx, dy] in [[0.0, -80.0f32], [80.0, 0.0], [-60.0, 60.0], [0.0, 80.0]] {
            let transform = region(&person([[200.0, 300.0], [200.0 + dx, 300.0 + dy]]), 256.0, 0.2).unwrap();
            let centre = transform.apply([200.0, 300.0]);
            let top = transform.apply([200.0 + dx, 300.0 + dy]);
            assert!((centre[0] - 128.0).abs() < 1e-3 && (centre[1] - 128.0).abs() < 1e-3, "{centre:?}");
            assert!((top[0] - 128.0).abs() < 1e-3 && (top[1] - (128.0 - 256.0 / 2.5)).abs() < 1e-3, "{top:?}");
        }
        assert!(region(&person([[5.0, 5.0], [5.0, 5.0]]), 256.0, 0.2).is_none());
    }
}

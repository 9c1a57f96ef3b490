//! From points of a mesh to what is published of a mouth.
pub(crate) mod faces;
pub(crate) mod mesh;
pub(crate) mod region;
use crate::mouth::mesh::Lips;
use crate::mouth::region::Region;
use framefleet_frames::{Face, Mouth};

/// Visibility from which a face is as good as seen from the front.
const FRONTAL: f32 = 0.5;
/// Width of a mouth, pixels of the image, from which its aperture is fully trusted.
const WIDE_ENOUGH: f32 = 16.0;

/// A mouth seen in a region of an image with `shrink` pixels per pixel of the full frame.
pub fn mouth(face: &Face, instance: u32, lips: &Lips, region: &Region, shrink: f64) -> Mouth {
    let width = distance(lips.corners[0], lips.corners[1]) / region.scale() as f32;
    let visibility = visibility(lips);
    let size = (width * shrink as f32 / WIDE_ENOUGH).min(1.0);
    let middle = [0, 1].map(|axis| (lips.upper[1][axis] + lips.lower[1][axis]) / 2.0);
    Mouth {
        face: instance,
        face_box: face.r#box.clone(),
        centre: region.back(middle).to_vec(),
        width,
        aperture: aperture(lips),
        presence: lips.presence,
        visibility,
        confidence: lips.presence * (visibility / FRONTAL).min(1.0) * size,
        ..Mouth::default()
    }
}

/// Mean distance of three pairs of points in the middle of the inner lips ÷ distance of the corners. It does not change with size or
/// with rotation in the image.
fn aperture(lips: &Lips) -> f32 {
    let width = distance(lips.corners[0], lips.corners[1]);
    let gap: f32 = lips.upper.iter().zip(&lips.lower).map(|(upper, lower)| distance(*upper, *lower)).sum();
    if width > 0.0 { gap / 3.0 / width } else { 0.0 }
}

/// The narrower half of the face, from the bridge of the nose to its edge, ÷ the mean of both.
fn visibility(lips: &Lips) -> f32 {
    let [left, right] = lips.edges.map(|edge| edge[0] - lips.bridge[0]);
    let (left, right) = ((-left).max(0.0), right.max(0.0));
    let mean = (left + right) / 2.0;
    if mean > 0.0 { left.min(right) / mean } else { 0.0 }
}

fn distance(a: [f32; 2], b: [f32; 2]) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lips(gap: f32, edges: [f32; 2]) -> Lips {
        Lips {
            corners: [[70.0, 120.0], [120.0, 120.0]],
            upper: [[90.0, 118.0], [95.0, 118.0], [100.0, 118.0]],
            lower: [[90.0, 118.0 + gap], [95.0, 118.0 + gap], [100.0, 118.0 + gap]],
            edges: edges.map(|x| [x, 90.0]),
            bridge: [96.0, 80.0],
            presence: 1.0,
        }
    }

    #[test]
    fn aperture_is_gap_over_width() {
        assert_eq!(aperture(&lips(10.0, [46.0, 146.0])), 0.2);
        assert_eq!(aperture(&Lips { corners: [[1.0, 1.0]; 2], ..lips(10.0, [46.0, 146.0]) }), 0.0);
    }

    #[test]
    fn profiles_are_less_visible() {
        assert_eq!(visibility(&lips(0.0, [46.0, 146.0])), 1.0);
        assert_eq!(visibility(&lips(0.0, [81.0, 141.0])), 0.5);
        assert_eq!(visibility(&lips(0.0, [100.0, 190.0])), 0.0);
    }

    #[test]
    fn what_is_published_is_in_pixels_of_the_full_frame() {
        let face = Face { r#box: vec![200.0, 200.0, 328.0, 328.0], ..Face::default() };
        let shrink = 0.25;
        let region = Region::new(&face, 192, shrink).unwrap();
        let mouth = mouth(&face, 4, &lips(10.0, [46.0, 146.0]), &region, shrink);
        assert!((mouth.width - 50.0).abs() < 1e-3, "192 pixels of the region are 192 of the frame: {mouth:?}");
        assert!((mouth.centre[0] - 263.0).abs() < 1e-3 && (mouth.centre[1] - 291.0).abs() < 1e-3, "{mouth:?}");
        assert!((mouth.confidence - 12.5 / 16.0).abs() < 1e-4, "few pixels were looked at: {mouth:?}");
        assert_eq!((mouth.face, mouth.face_box), (4, face.r#box));
    }
}

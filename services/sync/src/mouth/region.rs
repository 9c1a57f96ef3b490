//! The region that a mesh model is given: the face's box as a square, half as large again, turned until the eyes are level.
use framefleet_frames::Face;
use framefleet_vision::VisionError;
use framefleet_vision::alignment::Similarity;
use opencv::core::{BORDER_CONSTANT, Mat, Scalar, ToInputArray};

/// Side of the region ÷ longer side of the box (MediaPipe's face mesh).
const MARGIN: f64 = 1.5;

/// Where a face's region lies in an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// From pixels of the full frame to pixels of the region; both continuous: pixel i spans i to i + 1.
    full: Similarity,
    /// From pixels of the image to pixels of the region.
    picture: Similarity,
    side: u32,
}

impl Region {
    /// The region of a face, `side` pixels wide, in an image of `shrink` pixels per pixel of the full frame. `None` for a face
    /// without extent.
    pub fn new(face: &Face, side: u32, shrink: f64) -> Option<Self> {
        let [x0, y0, x1, y1] = <[f32; 4]>::try_from(face.r#box.as_slice()).ok()?.map(f64::from);
        let longer = (x1 - x0).max(y1 - y0);
        if !(x1 > x0 && y1 > y0 && longer.is_finite() && shrink > 0.0) {
            return None;
        }
        let scale = f64::from(side) / (MARGIN * longer);
        let tilt = tilt(face);
        let (a, b) = (scale * tilt.cos(), -scale * tilt.sin());
        let (x, y, middle) = ((x0 + x1) / 2.0, (y0 + y1) / 2.0, f64::from(side) / 2.0);
        let full = Similarity { a, b, tx: middle - a * x + b * y, ty: middle - b * x - a * y };
        Some(Self { full, picture: Similarity { a: a / shrink, b: b / shrink, ..full }, side })
    }

    /// The region's pixels, RGB; what lies outside the image is black.
    pub fn cut(&self, rgb: &impl ToInputArray) -> Result<Mat, VisionError> {
        // OpenCV puts integer coordinates into the middle of pixels.
        let Similarity { a, b, tx, ty } = self.picture;
        let centres = Similarity { a, b, tx: tx + (a - b - 1.0) / 2.0, ty: ty + (a + b - 1.0) / 2.0 };
        centres.warp(rgb, (self.side, self.side), BORDER_CONSTANT, Scalar::all(0.0))
    }

    /// A point of the region, in pixels of the full frame.
    pub fn back(&self, point: [f32; 2]) -> [f32; 2] {
        self.full.inverse().map_or([f32::NAN; 2], |inverse| inverse.apply(point))
    }

    /// Pixels of the region per pixel of the full frame.
    pub fn scale(&self) -> f64 {
        self.full.scale()
    }
}

/// By how much the line of the eyes is turned, radians, clockwise as seen.
fn tilt(face: &Face) -> f64 {
    match face.landmarks.as_slice() {
        [x0, y0, x1, y1, ..] => f64::from(y1 - y0).atan2(f64::from(x1 - x0)),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::{CV_8UC3, Vec3b};
    use opencv::prelude::*;

    fn face() -> Face {
        // Eyes on a line that falls by 45°.
        Face { r#box: vec![100.0, 60.0, 160.0, 140.0], landmarks: vec![110.0, 80.0, 130.0, 100.0], ..Face::default() }
    }

    #[test]
    fn the_middle_stays_the_middle_and_eyes_come_level() {
        let region = Region::new(&face(), 192, 1.0).unwrap();
        let [x, y] = region.back([96.0, 96.0]);
        assert!((x - 130.0).abs() < 1e-3 && (y - 100.0).abs() < 1e-3, "{x} {y}");
        assert!((region.scale() - 192.0 / 120.0).abs() < 1e-9);
        let (left, right) = (region.full.apply([110.0, 80.0]), region.full.apply([130.0, 100.0]));
        assert!((left[1] - right[1]).abs() < 1e-3 && left[0] < right[0], "{left:?} {right:?}");
    }

    #[test]
    fn a_smaller_rendition_shows_the_same_region() {
        let mut picture = Mat::new_rows_cols_with_default(100, 100, CV_8UC3, Scalar::all(0.0)).unwrap();
        // Half size: the pixel at the middle of the face.
        *picture.at_2d_mut::<Vec3b>(50, 65).unwrap() = Vec3b::from([255; 3]);
        let region = Region::new(&face(), 192, 0.5).unwrap();
        let cut = region.cut(&picture).unwrap();
        let brightest = (0..192 * 192).max_by_key(|at| cut.at_2d::<Vec3b>(at / 192, at % 192).unwrap()[0]).unwrap();
        let [x, y] = region.back([(brightest % 192) as f32 + 0.5, (brightest / 192) as f32 + 0.5]);
        assert!((x - 131.0).abs() < 0.7 && (y - 101.0).abs() < 0.7, "{x} {y}");
    }

    #[test]
    fn faces_without_extent_have_no_region() {
        assert_eq!(Region::new(&Face { r#box: vec![5.0; 4], ..Face::default() }, 192, 1.0), None);
        assert_eq!(Region::new(&Face::default(), 192, 1.0), None);
        assert_eq!(Region::new(&Face { r#box: vec![f32::NAN; 4], ..Face::default() }, 192, 1.0), None);
    }
}

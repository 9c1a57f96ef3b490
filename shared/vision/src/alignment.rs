//! Similarity transforms: rotation, one scale, shift. They bring faces and persons into the position that a model expects.
use crate::VisionError;
use opencv::core::{Mat, Scalar, Size, ToInputArray};
use opencv::imgproc;

/// `(x, y) → (a x − b y + tx, b x + a y + ty)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    /// Scale times cosine.
    pub a: f64,
    /// Scale times sine.
    pub b: f64,
    /// Shift to the right.
    pub tx: f64,
    /// Shift down.
    pub ty: f64,
}

impl Similarity {
    /// The transform, without mirroring, that brings the points `from` closest to `to` by least squares (Umeyama 1991, in two
    /// dimensions). `None` for fewer than two points, or when those of `from` are one.
    pub fn estimate(from: &[[f32; 2]], to: &[[f32; 2]]) -> Option<Self> {
        let count = from.len().min(to.len());
        if count < 2 {
            return None;
        }
        let centre = |points: &[[f32; 2]]| {
            let sum =
                points[..count].iter().fold([0.0; 2], |sum, p| [sum[0] + f64::from(p[0]), sum[1] + f64::from(p[1])]);
            sum.map(|sum| sum / count as f64)
        };
        let (of, into) = (centre(from), centre(to));
        let (mut along, mut across, mut spread) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(to) {
            let [x, y] = [f64::from(p[0]) - of[0], f64::from(p[1]) - of[1]];
            let [u, v] = [f64::from(q[0]) - into[0], f64::from(q[1]) - into[1]];
            along += x * u + y * v;
            across += x * v - y * u;
            spread += x * x + y * y;
        }
        if !(spread > 0.0 && spread.is_finite()) {
            return None;
        }
        let (a, b) = (along / spread, across / spread);
        Some(Self { a, b, tx: into[0] - a * of[0] + b * of[1], ty: into[1] - b * of[0] - a * of[1] })
    }

    /// Where a point goes.
    pub fn apply(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (x, y) = (f64::from(x), f64::from(y));
        [(self.a * x - self.b * y + self.tx) as f32, (self.b * x + self.a * y + self.ty) as f32]
    }

    /// The way back. `None` when everything goes to one point.
    pub fn inverse(&self) -> Option<Self> {
        let square = self.a * self.a + self.b * self.b;
        if !(square > 0.0 && square.is_finite()) {
            return None;
        }
        let (a, b) = (self.a / square, -self.b / square);
        Some(Self { a, b, tx: -(a * self.tx - b * self.ty), ty: -(b * self.tx + a * self.ty) })
    }

    /// Pixels of the target per pixel of the origin.
    pub fn scale(&self) -> f64 {
        self.a.hypot(self.b)
    }

    /// The transformed image, `size` wide and high, bilinear. Outside the image it is as `border` says: one of OpenCV's
    /// `BORDER_…`, with `colour` for the constant one. Points are pixel centres, as OpenCV has it.
    pub fn warp(
        &self,
        picture: &impl ToInputArray,
        size: (u32, u32),
        border: i32,
        colour: Scalar,
    ) -> Result<Mat, VisionError> {
        let matrix = Mat::from_slice_2d(&[[self.a, -self.b, self.tx], [self.b, self.a, self.ty]])?;
        let mut warped = Mat::default();
        let size = Size::new(size.0 as i32, size.1 as i32);
        imgproc::warp_affine(picture, &mut warped, &matrix, size, imgproc::INTER_LINEAR, border, colour)?;
        Ok(warped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_transform_is_found_again_and_undone(
            a in -2.0f64..2.0, b in 0.1f64..2.0, tx in -50.0f64..50.0, ty in -50.0f64..50.0,
        ) {
            let truth = Similarity { a, b, tx, ty };
            let from = [[0.0, 0.0], [10.0, 3.0], [-4.0, 8.0], [2.0, -7.0]];
            let found = Similarity::estimate(&from, &from.map(|point| truth.apply(point))).unwrap();
            prop_assert!((found.a - a).abs() < 1e-4 && (found.tx - tx).abs() < 1e-3, "{found:?} {truth:?}");
            let back = found.inverse().unwrap().apply(found.apply([5.0, 6.0]));
            prop_assert!((back[0] - 5.0).abs() < 1e-3 && (back[1] - 6.0).abs() < 1e-3);
        }
    }

    #[test]
    fn points_in_one_place_give_no_transform() {
        assert_eq!(Similarity::estimate(&[[1.0, 1.0]; 3], &[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), None);
        assert_eq!(Similarity::estimate(&[[1.0, 1.0]], &[[0.0, 0.0]]), None);
    }

    #[test]
    fn noise_is_averaged() {
        let from = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];
        let to = [[0.1, 0.0], [2.0, 0.1], [1.9, 2.0], [0.0, 1.9]];
        let found = Similarity::estimate(&from, &to).unwrap();
        assert!((found.scale() - 1.9).abs() < 0.06, "{found:?}");
    }
}

//! Faces in pictures that were turned and do not say so.
use super::{Detection, Detector};
use crate::settings::FaceClusteringSettings;
use framefleet_perception::PerceptionError;
use opencv::core::{self, Mat, Rect};
use opencv::prelude::*;

/// How a picture is turned so that its faces stand upright.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// By a quarter, clockwise.
    Right,
    /// By a half.
    Half,
    /// By a quarter, counterclockwise.
    Left,
}

impl Turn {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Right, Self::Half, Self::Left];

    fn code(self) -> i32 {
        let code = match self {
            Self::Right => core::RotateFlags::ROTATE_90_CLOCKWISE,
            Self::Half => core::RotateFlags::ROTATE_180,
            Self::Left => core::RotateFlags::ROTATE_90_COUNTERCLOCKWISE,
        };
        code as i32
    }

    /// A point of the turned picture in the picture as it is, of this width and height; pixel i spans i to i + 1.
    fn back(self, [x, y]: [f32; 2], (width, height): (f32, f32)) -> [f32; 2] {
        match self {
            Self::Right => [y, height - x],
            Self::Half => [width - x, height - y],
            Self::Left => [width - y, x],
        }
    }
}

impl Detector {
    /// For each turn the faces of an image that stand upright once it is turned, as [`Detector::detect`] finds them, in pixels of
    /// the image as it is.
    pub fn detect_turned(
        &self,
        rgb: &impl MatTraitConst,
        turns: &[Turn],
        small: bool,
        settings: &FaceClusteringSettings,
    ) -> Result<Vec<Vec<Detection>>, PerceptionError> {
        let picture = Mat::roi(rgb, Rect::new(0, 0, rgb.cols(), rgb.rows()))?;
        let turned = |turn: &Turn| {
            let mut turned = Mat::default();
            core::rotate(&picture, &mut turned, turn.code()).map(|()| turned)
        };
        let turned = turns.iter().map(turned).collect::<opencv::Result<Vec<Mat>>>()?;
        let found = self.detect(&turned.iter().collect::<Vec<_>>(), small, settings)?;
        let size = (rgb.cols() as f32, rgb.rows() as f32);
        let upright = |face: Detection, turn: Turn| {
            let face = face.mapped(|point| turn.back(point, size));
            let [x0, y0, x1, y1] = face.bbox;
            Detection { bbox: [x0.min(x1), y0.min(y1), x0.max(x1), y0.max(y1)], ..face }
        };
        let of_turn =
            |(faces, turn): (Vec<Detection>, &Turn)| faces.into_iter().map(|face| upright(face, *turn)).collect();
        Ok(found.into_iter().zip(turns).map(of_turn).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_come_back_to_where_they_were() {
        // A picture of 3 × 2 pixels whose pixel (2, 0) is set.
        let mut picture = Mat::new_rows_cols_with_default(2, 3, core::CV_8UC1, 0.0.into()).unwrap();
        *picture.at_2d_mut::<u8>(0, 2).unwrap() = 1;
        for turn in Turn::ALL {
            let mut turned = Mat::default();
            core::rotate(&picture, &mut turned, turn.code()).unwrap();
            let places = (0..turned.rows()).flat_map(|y| (0..turned.cols()).map(move |x| (x, y)));
            let set = |(x, y): &(i32, i32)| *turned.at_2d::<u8>(*y, *x).unwrap() == 1;
            let (x, y) = places.into_iter().find(set).unwrap();
            assert_eq!(turn.back([x as f32 + 0.5, y as f32 + 0.5], (3.0, 2.0)), [2.5, 0.5], "{turn:?}");
        }
    }
}

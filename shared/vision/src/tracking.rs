//! Points followed from one image to another.
use opencv::core::{self, Mat, Point2f, Size, TermCriteria, Vector};
use opencv::video;

/// Steps that a point takes at most on a level of the pyramid.
const STEPS: i32 = 20;
/// Points whose surroundings have less structure than this (least eigenvalue per pixel) are not found.
const MIN_STRUCTURE: f64 = 1e-4;

/// Pyramidal Lucas–Kanade (Bouguet 2000).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LucasKanade {
    /// What is compared around a point, pixels.
    pub window: Size,
    /// Levels of the pyramid above the image.
    pub levels: i32,
    /// A point that moves by less than this in a step has arrived, pixels.
    pub arrived: f64,
}

impl LucasKanade {
    /// The pyramid of a grey image (`CV_8UC1`) that points are followed on.
    pub fn pyramid(&self, grey: &Mat) -> opencv::Result<Vector<Mat>> {
        let mut levels = Vector::new();
        video::build_optical_flow_pyramid_def(grey, &mut levels, self.window, self.levels)?;
        Ok(levels)
    }

    /// Where points of one pyramid are in another, and 1 for each that was found, else 0. The search begins where the points
    /// were, or where they are expected.
    pub fn follow(
        &self,
        from: &Vector<Mat>,
        to: &Vector<Mat>,
        points: &Vector<Point2f>,
        expected: Option<Vector<Point2f>>,
    ) -> opencv::Result<(Vector<Point2f>, Vector<u8>)> {
        let begin = if expected.is_some() { video::OPTFLOW_USE_INITIAL_FLOW } else { 0 };
        let (mut there, mut found, mut error) = (expected.unwrap_or_default(), Vector::new(), Vector::<f32>::new());
        let stop = TermCriteria::new(core::TermCriteria_COUNT + core::TermCriteria_EPS, STEPS, self.arrived)?;
        video::calc_optical_flow_pyr_lk(
            from,
            to,
            points,
            &mut there,
            &mut found,
            &mut error,
            self.window,
            self.levels,
            stop,
            begin,
            MIN_STRUCTURE,
        )?;
        Ok((there, found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::prelude::*;

    const TRACKER: LucasKanade = LucasKanade { window: Size { width: 15, height: 15 }, levels: 3, arrived: 0.01 };

    /// A soft blob whose middle is at (x, 48).
    fn blob(x: f32) -> Mat {
        let value = |row: i32, column: i32| {
            let square = (column as f32 - x).powi(2) + (row as f32 - 48.0).powi(2);
            (200.0 * (-square / 60.0).exp()) as u8
        };
        let bytes: Vec<u8> = (0..96 * 128).map(|at| value(at / 128, at % 128)).collect();
        Mat::new_rows_cols_with_data(96, 128, &bytes).unwrap().try_clone().unwrap()
    }

    #[test]
    fn a_point_is_followed() {
        let (from, to) = (TRACKER.pyramid(&blob(40.0)).unwrap(), TRACKER.pyramid(&blob(46.5)).unwrap());
        let points = Vector::from_slice(&[Point2f::new(40.0, 48.0)]);
        let (there, found) = TRACKER.follow(&from, &to, &points, None).unwrap();
        let at = there.get(0).unwrap();
        assert_eq!(found.get(0).unwrap(), 1);
        assert!((at.x - 46.5).abs() < 0.2 && (at.y - 48.0).abs() < 0.2, "{at:?}");
    }

    #[test]
    fn the_search_begins_where_a_point_is_expected() {
        let plain = LucasKanade { levels: 0, ..TRACKER };
        let (from, to) = (plain.pyramid(&blob(30.0)).unwrap(), plain.pyramid(&blob(90.0)).unwrap());
        let points = Vector::from_slice(&[Point2f::new(30.0, 48.0)]);
        let x = |expected| plain.follow(&from, &to, &points, expected).unwrap().0.get(0).unwrap().x;
        assert!((x(Some(Vector::from_slice(&[Point2f::new(88.0, 48.0)]))) - 90.0).abs() < 0.2);
        assert!((x(None) - 90.0).abs() > 30.0, "too far to be found from where it was");
    }
}

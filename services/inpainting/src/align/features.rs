//! Feature points of a frame and where they are in another: the projective map that most of them follow.
use framefleet_vision::geometry::homography::Homography;
use opencv::calib3d;
use opencv::core::{self, Mat, Point2f, Size, Vector};
use opencv::prelude::*;

/// Distance up to which a corner follows the map, pixels.
const TOLERANCE: f64 = 1.5;
/// Fewer points that agree say nothing.
const MIN_INLIERS: usize = 12;
/// With fewer, four degrees of freedom have to do.
const INLIERS_OF_HOMOGRAPHY: usize = 40;
/// With a smaller share of points that agree, they agree by chance.
const MIN_SHARE: f64 = 0.3;
/// Sampling rounds of the estimator at most, and the probability with which it stops early.
const ROUNDS: i32 = 1000;
const CONFIDENCE: f64 = 0.995;

/// What feature points say.
pub struct Estimate {
    /// The map that most of them follow.
    pub map: Homography,
    /// Whether there were enough for eight degrees of freedom.
    pub is_sure: bool,
}

/// Feature points of a frame, and where they are in another.
#[derive(Clone, Debug)]
pub struct FeatureTracks {
    from: Vector<Point2f>,
    to: Vector<Point2f>,
}

impl FeatureTracks {
    /// Points that have not moved yet.
    pub fn new(points: Vector<Point2f>) -> Self {
        Self { to: points.clone(), from: points }
    }

    /// Where the points are now.
    pub fn points(&self) -> &Vector<Point2f> {
        &self.to
    }

    /// Moves every point to where it is in the next frame; those that are not there are forgotten.
    pub fn advance(&mut self, next: impl Fn(usize) -> opencv::Result<Option<Point2f>>) -> opencv::Result<()> {
        let (mut from, mut to) = (Vector::new(), Vector::new());
        for at in 0..self.to.len() {
            if let Some(point) = next(at)? {
                from.push(self.from.get(at)?);
                to.push(point);
            }
        }
        (self.from, self.to) = (from, to);
        Ok(())
    }

    /// The map that most of them follow.
    pub fn map(&self, size: Size) -> opencv::Result<Option<Homography>> {
        Ok(self.estimate(size)?.map(|estimate| estimate.map))
    }

    /// The map that most of them follow (RANSAC, Fischler & Bolles 1981; OpenCV's generator starts from a constant).
    pub fn estimate(&self, size: Size) -> opencv::Result<Option<Estimate>> {
        let count = self.from.len();
        if count < MIN_INLIERS {
            return Ok(None);
        }
        let mut inliers = Mat::default();
        let method = calib3d::RANSAC;
        let found =
            calib3d::find_homography_ext(&self.from, &self.to, method, TOLERANCE, &mut inliers, ROUNDS, CONFIDENCE)?;
        let agreeing = if found.empty() { 0 } else { core::count_non_zero(&inliers)?.max(0) as usize };
        let is_sure = agreeing >= INLIERS_OF_HOMOGRAPHY;
        let map = if is_sure { Some(homography(&found)?) } else { similarity(&self.from, &self.to)? };
        let plausible = |map: &Homography| map.is_plausible(f64::from(size.width), f64::from(size.height));
        let map = map.filter(|map| agreeing as f64 >= MIN_SHARE * count as f64 && plausible(map));
        Ok(map.map(|map| Estimate { map, is_sure }))
    }
}

fn homography(found: &Mat) -> opencv::Result<Homography> {
    let mut map = [0.0; 9];
    for (at, value) in map.iter_mut().enumerate() {
        *value = *found.at_2d::<f64>(at as i32 / 3, at as i32 % 3)?;
    }
    Ok(Homography(map))
}

/// Rotation, scale and shift: what few points determine.
fn similarity(from: &Vector<Point2f>, to: &Vector<Point2f>) -> opencv::Result<Option<Homography>> {
    let mut inliers = Vector::<u8>::new();
    let found = calib3d::estimate_affine_partial_2d(
        from,
        to,
        &mut inliers,
        calib3d::RANSAC,
        TOLERANCE,
        ROUNDS as usize,
        CONFIDENCE,
        10,
    )?;
    if found.empty() || inliers.iter().filter(|inlier| *inlier != 0).count() < MIN_INLIERS {
        return Ok(None);
    }
    let at = |row, column| found.at_2d::<f64>(row, column).copied();
    Ok(Some(Homography([at(0, 0)?, at(0, 1)?, at(0, 2)?, at(1, 0)?, at(1, 1)?, at(1, 2)?, 0.0, 0.0, 1.0])))
}

//! How one frame lies over another: the homography that the background follows.
use crate::homography::Homography;
use crate::prepare::{Small, TRACK_LEVELS, TRACK_WINDOW};
use opencv::core::{self, Mat, Point2f, Scalar, TermCriteria, Vector};
use opencv::prelude::*;
use opencv::{calib3d, imgproc, video};

/// Corners followed from frame to frame.
const CORNERS: i32 = 400;
/// Corners weaker than this share of the strongest are none.
const QUALITY: f64 = 0.01;
/// Corners are this many pixels apart.
const SPACING: f64 = 7.0;
/// Distance up to which a corner follows the map, pixels.
const TOLERANCE: f64 = 1.5;
/// Fewer corners that agree say nothing.
const MIN_INLIERS: usize = 12;
/// With fewer, four degrees of freedom have to do.
const INLIERS_OF_HOMOGRAPHY: usize = 40;
/// With a smaller share of corners that agree, they agree by chance.
const MIN_SHARE: f64 = 0.3;
/// Sampling rounds of the estimator at most, and the probability with which it stops early.
const ROUNDS: i32 = 1000;
const CONFIDENCE: f64 = 0.995;
/// A still camera is believed when a map fits no better than by this (levels of 255): what is not moved is not blurred.
const STILL: f64 = 0.15;
/// Pictures that differ more than this when aligned show different things (mean level of 255).
pub const FOREIGN: f64 = 25.0;

/// The map that takes points of `target` to where the same background is in `reference`, in pixels of the small pictures;
/// `guess` says where to look first. `None` when the two do not show the same background.
pub fn align(target: &Small, reference: &Small, guess: &Homography) -> opencv::Result<Option<Homography>> {
    if target.size() != reference.size() {
        return Ok(None);
    }
    let mut best: Option<(Homography, f64)> = None;
    let estimated = estimate(target, reference, guess)?;
    for map in std::iter::once(Homography::IDENTITY).chain(estimated) {
        let Some(difference) = difference(target, reference, &map)? else { continue };
        if best.as_ref().is_none_or(|(_, least)| difference < least - STILL) {
            best = Some((map, difference));
        }
    }
    Ok(best.filter(|(_, difference)| *difference <= FOREIGN).map(|(map, _)| map))
}

/// The map that most corners follow.
fn estimate(target: &Small, reference: &Small, guess: &Homography) -> opencv::Result<Option<Homography>> {
    let (from, to) = followed(target, reference, guess)?;
    if from.len() < MIN_INLIERS {
        return Ok(None);
    }
    let mut inliers = Mat::default();
    let found = calib3d::find_homography_ext(&from, &to, calib3d::RANSAC, TOLERANCE, &mut inliers, ROUNDS, CONFIDENCE)?;
    let agreeing = if found.empty() { 0 } else { core::count_non_zero(&inliers)?.max(0) as usize };
    let map = match agreeing {
        agreeing if agreeing >= INLIERS_OF_HOMOGRAPHY => Some(homography(&found)?),
        _ => similarity(&from, &to)?,
    };
    let share = agreeing as f64 / from.len() as f64;
    let size = target.size();
    Ok(map.filter(|map| share >= MIN_SHARE && map.is_plausible(f64::from(size.width), f64::from(size.height))))
}

fn homography(found: &Mat) -> opencv::Result<Homography> {
    let mut map = [0.0; 9];
    for (at, value) in map.iter_mut().enumerate() {
        *value = *found.at_2d::<f64>(at as i32 / 3, at as i32 % 3)?;
    }
    Ok(Homography(map))
}

/// Rotation, scale and shift: what few corners can tell.
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

/// Shi–Tomasi corners of the target's background, and where they are in the reference's: pyramidal Lucas–Kanade, forwards and
/// back; what does not come back was covered or left the picture.
fn followed(
    target: &Small,
    reference: &Small,
    guess: &Homography,
) -> opencv::Result<(Vector<Point2f>, Vector<Point2f>)> {
    let (mut from, mut to) = (Vector::new(), Vector::new());
    if target.pyramid.is_empty() || reference.pyramid.is_empty() {
        return Ok((from, to));
    }
    let mut background = Mat::default();
    core::bitwise_not_def(&target.hole, &mut background)?;
    let mut corners = Vector::<Point2f>::new();
    imgproc::good_features_to_track(
        &target.grey,
        &mut corners,
        CORNERS,
        QUALITY,
        SPACING,
        &background,
        5,
        false,
        0.04,
    )?;
    if corners.is_empty() {
        return Ok((from, to));
    }
    let expected: Vector<Point2f> = corners
        .iter()
        .map(|corner| {
            let (x, y) = guess.apply(f64::from(corner.x), f64::from(corner.y));
            Point2f::new(x as f32, y as f32)
        })
        .collect();
    let (there, found) = follow(target, reference, &corners, expected)?;
    let (back, returned) = follow(reference, target, &there, corners.clone())?;
    for at in 0..corners.len() {
        let (start, end, home) = (corners.get(at)?, there.get(at)?, back.get(at)?);
        let came_back = (home.x - start.x).hypot(home.y - start.y) < 0.7;
        if found.get(at)? != 0 && returned.get(at)? != 0 && came_back && is_background(reference, end)? {
            from.push(start);
            to.push(end);
        }
    }
    Ok((from, to))
}

fn is_background(small: &Small, point: Point2f) -> opencv::Result<bool> {
    let (x, y) = (point.x.round() as i32, point.y.round() as i32);
    let inside = (0..small.hole.cols()).contains(&x) && (0..small.hole.rows()).contains(&y);
    Ok(inside && *small.hole.at_2d::<u8>(y, x)? == 0)
}

fn follow(
    from: &Small,
    to: &Small,
    points: &Vector<Point2f>,
    expected: Vector<Point2f>,
) -> opencv::Result<(Vector<Point2f>, Vector<u8>)> {
    let (mut there, mut found, mut error) = (expected, Vector::<u8>::new(), Vector::<f32>::new());
    let stop = TermCriteria::new(core::TermCriteria_COUNT + core::TermCriteria_EPS, 20, 0.01)?;
    video::calc_optical_flow_pyr_lk(
        &from.pyramid,
        &to.pyramid,
        points,
        &mut there,
        &mut found,
        &mut error,
        TRACK_WINDOW,
        TRACK_LEVELS,
        stop,
        video::OPTFLOW_USE_INITIAL_FLOW,
        1e-4,
    )?;
    Ok((there, found))
}

/// A reference laid over its target.
pub struct Laid {
    /// Its luma where the target's pixels are.
    pub grey: Mat,
    /// Its colours there.
    pub colours: Mat,
    /// 255 where either has a hole or the reference ends.
    pub unknown: Mat,
}

/// The reference as the map lays it over the target.
pub fn laid_over(target: &Small, reference: &Small, map: &Homography) -> opencv::Result<Laid> {
    let warp = |picture: &Mat, how: i32, outside: f64| -> opencv::Result<Mat> {
        if *map == Homography::IDENTITY {
            return Ok(picture.clone());
        }
        let matrix = Mat::from_slice_2d(&[&map.0[0..3], &map.0[3..6], &map.0[6..9]])?;
        let mut warped = Mat::default();
        let how = how | imgproc::WARP_INVERSE_MAP;
        let (border, outside) = (core::BORDER_CONSTANT, Scalar::all(outside));
        imgproc::warp_perspective(picture, &mut warped, &matrix, target.size(), how, border, outside)?;
        Ok(warped)
    };
    let hole = warp(&reference.hole, imgproc::INTER_NEAREST, 255.0)?;
    let mut unknown = Mat::default();
    core::bitwise_or(&hole, &target.hole, &mut unknown, &core::no_array())?;
    let grey = warp(&reference.grey, imgproc::INTER_LINEAR, 0.0)?;
    let colours = warp(&reference.colours, imgproc::INTER_LINEAR, 0.0)?;
    Ok(Laid { grey, colours, unknown })
}

/// Mean absolute difference of two frames where both show the background, levels of 255; `None` when that is nowhere.
fn difference(target: &Small, reference: &Small, map: &Homography) -> opencv::Result<Option<f64>> {
    let laid = laid_over(target, reference, map)?;
    let mut known = Mat::default();
    core::bitwise_not_def(&laid.unknown, &mut known)?;
    let count = core::count_non_zero(&known)?;
    if i64::from(count) * 20 < laid.unknown.total() as i64 {
        return Ok(None);
    }
    let mut apart = Mat::default();
    core::absdiff(&target.grey, &laid.grey, &mut apart)?;
    Ok(Some(core::mean(&apart, &known)?[0]))
}

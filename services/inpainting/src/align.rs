//! How one frame lies over another: the homography that the background follows.
use crate::homography::Homography;
use crate::prepare::{Small, TRACK_LEVELS, TRACK_WINDOW};
use framefleet_vision::tracking::LucasKanade;
use opencv::core::{self, Mat, Point2f, Scalar, Size, Vector};
use opencv::prelude::*;
use opencv::{calib3d, imgproc};

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
/// What is so near to a hole continues behind it, share of the long side.
const NEAR: f64 = 0.08;
/// Fewer pixels of a region say nothing.
const MIN_PIXELS: i32 = 50;
/// Pictures that differ more than this when aligned show different things (mean level of 255).
pub const FOREIGN: f64 = 25.0;

/// What of a picture is to be aligned: different things in it move differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// All of the background.
    Everything,
    /// The background around the hole: what continues behind it.
    AroundHole,
}

/// The map that takes points of `target` to where the same background is in `reference`, in pixels of the small pictures;
/// `guess` says where to look first. `None` when the two do not show the same background.
pub fn align(
    target: &Small,
    reference: &Small,
    guess: &Homography,
    region: Region,
) -> opencv::Result<Option<Homography>> {
    if target.size() != reference.size() {
        return Ok(None);
    }
    let mut maps = vec![Homography::IDENTITY, *guess];
    let around = match region {
        Region::AroundHole => estimate(target, reference, guess, region)?,
        Region::Everything => None,
    };
    // The rest of the background is asked when what is around the hole says too little.
    if around.as_ref().is_none_or(|around| !around.is_sure) {
        maps.extend(estimate(target, reference, guess, Region::Everything)?.map(|all| all.map));
    }
    maps.extend(around.map(|around| around.map));
    let near = background(target, region)?;
    let mut best: Option<(Homography, f64)> = None;
    for map in maps {
        let Some(difference) = difference(target, reference, &map, &near)? else { continue };
        if best.as_ref().is_none_or(|(_, least)| difference < least - STILL) {
            best = Some((map, difference));
        }
    }
    Ok(best.filter(|(_, difference)| *difference <= FOREIGN).map(|(map, _)| map))
}

/// 255 where the background of a region is.
fn background(of: &Small, region: Region) -> opencv::Result<Mat> {
    let mut background = Mat::default();
    core::bitwise_not_def(&of.hole, &mut background)?;
    if region == Region::Everything {
        return Ok(background);
    }
    let (width, height) = (of.hole.cols(), of.hole.rows());
    let reach = ((f64::from(width.max(height)) * NEAR) as i32).max(4);
    let kernel = imgproc::get_structuring_element_def(imgproc::MORPH_RECT, Size::new(2 * reach + 1, 2 * reach + 1))?;
    let (mut around, mut near) = (Mat::default(), Mat::default());
    imgproc::dilate_def(&of.hole, &mut around, &kernel)?;
    core::bitwise_and(&around, &background, &mut near, &core::no_array())?;
    Ok(near)
}

/// The map that most corners of a region follow.
fn estimate(target: &Small, reference: &Small, guess: &Homography, region: Region) -> opencv::Result<Option<Estimate>> {
    let mut corners = Corners::of(target, region)?;
    corners.follow(target, reference, guess)?;
    corners.estimate(target.size())
}

/// What corners say.
struct Estimate {
    map: Homography,
    /// Whether there were enough for eight degrees of freedom.
    is_sure: bool,
}

/// Corners of the target's background (Shi–Tomasi 1994), and where they are in another frame.
#[derive(Clone, Debug)]
pub struct Corners {
    from: Vector<Point2f>,
    to: Vector<Point2f>,
}

impl Corners {
    /// Those of a region of a frame, where they are.
    pub fn of(target: &Small, region: Region) -> opencv::Result<Self> {
        let found = match region {
            Region::Everything => &target.corners,
            Region::AroundHole => &target.corners_around_hole,
        };
        if let Some(found) = found.get() {
            return Ok(found.clone());
        }
        let mut from = Vector::<Point2f>::new();
        if !target.pyramid.is_empty() {
            let region = background(target, region)?;
            imgproc::good_features_to_track(
                &target.grey,
                &mut from,
                CORNERS,
                QUALITY,
                SPACING,
                &region,
                5,
                false,
                0.04,
            )?;
        }
        Ok(found.get_or_init(|| Self { to: from.clone(), from }).clone())
    }

    /// From the frame where they are now to another, by pyramidal Lucas–Kanade (Bouguet 2000), forwards and back: what does not come
    /// back was covered or left the picture, and is forgotten, as is what comes to lie in a hole.
    pub fn follow(&mut self, now: &Small, next: &Small, guess: &Homography) -> opencv::Result<()> {
        if self.to.is_empty() || next.pyramid.is_empty() {
            (self.from, self.to) = (Vector::new(), Vector::new());
            return Ok(());
        }
        let expected: Vector<Point2f> = self
            .to
            .iter()
            .map(|point| {
                let (x, y) = guess.apply(f64::from(point.x), f64::from(point.y));
                Point2f::new(x as f32, y as f32)
            })
            .collect();
        let (there, found) = followed(now, next, &self.to, expected)?;
        let (back, returned) = followed(next, now, &there, self.to.clone())?;
        let (mut from, mut to) = (Vector::new(), Vector::new());
        for at in 0..self.to.len() {
            let (start, end, home) = (self.to.get(at)?, there.get(at)?, back.get(at)?);
            let came_back = (home.x - start.x).hypot(home.y - start.y) < 0.7;
            if found.get(at)? != 0 && returned.get(at)? != 0 && came_back && is_background(next, end)? {
                from.push(self.from.get(at)?);
                to.push(end);
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
    fn estimate(&self, size: Size) -> opencv::Result<Option<Estimate>> {
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

fn is_background(small: &Small, point: Point2f) -> opencv::Result<bool> {
    let (x, y) = (point.x.round() as i32, point.y.round() as i32);
    let inside = (0..small.hole.cols()).contains(&x) && (0..small.hole.rows()).contains(&y);
    Ok(inside && *small.hole.at_2d::<u8>(y, x)? == 0)
}

fn followed(
    from: &Small,
    to: &Small,
    points: &Vector<Point2f>,
    expected: Vector<Point2f>,
) -> opencv::Result<(Vector<Point2f>, Vector<u8>)> {
    let tracker = LucasKanade { window: TRACK_WINDOW, levels: TRACK_LEVELS, arrived: 0.01 };
    tracker.follow(&from.pyramid, &to.pyramid, points, Some(expected))
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
    let (grey, unknown) = grey_over(target, reference, map)?;
    let colours = warped(&reference.colours, target, map, imgproc::INTER_LINEAR, 0.0)?;
    Ok(Laid { grey, colours, unknown })
}

/// Luma of the reference over the target, and 255 where either has a hole or the reference ends.
fn grey_over(target: &Small, reference: &Small, map: &Homography) -> opencv::Result<(Mat, Mat)> {
    let hole = warped(&reference.hole, target, map, imgproc::INTER_NEAREST, 255.0)?;
    let mut unknown = Mat::default();
    core::bitwise_or(&hole, &target.hole, &mut unknown, &core::no_array())?;
    Ok((warped(&reference.grey, target, map, imgproc::INTER_LINEAR, 0.0)?, unknown))
}

/// A picture of the reference over the target; what is `outside` lies where it ends.
fn warped(picture: &Mat, target: &Small, map: &Homography, how: i32, outside: f64) -> opencv::Result<Mat> {
    if *map == Homography::IDENTITY {
        return Ok(picture.clone());
    }
    let matrix = Mat::from_slice_2d(&[&map.0[0..3], &map.0[3..6], &map.0[6..9]])?;
    let mut warped = Mat::default();
    let how = how | imgproc::WARP_INVERSE_MAP;
    let (border, outside) = (core::BORDER_CONSTANT, Scalar::all(outside));
    imgproc::warp_perspective(picture, &mut warped, &matrix, target.size(), how, border, outside)?;
    Ok(warped)
}

/// Mean absolute difference of two frames where both show background, in a region of the target if that is anywhere, levels of
/// 255; `None` when it is next to nowhere.
fn difference(target: &Small, reference: &Small, map: &Homography, region: &Mat) -> opencv::Result<Option<f64>> {
    let (grey, unknown) = grey_over(target, reference, map)?;
    let (mut known, mut near) = (Mat::default(), Mat::default());
    core::bitwise_not_def(&unknown, &mut known)?;
    core::bitwise_and(&known, region, &mut near, &core::no_array())?;
    if i64::from(core::count_non_zero(&known)?) * 20 < known.total() as i64 {
        return Ok(None);
    }
    let enough = core::count_non_zero(&near)? >= MIN_PIXELS;
    let mut apart = Mat::default();
    core::absdiff(&target.grey, &grey, &mut apart)?;
    Ok(Some(core::mean(&apart, if enough { &near } else { &known })?[0]))
}

//! How one frame lies over another: the homography that the background follows.
pub(crate) mod downscaled;
pub(crate) mod features;
pub(crate) mod flow;
use crate::align::downscaled::{Downscaled, TRACK_LEVELS, TRACK_WINDOW};
use crate::align::features::{Estimate, FeatureTracks};
use framefleet_vision::geometry::homography::Homography;
use framefleet_vision::tracking::LucasKanade;
use opencv::core::{self, Mat, Point2f, Scalar, Size, Vector};
use opencv::imgproc;
use opencv::prelude::*;

/// Feature points followed from frame to frame.
const FEATURES: i32 = 400;
/// Points weaker than this share of the strongest are none.
const QUALITY: f64 = 0.01;
/// Points are this many pixels apart.
const SPACING: f64 = 7.0;
/// A still camera is believed when a map fits no better than by this (levels of 255): what is not moved is not blurred.
const STILL: f64 = 0.15;
/// What is so near to a hole continues behind it, share of the long side.
const NEAR: f64 = 0.08;
/// Fewer pixels of a region say nothing.
const MIN_PIXELS: i32 = 50;
/// Images that differ more than this when aligned show different things (mean level of 255).
pub const FOREIGN: f64 = 25.0;

/// What of an image is to be aligned: different things in it move differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// All of the background.
    Everything,
    /// The background around the hole: what continues behind it.
    AroundHole,
}

/// The map that takes points of `target` to where the same background is in `reference`, in pixels of the downscaled images;
/// `guess` says where to look first. `None` when the two do not show the same background.
pub fn align(
    target: &Downscaled,
    reference: &Downscaled,
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
        if best.as_ref().is_none_or(|(_, min)| difference < min - STILL) {
            best = Some((map, difference));
        }
    }
    Ok(best.filter(|(_, difference)| *difference <= FOREIGN).map(|(map, _)| map))
}

/// 255 where the background of a region is.
fn background(of: &Downscaled, region: Region) -> opencv::Result<Mat> {
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

/// The map that most feature points of a region follow.
fn estimate(
    target: &Downscaled,
    reference: &Downscaled,
    guess: &Homography,
    region: Region,
) -> opencv::Result<Option<Estimate>> {
    let mut tracks = features(target, region)?;
    follow(&mut tracks, target, reference, guess)?;
    tracks.estimate(target.size())
}

/// Feature points of a region of a frame (Shi and Tomasi 1994), found once.
pub fn features(target: &Downscaled, region: Region) -> opencv::Result<FeatureTracks> {
    let found = match region {
        Region::Everything => &target.features,
        Region::AroundHole => &target.features_around_hole,
    };
    if let Some(found) = found.get() {
        return Ok(found.clone());
    }
    let mut points = Vector::<Point2f>::new();
    if !target.pyramid.is_empty() {
        let region = background(target, region)?;
        imgproc::good_features_to_track(
            &target.grey,
            &mut points,
            FEATURES,
            QUALITY,
            SPACING,
            &region,
            5,
            false,
            0.04,
        )?;
    }
    Ok(found.get_or_init(|| FeatureTracks::new(points)).clone())
}

/// Follows points from the frame where they are now to another, by pyramidal Lucas–Kanade (Bouguet 2000), forwards and back: what does
/// not come back was covered or left the image, and is forgotten, as is what comes to lie in a hole.
pub fn follow(
    tracks: &mut FeatureTracks,
    now: &Downscaled,
    next: &Downscaled,
    guess: &Homography,
) -> opencv::Result<()> {
    let points = tracks.points().clone();
    if points.is_empty() || next.pyramid.is_empty() {
        return tracks.advance(|_| Ok(None));
    }
    let expected = |point: Point2f| {
        let (x, y) = guess.apply(f64::from(point.x), f64::from(point.y));
        Point2f::new(x as f32, y as f32)
    };
    let (there, found) = followed(now, next, &points, points.iter().map(expected).collect())?;
    let (back, returned) = followed(next, now, &there, points.clone())?;
    tracks.advance(|at| {
        let (start, end, home) = (points.get(at)?, there.get(at)?, back.get(at)?);
        let came_back = (home.x - start.x).hypot(home.y - start.y) < 0.7;
        let stays = found.get(at)? != 0 && returned.get(at)? != 0 && came_back && is_background(next, end)?;
        Ok(stays.then_some(end))
    })
}

fn is_background(downscaled: &Downscaled, point: Point2f) -> opencv::Result<bool> {
    let (x, y) = (point.x.round() as i32, point.y.round() as i32);
    let inside = (0..downscaled.hole.cols()).contains(&x) && (0..downscaled.hole.rows()).contains(&y);
    Ok(inside && *downscaled.hole.at_2d::<u8>(y, x)? == 0)
}

fn followed(
    from: &Downscaled,
    to: &Downscaled,
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
pub fn laid_over(target: &Downscaled, reference: &Downscaled, map: &Homography) -> opencv::Result<Laid> {
    let (grey, unknown) = grey_over(target, reference, map)?;
    let colours = warped(&reference.colours, target, map, imgproc::INTER_LINEAR, 0.0)?;
    Ok(Laid { grey, colours, unknown })
}

/// Luma of the reference over the target, and 255 where either has a hole or the reference ends.
fn grey_over(target: &Downscaled, reference: &Downscaled, map: &Homography) -> opencv::Result<(Mat, Mat)> {
    let hole = warped(&reference.hole, target, map, imgproc::INTER_NEAREST, 255.0)?;
    let mut unknown = Mat::default();
    core::bitwise_or(&hole, &target.hole, &mut unknown, &core::no_array())?;
    Ok((warped(&reference.grey, target, map, imgproc::INTER_LINEAR, 0.0)?, unknown))
}

/// An image of the reference over the target; what is `outside` lies where it ends.
fn warped(picture: &Mat, target: &Downscaled, map: &Homography, how: i32, outside: f64) -> opencv::Result<Mat> {
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
fn difference(
    target: &Downscaled,
    reference: &Downscaled,
    map: &Homography,
    region: &Mat,
) -> opencv::Result<Option<f64>> {
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

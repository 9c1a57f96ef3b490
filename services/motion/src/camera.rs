//! How the background moves: the similarity transform that most corners follow, and what the camera does to make it so.
use crate::field::Sample;
use crate::settings::MotionSettings;
use framefleet_frames::{CameraLabel, MotionCamera};
use opencv::calib3d;
use opencv::core::{Point2f, Vector};
use opencv::prelude::*;

/// Fewer corners, or fewer that agree, say nothing about the camera.
const MIN_POINTS: usize = 8;
/// With a smaller share of corners that agree, the motion is complex.
const MIN_SHARE: f64 = 0.5;
/// One kind of motion prevails when no other moves the picture by more than this share of it.
const PREVAILS: f64 = 0.7;
/// Sampling rounds of the estimator at most.
const ROUNDS: usize = 500;
/// Probability with which it stops early.
const CONFIDENCE: f64 = 0.995;
/// Refinement steps on the inliers.
const REFINEMENTS: usize = 10;

/// A similarity transform about the centre of the full frame, per frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Centre of the frame, pixels.
    pub centre: (f64, f64),
    /// Shift of the centre, pixels, y down.
    pub dx: f64,
    /// Shift of the centre, pixels, y down.
    pub dy: f64,
    /// Scale.
    pub zoom: f64,
    /// Rotation in radians, clockwise as seen (y down).
    pub roll: f64,
}

impl Camera {
    /// How far the camera moves the content at a point.
    pub fn displacement(&self, x: f64, y: f64) -> (f64, f64) {
        let (sine, cosine) = self.roll.sin_cos();
        let (rx, ry) = (x - self.centre.0, y - self.centre.1);
        let (a, b) = (self.zoom * cosine, self.zoom * sine);
        (self.dx + a * rx - b * ry - rx, self.dy + b * rx + a * ry - ry)
    }
}

/// A camera, and how many corners follow it.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    /// The transform.
    pub camera: Camera,
    /// Corners that follow it ÷ corners.
    pub inlier_share: f64,
    /// Corners.
    pub points: usize,
}

/// The transform that most corners follow, within `tolerance` pixels of the full frame; `None` when too few agree.
///
/// OpenCV's RANSAC (Fischler & Bolles 1981) with a refinement on the inliers. Its generator starts from a constant, so the
/// answer depends on the corners alone; the job's seed has nothing to decide here.
pub fn fit(links: &[Sample], size: (f64, f64), tolerance: f64) -> opencv::Result<Option<Fit>> {
    if links.len() < MIN_POINTS {
        return Ok(None);
    }
    let centre = (size.0 / 2.0, size.1 / 2.0);
    let point = |x: f64, y: f64| Point2f::new((x - centre.0) as f32, (y - centre.1) as f32);
    let from: Vector<Point2f> = links.iter().map(|link| point(link.x, link.y)).collect();
    let to: Vector<Point2f> = links.iter().map(|link| point(link.x + link.dx, link.y + link.dy)).collect();
    let mut inliers = Vector::<u8>::new();
    let method = calib3d::RANSAC;
    let model = calib3d::estimate_affine_partial_2d(
        &from,
        &to,
        &mut inliers,
        method,
        tolerance,
        ROUNDS,
        CONFIDENCE,
        REFINEMENTS,
    )?;
    let agreeing = inliers.iter().filter(|inlier| *inlier != 0).count();
    if model.empty() || agreeing < MIN_POINTS {
        return Ok(None);
    }
    let (a, b) = (*model.at_2d::<f64>(0, 0)?, *model.at_2d::<f64>(1, 0)?);
    let (dx, dy) = (*model.at_2d::<f64>(0, 2)?, *model.at_2d::<f64>(1, 2)?);
    let camera = Camera { centre, dx, dy, zoom: a.hypot(b), roll: b.atan2(a) };
    let finite = [dx, dy, camera.zoom, camera.roll].iter().all(|value| value.is_finite());
    Ok(finite.then(|| Fit { camera, inlier_share: agreeing as f64 / links.len() as f64, points: links.len() }))
}

/// What is published of a fit. `seconds` passed since the previous frame.
pub fn published(fit: &Fit, width: f64, seconds: f64, settings: &MotionSettings) -> MotionCamera {
    let camera = &fit.camera;
    let percent = |pixels: f64| pixels / width * 100.0;
    MotionCamera {
        label: label(fit, width, settings).into(),
        dx: camera.dx as f32,
        dy: camera.dy as f32,
        dx_percent: percent(camera.dx) as f32,
        dy_percent: percent(camera.dy) as f32,
        dx_percent_per_second: (percent(camera.dx) / seconds) as f32,
        dy_percent_per_second: (percent(camera.dy) / seconds) as f32,
        zoom: camera.zoom as f32,
        roll: camera.roll.to_degrees() as f32,
        inlier_share: fit.inlier_share as f32,
        points: fit.points as u32,
    }
}

/// What the camera does: what moves the picture most, measured a quarter of the width from the centre, if it prevails.
fn label(fit: &Fit, width: f64, settings: &MotionSettings) -> CameraLabel {
    let camera = &fit.camera;
    let still = settings.camera_static_percent / 100.0 * width;
    let shift = camera.dx.hypot(camera.dy);
    let zoom =
        if (camera.zoom - 1.0).abs() < settings.camera_static_zoom { 0.0 } else { (camera.zoom - 1.0) * width / 4.0 };
    let roll = if (camera.roll * width / 4.0).abs() < still / 2.0 { 0.0 } else { camera.roll * width / 4.0 };
    if shift < still && zoom == 0.0 && roll == 0.0 {
        return CameraLabel::Static;
    }
    let mut by_effect = [
        (shift, shift_label(camera)),
        (zoom.abs(), if zoom > 0.0 { CameraLabel::ZoomIn } else { CameraLabel::ZoomOut }),
        // Content that turns clockwise is seen by a camera that turns the other way.
        (roll.abs(), if roll > 0.0 { CameraLabel::RollCounterclockwise } else { CameraLabel::RollClockwise }),
    ];
    by_effect.sort_by(|a, b| b.0.total_cmp(&a.0));
    let prevails = by_effect[1].0 <= PREVAILS * by_effect[0].0;
    if fit.inlier_share < MIN_SHARE || !prevails { CameraLabel::Complex } else { by_effect[0].1 }
}

/// Pan or tilt by the larger component; the camera goes where the content comes from.
fn shift_label(camera: &Camera) -> CameraLabel {
    match (camera.dx.abs() >= camera.dy.abs(), camera.dx > 0.0, camera.dy > 0.0) {
        (true, true, _) => CameraLabel::PanLeft,
        (true, false, _) => CameraLabel::PanRight,
        (false, _, true) => CameraLabel::TiltUp,
        (false, _, false) => CameraLabel::TiltDown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (f64, f64) = (640.0, 360.0);

    /// Links of a grid of corners under a camera, every `outlier`-th one going its own way.
    fn links(camera: &Camera, outlier: usize) -> Vec<Sample> {
        (0..200)
            .map(|index| {
                let (x, y) = (f64::from(index % 20) * 32.0 + 3.0, f64::from(index / 20) * 36.0 + 5.0);
                let (dx, dy) = camera.displacement(x, y);
                let stray = (index as usize).is_multiple_of(outlier);
                Sample { x, y, dx: if stray { dx + 40.0 } else { dx }, dy }
            })
            .collect()
    }

    fn fitted(dx: f64, dy: f64, zoom: f64, degrees: f64) -> Fit {
        let camera = Camera { centre: (320.0, 180.0), dx, dy, zoom, roll: degrees.to_radians() };
        fit(&links(&camera, 5), SIZE, 3.0).unwrap().unwrap()
    }

    #[test]
    fn transform_is_recovered_among_outliers() {
        let found = fitted(4.0, -3.0, 1.02, 1.0);
        assert!((found.camera.dx - 4.0).abs() < 0.01 && (found.camera.dy + 3.0).abs() < 0.01);
        assert!((found.camera.zoom - 1.02).abs() < 1e-4 && (found.camera.roll.to_degrees() - 1.0).abs() < 0.01);
        assert!((found.inlier_share - 0.8).abs() < 0.02);
    }

    #[test]
    fn labels_speak_of_the_camera() {
        let label = |dx, dy, zoom, degrees| label(&fitted(dx, dy, zoom, degrees), SIZE.0, &MotionSettings::default());
        assert_eq!(label(0.1, 0.1, 1.0, 0.0), CameraLabel::Static);
        assert_eq!(label(5.0, 1.0, 1.0, 0.0), CameraLabel::PanLeft);
        assert_eq!(label(-5.0, 1.0, 1.0, 0.0), CameraLabel::PanRight);
        assert_eq!(label(0.0, 5.0, 1.0, 0.0), CameraLabel::TiltUp);
        assert_eq!(label(0.0, -5.0, 1.0, 0.0), CameraLabel::TiltDown);
        assert_eq!(label(0.0, 0.0, 1.02, 0.0), CameraLabel::ZoomIn);
        assert_eq!(label(0.0, 0.0, 0.98, 0.0), CameraLabel::ZoomOut);
        assert_eq!(label(0.0, 0.0, 1.0, 1.0), CameraLabel::RollCounterclockwise);
        assert_eq!(label(0.0, 0.0, 1.0, -1.0), CameraLabel::RollClockwise);
        assert_eq!(label(3.0, 0.0, 1.02, 0.0), CameraLabel::Complex);
    }

    #[test]
    fn few_corners_say_nothing() {
        let camera = Camera { centre: (320.0, 180.0), dx: 1.0, dy: 0.0, zoom: 1.0, roll: 0.0 };
        assert!(fit(&links(&camera, 5)[..7], SIZE, 3.0).unwrap().is_none());
        assert!(fit(&[], SIZE, 3.0).unwrap().is_none());
    }
}

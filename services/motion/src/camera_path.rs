//! Where the camera goes over a shot, and whether it shakes.
use crate::series::FrameFacts;
use crate::settings::MotionSettings;
use framefleet_frames::{CameraLabel, MotionCamera};
use std::collections::BTreeMap;

/// Fewer velocities say nothing about shake.
const MIN_VELOCITIES: usize = 5;
/// Half of the moving average's window, seconds.
const HALF_WINDOW: f64 = 0.5;
/// From this share of fast energy on the camera shakes.
const SHAKY: f64 = 0.5;

/// The camera over a shot, as the content shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CameraPath {
    /// Net shift, percent of the width.
    pub dx: f64,
    /// Net shift, percent of the width.
    pub dy: f64,
    /// Length of the path, percent of the width.
    pub length: f64,
    /// Product of the scales.
    pub zoom: f64,
    /// Sum of the rotations, degrees clockwise.
    pub roll: f64,
    /// Share of the energy of the velocity that is faster than its moving average over a second; `None` for short shots.
    pub shake: Option<f64>,
    /// What the camera does most of the time, or shake.
    pub label: CameraLabel,
}

/// A frame with a camera, and for how many frames it stands: those missing before it moved like it.
struct Step<'a> {
    camera: &'a MotionCamera,
    frames: u64,
    seconds: f64,
}

/// The path of a shot; `None` when no frame has a camera. The first frame is left out: its motion is across the cut.
pub fn camera_path(shot: &[FrameFacts], settings: &MotionSettings) -> Option<CameraPath> {
    let steps = steps(shot);
    if steps.is_empty() {
        return None;
    }
    let mut path = CameraPath { zoom: 1.0, ..CameraPath::default() };
    for step in &steps {
        let frames = step.frames as f64;
        let (dx, dy) = (f64::from(step.camera.dx_percent), f64::from(step.camera.dy_percent));
        path.dx += dx * frames;
        path.dy += dy * frames;
        path.length += dx.hypot(dy) * frames;
        path.zoom *= f64::from(step.camera.zoom).powf(frames);
        path.roll += f64::from(step.camera.roll) * frames;
    }
    path.shake = shake(&steps, settings.camera_static_percent);
    path.label = if path.shake.is_some_and(|share| share > SHAKY) { CameraLabel::Shake } else { usual(&steps) };
    Some(path)
}

/// The steps of a shot.
fn steps(shot: &[FrameFacts]) -> Vec<Step<'_>> {
    shot.windows(2)
        .filter_map(|pair| {
            Some(Step {
                camera: pair[1].camera.as_ref()?,
                frames: pair[1].number - pair[0].number,
                seconds: (pair[1].pts_ns - pair[0].pts_ns) as f64 / 1e9,
            })
        })
        .collect()
}

/// Share of the energy of the velocity above its moving average; 0 for a static camera, `None` for too few steps.
fn shake(steps: &[Step], static_percent: f64) -> Option<f64> {
    if steps.len() < MIN_VELOCITIES {
        return None;
    }
    let dx: Vec<f64> = steps.iter().map(|step| f64::from(step.camera.dx_percent)).collect();
    let dy: Vec<f64> = steps.iter().map(|step| f64::from(step.camera.dy_percent)).collect();
    let energy: f64 = dx.iter().chain(&dy).map(|v| v * v).sum();
    if (energy / steps.len() as f64).sqrt() < static_percent {
        return Some(0.0);
    }
    let duration: f64 = steps.iter().map(|step| step.seconds).sum();
    let half = (HALF_WINDOW * steps.len() as f64 / duration.max(1e-9)).round().clamp(1.0, steps.len() as f64) as usize;
    Some(((fast_energy(&dx, half) + fast_energy(&dy, half)) / energy).min(1.0))
}

/// Energy of what is left when the moving average over `half` values to either side is taken away.
fn fast_energy(values: &[f64], half: usize) -> f64 {
    let mut sums = vec![0.0; values.len() + 1];
    for (index, value) in values.iter().enumerate() {
        sums[index + 1] = sums[index] + value;
    }
    let fast = |(index, value): (usize, &f64)| {
        let (from, to) = (index.saturating_sub(half), (index + half + 1).min(values.len()));
        (value - (sums[to] - sums[from]) / (to - from) as f64).powi(2)
    };
    values.iter().enumerate().map(fast).sum()
}

/// The most frequent label; of equally frequent ones the first in the enumeration.
fn usual(steps: &[Step]) -> CameraLabel {
    let mut counts: BTreeMap<i32, u64> = BTreeMap::new();
    for step in steps {
        *counts.entry(step.camera.label).or_default() += step.frames;
    }
    let most = counts.into_iter().max_by_key(|(label, count)| (*count, -label));
    most.and_then(|(label, _)| CameraLabel::try_from(label).ok()).unwrap_or_default()
}

#[cfg(test)]
#[path = "camera_path_tests.rs"]
mod tests;

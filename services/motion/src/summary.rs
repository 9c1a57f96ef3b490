//! Statistics of the step over all items.
use crate::direction::{Directions, compass};
use crate::series::FrameFacts;
use framefleet_frames::{Action, ActionLabel, CameraLabel, Compass, FrameRange, MotionType, Shot};
use serde::Serialize;
use std::collections::BTreeMap;

/// Statistics, as the summary shows them. Counts are of frames unless they say otherwise.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Items with results.
    items: u64,
    /// Frames with a result.
    frames: u64,
    /// Frames that were compared with their predecessor.
    compared: u64,
    /// Mean magnitude of the compared frames, pixels per frame.
    magnitude_mean: f64,
    /// Standard deviation of the frames' mean magnitudes.
    magnitude_std: f64,
    /// Largest mean magnitude of a frame.
    magnitude_max: f64,
    /// Mean magnitude, percent of the width per frame.
    magnitude_percent: f64,
    /// Mean share of the picture that moves.
    density: f64,
    /// Mean direction in degrees (0 right, 90 up), weighted by magnitude; `null` without one.
    direction: Option<f64>,
    /// Its name.
    compass: Option<Compass>,
    /// Resultant length of the directions.
    direction_concentration: Option<f64>,
    /// Circular standard deviation, degrees.
    direction_std: Option<f64>,
    /// Frames per type of motion.
    motion_types: BTreeMap<String, u64>,
    /// Frames per camera label.
    camera_labels: BTreeMap<String, u64>,
    /// Source frames per action.
    actions: BTreeMap<String, u64>,
    /// Number of shots.
    shots: u64,
    /// Their mean length, seconds.
    shot_seconds_mean: f64,
    /// Shots that shake.
    shots_shaky: u64,
    /// Number of trajectories kept.
    trajectories: u64,
}

/// Adds up what the summary is made of.
#[derive(Default)]
pub struct Totals {
    summary: Summary,
    magnitudes: f64,
    squares: f64,
    percents: f64,
    densities: f64,
    shot_seconds: f64,
    directions: Directions,
}

impl Totals {
    /// Adds the frames of an item.
    pub fn add_frames(&mut self, frames: &[FrameFacts]) {
        self.summary.items += 1;
        for frame in frames {
            self.add_frame(frame);
        }
    }

    /// Adds a frame.
    fn add_frame(&mut self, frame: &FrameFacts) {
        self.summary.frames += 1;
        let Some((pixels, percent)) = frame.magnitude.filter(|_| frame.compared) else {
            return;
        };
        self.summary.compared += 1;
        self.summary.magnitude_max = self.summary.magnitude_max.max(pixels);
        self.magnitudes += pixels;
        self.squares += pixels * pixels;
        self.percents += percent;
        self.densities += frame.density.unwrap_or_default();
        if let Some(direction) = frame.direction {
            self.directions.add_angle(direction, pixels);
        }
        count(&mut self.summary.motion_types, motion_type_name(frame.motion_type), 1);
        if let Some(camera) = &frame.camera {
            count(&mut self.summary.camera_labels, camera_name(camera.label()), 1);
        }
    }

    /// Adds a shot.
    pub fn add_shot(&mut self, shot: &Shot) {
        self.summary.shots += 1;
        self.summary.shots_shaky += u64::from(shot.camera() == CameraLabel::Shake);
        self.shot_seconds += (shot.end_ns - shot.start_ns) as f64 / 1e9;
    }

    /// Adds an action.
    pub fn add_action(&mut self, range: &FrameRange, action: &Action) {
        count(&mut self.summary.actions, action_name(action.label()), range.end - range.start);
    }

    /// Adds a trajectory.
    pub fn add_trajectory(&mut self) {
        self.summary.trajectories += 1;
    }

    /// The statistics; zeros for no frames.
    pub fn summary(self) -> Summary {
        let compared = self.summary.compared.max(1) as f64;
        let mean = self.magnitudes / compared;
        Summary {
            magnitude_mean: mean,
            magnitude_std: (self.squares / compared - mean * mean).max(0.0).sqrt(),
            magnitude_percent: self.percents / compared,
            density: self.densities / compared,
            direction: self.directions.mean(),
            compass: self.directions.mean().map(compass),
            direction_concentration: self.directions.concentration(),
            direction_std: self.directions.deviation(),
            shot_seconds_mean: self.shot_seconds / self.summary.shots.max(1) as f64,
            ..self.summary
        }
    }
}

/// Adds to a count.
fn count(counts: &mut BTreeMap<String, u64>, name: String, by: u64) {
    *counts.entry(name).or_default() += by;
}

/// Name of a type of motion, as records have it.
fn motion_type_name(value: MotionType) -> String {
    short_name(value.as_str_name(), "MOTION_TYPE_")
}

/// Name of a camera label, as records have it.
fn camera_name(value: CameraLabel) -> String {
    short_name(value.as_str_name(), "CAMERA_LABEL_")
}

/// Name of an action, as records have it.
fn action_name(value: ActionLabel) -> String {
    short_name(value.as_str_name(), "ACTION_LABEL_")
}

/// A name of the wire format without the name of its enumeration.
fn short_name(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase()
}

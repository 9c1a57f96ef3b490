//! A track as a row of poses without holes, smoothed.
use crate::PoseSettings;
use crate::skeleton::{Keypoints, POINTS};
use crate::tracks::series::{FramePoses, PoseObservation, find};
use crate::tracks::tracker::Followed;
use framefleet_perception::{OneEuro, Track};
use framefleet_vision::boxes::BBox;

/// A pose of a track.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackPose {
    /// Index of the frame in the series.
    pub frame: usize,
    /// Instance of the pose that was seen; `None` for one between.
    pub instance: Option<u32>,
    /// The box.
    pub bbox: BBox,
    /// How sure it is that there is a person; between, as sure as the less sure neighbour.
    pub score: f32,
    /// The keypoints, as seen or interpolated.
    pub keypoints: Keypoints,
    /// The keypoints smoothed in time.
    pub smoothed: Keypoints,
}

/// The poses of a track in frame order: those that were seen and, when asked for, one for every frame between that has a result.
pub fn poses(track: &Track<Followed>, frames: &[FramePoses], settings: &PoseSettings) -> Vec<TrackPose> {
    let mut all: Vec<TrackPose> = Vec::new();
    for (frame, seen) in track.seen.iter().filter_map(|place| find(frames, *place)) {
        let now = TrackPose::seen(frame, seen);
        if let Some(before) = all.last().cloned().filter(|_| settings.interpolate) {
            all.extend((before.frame + 1..frame).map(|between| before.towards(&now, between, frames)));
        }
        all.push(now);
    }
    smooth(&mut all, frames, settings);
    all
}

impl TrackPose {
    fn seen(frame: usize, seen: &PoseObservation) -> Self {
        let PoseObservation { instance, bbox, score, keypoints } = seen.clone();
        Self { frame, instance: Some(instance), bbox, score, keypoints, smoothed: keypoints }
    }

    /// What lies between this and a later pose, in proportion to time.
    fn towards(&self, later: &Self, frame: usize, frames: &[FramePoses]) -> Self {
        let time = |frame: usize| frames[frame].pts_ns as f64;
        let (start, end) = (time(self.frame), time(later.frame));
        let share = if end > start { ((time(frame) - start) / (end - start)) as f32 } else { 0.5 };
        let mix = |a: f32, b: f32| a + share * (b - a);
        let keypoints: Keypoints = std::array::from_fn(|at| {
            let (a, b) = (self.keypoints[at], later.keypoints[at]);
            [mix(a[0], b[0]), mix(a[1], b[1]), a[2].min(b[2])]
        });
        Self {
            frame,
            instance: None,
            bbox: std::array::from_fn(|at| mix(self.bbox[at], later.bbox[at])),
            score: self.score.min(later.score),
            keypoints,
            smoothed: keypoints,
        }
    }
}

/// Smooths each coordinate in heights of the person, so that settings mean the same near and far.
fn smooth(poses: &mut [TrackPose], frames: &[FramePoses], settings: &PoseSettings) {
    if settings.smoothing_cutoff <= 0.0 {
        return;
    }
    let filter = OneEuro { cutoff: settings.smoothing_cutoff, beta: settings.smoothing_beta };
    let times: Vec<f64> = poses.iter().map(|pose| frames[pose.frame].pts_ns as f64 / 1e9).collect();
    let height = height(poses);
    for point in 0..POINTS {
        for axis in 0..2 {
            let values: Vec<f64> = poses.iter().map(|pose| f64::from(pose.keypoints[point][axis]) / height).collect();
            for (pose, value) in poses.iter_mut().zip(filter.smooth(&times, &values)) {
                pose.smoothed[point][axis] = (value * height) as f32;
            }
        }
    }
}

/// Mean height of the boxes, at least a pixel.
pub fn height(poses: &[TrackPose]) -> f64 {
    let sum: f64 = poses.iter().map(|pose| f64::from(pose.bbox[3] - pose.bbox[1])).sum();
    (sum / poses.len().max(1) as f64).max(1.0)
}

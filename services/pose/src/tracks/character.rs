//! What a whole track is: how the person moves through it, and how varied the poses are.
use crate::skeleton::{Keypoints, POINTS};
use crate::tracks::gaps::{TrackPose, height};
use crate::tracks::series::FramePoses;
use framefleet_frames::SequenceType;
use std::collections::BTreeMap;

/// Speeds are means over so many seconds: boxes tremble from frame to frame.
const STEP_SECONDS: f64 = 0.3;
/// Slower than this is on the spot, heights per second; for limbs within the box likewise.
const IDLE: f64 = 0.12;
const LIMBS_IDLE: f64 = 0.35;
/// Who walks is no faster than this, and as steady.
const WALK: f64 = 1.3;
const STEADY: f64 = 0.5;
/// Faster, or less steady, is dynamic.
const FAST: f64 = 1.8;
const UNSTEADY: f64 = 0.8;
/// Number of pose types that diversity counts.
const TYPES: f64 = 7.0;

/// How a person moves, in heights of the person.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Movement {
    /// Way of the box's centre.
    pub path: f64,
    /// Mean speed and its standard deviation, per second.
    pub speed: f64,
    pub speed_std: f64,
    /// Mean speed of limbs against the box, per second.
    pub limbs: f64,
}

/// Movement along a track; `None` when it is too short.
pub fn movement(poses: &[TrackPose], frames: &[FramePoses]) -> Option<Movement> {
    let height = height(poses);
    let time = |pose: &TrackPose| frames[pose.frame].pts_ns as f64 / 1e9;
    let mut movement = Movement::default();
    let (mut speeds, mut limbs) = (Vec::new(), Vec::new());
    let mut from = poses.first()?;
    for pose in &poses[1..] {
        let elapsed = time(pose) - time(from);
        if elapsed < STEP_SECONDS {
            continue;
        }
        let (a, b) = (centre(from), centre(pose));
        let way = (b[0] - a[0]).hypot(b[1] - a[1]) / height;
        movement.path += way;
        speeds.push(way / elapsed);
        limbs.push(limb_way(from, pose) / height / elapsed);
        from = pose;
    }
    if speeds.is_empty() {
        return None;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    movement.speed = mean(&speeds);
    movement.speed_std = mean(&speeds.iter().map(|speed| (speed - movement.speed).powi(2)).collect::<Vec<_>>()).sqrt();
    movement.limbs = mean(&limbs);
    Some(movement)
}

/// The kind of movement, in a word.
pub fn sequence_type(movement: Option<Movement>) -> SequenceType {
    let Some(Movement { speed, speed_std, limbs, .. }) = movement else { return SequenceType::Unspecified };
    if speed > FAST || speed_std > UNSTEADY {
        SequenceType::Dynamic
    } else if speed < IDLE {
        if limbs < LIMBS_IDLE { SequenceType::Idle } else { SequenceType::Moving }
    } else if speed <= WALK && speed_std <= STEADY {
        SequenceType::Walking
    } else {
        SequenceType::Moving
    }
}

/// Entropy of the pose types through the greatest that there is, 0–1.
pub fn diversity(counts: &BTreeMap<i32, u64>) -> f64 {
    let total: u64 = counts.values().sum();
    let shares = counts.values().map(|count| *count as f64 / total.max(1) as f64).filter(|share| *share > 0.0);
    let entropy: f64 = shares.map(|share| -share * share.ln()).sum();
    // −0 would be read as a number below 0.
    (entropy / TYPES.ln()).clamp(0.0, 1.0) + 0.0
}

/// Mean |acceleration| of the keypoints that are visible, pixels per frame², of `which` keypoints of the poses.
pub fn jitter(poses: &[TrackPose], min_visibility: f32, which: impl Fn(&TrackPose) -> &Keypoints) -> Option<f64> {
    let mut all = Vec::new();
    for three in poses.windows(3).filter(|three| three[2].frame - three[0].frame == 2) {
        for point in (0..POINTS).filter(|&point| three.iter().all(|pose| pose.keypoints[point][2] >= min_visibility)) {
            let axis = |axis: usize| {
                let value = |at: usize| f64::from(which(&three[at])[point][axis]);
                (value(0) - 2.0 * value(1) + value(2)).abs()
            };
            all.push(axis(0).hypot(axis(1)));
        }
    }
    (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
}

fn centre(pose: &TrackPose) -> [f64; 2] {
    let [x0, y0, x1, y1] = pose.bbox.map(f64::from);
    [(x0 + x1) / 2.0, (y0 + y1) / 2.0]
}

/// Mean way of the smoothed keypoints against the box's centre.
fn limb_way(from: &TrackPose, to: &TrackPose) -> f64 {
    let (a, b) = (centre(from), centre(to));
    let way = |point: usize| {
        let (p, q) = (from.smoothed[point], to.smoothed[point]);
        let x = f64::from(q[0] - p[0]) - (b[0] - a[0]);
        let y = f64::from(q[1] - p[1]) - (b[1] - a[1]);
        x.hypot(y)
    };
    (0..POINTS).map(way).sum::<f64>() / POINTS as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(speed: f64, speed_std: f64, limbs: f64) -> SequenceType {
        sequence_type(Some(Movement { path: 1.0, speed, speed_std, limbs }))
    }

    #[test]
    fn movements_have_names() {
        assert_eq!(of(0.02, 0.02, 0.1), SequenceType::Idle);
        assert_eq!(of(0.02, 0.02, 0.9), SequenceType::Moving);
        assert_eq!(of(0.8, 0.1, 0.3), SequenceType::Walking);
        assert_eq!(of(0.8, 0.7, 0.3), SequenceType::Moving);
        assert_eq!(of(2.5, 0.3, 0.5), SequenceType::Dynamic);
        assert_eq!(sequence_type(None), SequenceType::Unspecified);
    }

    #[test]
    fn diversity_is_0_for_one_pose_and_1_for_all_alike() {
        assert_eq!(diversity(&BTreeMap::from([(1, 50)])), 0.0);
        assert!((diversity(&(1..=7).map(|kind| (kind, 9)).collect()) - 1.0).abs() < 1e-12);
        assert_eq!(diversity(&BTreeMap::new()), 0.0);
    }
}

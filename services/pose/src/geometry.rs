//! What the limbs of a person say: angles, which side is seen, what the body does. In pixels, y down, so that the image's
//! shape does not bend angles.
use crate::skeleton::{
    Keypoints, LEFT_ANKLE, LEFT_ELBOW, LEFT_HIP, LEFT_KNEE, LEFT_SHOULDER, LEFT_WRIST, NOSE, RIGHT_ANKLE, RIGHT_ELBOW,
    RIGHT_HIP, RIGHT_KNEE, RIGHT_SHOULDER, RIGHT_WRIST, middle,
};
use framefleet_frames::{PoseGeometry, PoseType, PoseView};

/// Shoulders closer than this share of the torso lie behind each other; wider than the other, side by side.
const PROFILE: f32 = 0.35;
const FACING: f32 = 0.6;
/// From the nose to the line of the shoulders, as a share of the torso: stands in for it where the hips are not visible.
const NECK: f32 = 0.5;
/// A torso that leans further is bent, or lies, degrees.
const BENT: f32 = 35.0;
const LEVEL: f32 = 60.0;
/// Knees less than this far below the hips, in torso lengths: the thighs are level, or point at the camera.
const THIGHS_LEVEL: f32 = 0.45;
/// Ankles less than this far below the hips, in torso lengths: crouching.
const HIPS_LOW: f32 = 0.75;
/// A wrist this far above the shoulders, in torso lengths, is raised.
const RAISED: f32 = 0.15;

type Point = [f32; 2];

/// Reads a skeleton; points below `min_visibility` are not used.
pub fn geometry(keypoints: &Keypoints, min_visibility: f32) -> PoseGeometry {
    let body = Body { keypoints, min_visibility };
    let torso = body.torso();
    let shoulders = body.pair(LEFT_SHOULDER, RIGHT_SHOULDER);
    let length = torso.map(|(hips, shoulders)| distance(hips, shoulders)).filter(|length| *length > 1.0);
    let ratio = shoulders.zip(length).map(|((left, right), length)| distance(left, right) / length);
    let tilt = torso
        .filter(|_| length.is_some())
        .map(|(hips, shoulders)| (shoulders[0] - hips[0]).atan2(hips[1] - shoulders[1]).to_degrees());
    let angle = |a, joint, b| body.angle(a, joint, b);
    let mut geometry = PoseGeometry {
        shoulder_angle: shoulders.map(|(left, right)| (left[1] - right[1]).atan2(right[0] - left[0]).to_degrees()),
        torso_tilt: tilt,
        torso_length: length,
        shoulder_ratio: ratio,
        left_elbow: angle(LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST),
        right_elbow: angle(RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST),
        left_shoulder: angle(LEFT_HIP, LEFT_SHOULDER, LEFT_ELBOW),
        right_shoulder: angle(RIGHT_HIP, RIGHT_SHOULDER, RIGHT_ELBOW),
        left_hip: angle(LEFT_SHOULDER, LEFT_HIP, LEFT_KNEE),
        right_hip: angle(RIGHT_SHOULDER, RIGHT_HIP, RIGHT_KNEE),
        left_knee: angle(LEFT_HIP, LEFT_KNEE, LEFT_ANKLE),
        right_knee: angle(RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE),
        ..PoseGeometry::default()
    };
    geometry.arm_symmetry =
        symmetry([(geometry.left_elbow, geometry.right_elbow), (geometry.left_shoulder, geometry.right_shoulder)]);
    geometry.leg_symmetry =
        symmetry([(geometry.left_hip, geometry.right_hip), (geometry.left_knee, geometry.right_knee)]);
    geometry.set_view(body.view(ratio));
    geometry.set_pose_type(body.pose_type(tilt, length));
    rounded(geometry)
}

struct Body<'a> {
    keypoints: &'a Keypoints,
    min_visibility: f32,
}

impl Body<'_> {
    fn point(&self, at: usize) -> Option<Point> {
        let [x, y, visibility] = self.keypoints[at];
        (visibility >= self.min_visibility).then_some([x, y])
    }

    fn pair(&self, left: usize, right: usize) -> Option<(Point, Point)> {
        self.point(left).zip(self.point(right))
    }

    /// The middle of two points, or the one that is visible.
    fn between(&self, left: usize, right: usize) -> Option<Point> {
        match self.pair(left, right) {
            Some(_) => Some(middle(self.keypoints[left], self.keypoints[right])),
            None => self.point(left).or(self.point(right)),
        }
    }

    /// The middle of the hips and that of the shoulders.
    fn torso(&self) -> Option<(Point, Point)> {
        self.between(LEFT_HIP, RIGHT_HIP).zip(self.between(LEFT_SHOULDER, RIGHT_SHOULDER))
    }

    /// The inner angle at a joint, degrees.
    fn angle(&self, a: usize, joint: usize, b: usize) -> Option<f32> {
        let ([ax, ay], [x, y], [bx, by]) = (self.point(a)?, self.point(joint)?, self.point(b)?);
        let ((ux, uy), (vx, vy)) = ((ax - x, ay - y), (bx - x, by - y));
        let (cross, dot) = (ux * vy - uy * vx, ux * vx + uy * vy);
        (cross != 0.0 || dot != 0.0).then(|| cross.atan2(dot).abs().to_degrees())
    }

    /// Which side is seen. A person who faces the camera has the left shoulder on the right of the image.
    fn view(&self, ratio: Option<f32>) -> PoseView {
        let nose = self.point(NOSE);
        let Some((left, right)) = self.pair(LEFT_SHOULDER, RIGHT_SHOULDER) else { return PoseView::Unspecified };
        let by_neck = || {
            let neck = distance(nose?, middle(self.keypoints[LEFT_SHOULDER], self.keypoints[RIGHT_SHOULDER]));
            (neck > 1.0).then(|| distance(left, right) * NECK / neck)
        };
        let Some(ratio) = ratio.or_else(by_neck) else { return PoseView::Unspecified };
        if ratio < PROFILE {
            let shoulders = (left[0] + right[0]) / 2.0;
            return match nose {
                Some(nose) if nose[0] < shoulders => PoseView::LeftProfile,
                Some(_) => PoseView::RightProfile,
                None => PoseView::Oblique,
            };
        }
        match (ratio > FACING, left[0] > right[0]) {
            (true, true) => PoseView::Frontal,
            (true, false) if nose.is_none() => PoseView::Back,
            _ => PoseView::Oblique,
        }
    }

    fn pose_type(&self, tilt: Option<f32>, length: Option<f32>) -> PoseType {
        let (Some(tilt), Some(length), Some((hips, shoulders))) = (tilt, length, self.torso()) else {
            return PoseType::Unspecified;
        };
        if tilt.abs() > LEVEL {
            return PoseType::Lying;
        }
        if tilt.abs() > BENT {
            return PoseType::Bending;
        }
        let below = |left, right| self.between(left, right).map(|point| (point[1] - hips[1]) / length);
        let (knees, ankles) = (below(LEFT_KNEE, RIGHT_KNEE), below(LEFT_ANKLE, RIGHT_ANKLE));
        let Some(knees) = knees else { return PoseType::UpperBody };
        if knees < THIGHS_LEVEL {
            let low = ankles.is_some_and(|ankles| ankles < HIPS_LOW);
            return if low { PoseType::Crouching } else { PoseType::Sitting };
        }
        let raised = |wrist: usize| self.point(wrist).is_some_and(|at| (shoulders[1] - at[1]) / length > RAISED);
        if raised(LEFT_WRIST) || raised(RIGHT_WRIST) { PoseType::ArmsRaised } else { PoseType::Standing }
    }
}

fn distance(a: Point, b: Point) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// Mean of 1 − |left − right| / 180 over the pairs that are there.
fn symmetry(pairs: [(Option<f32>, Option<f32>); 2]) -> Option<f32> {
    let shares: Vec<f32> =
        pairs.into_iter().filter_map(|(left, right)| Some(1.0 - (left? - right?).abs() / 180.0)).collect();
    (!shares.is_empty()).then(|| shares.iter().sum::<f32>() / shares.len() as f32)
}

/// Angles to a tenth of a degree, lengths to a hundredth of a pixel, shares to a thousandth.
fn rounded(of: PoseGeometry) -> PoseGeometry {
    let to = |steps: f32| move |value: f32| (value * steps).round() / steps;
    let angle = |value: Option<f32>| value.map(to(10.0));
    PoseGeometry {
        shoulder_angle: angle(of.shoulder_angle),
        torso_tilt: angle(of.torso_tilt),
        torso_length: of.torso_length.map(to(100.0)),
        shoulder_ratio: of.shoulder_ratio.map(to(1000.0)),
        left_elbow: angle(of.left_elbow),
        right_elbow: angle(of.right_elbow),
        left_shoulder: angle(of.left_shoulder),
        right_shoulder: angle(of.right_shoulder),
        left_hip: angle(of.left_hip),
        right_hip: angle(of.right_hip),
        left_knee: angle(of.left_knee),
        right_knee: angle(of.right_knee),
        arm_symmetry: of.arm_symmetry.map(to(1000.0)),
        leg_symmetry: of.leg_symmetry.map(to(1000.0)),
        ..of
    }
}

#[cfg(test)]
mod tests;

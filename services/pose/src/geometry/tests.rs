//! Skeletons whose view and posture anybody can tell.
use super::*;
use crate::skeleton::POINTS;

/// Somebody who stands and faces the camera, 170 pixels tall: the left side on the right of the image.
fn frontal() -> Keypoints {
    let half = [
        (NOSE, 0.0, 20.0),
        (LEFT_SHOULDER, 20.0, 45.0),
        (LEFT_ELBOW, 26.0, 75.0),
        (LEFT_WRIST, 28.0, 102.0),
        (LEFT_HIP, 13.0, 98.0),
        (LEFT_KNEE, 14.0, 135.0),
        (LEFT_ANKLE, 14.0, 170.0),
    ];
    let mut keypoints = [[100.0, 18.0, 0.9]; POINTS];
    for (at, x, y) in half {
        keypoints[at] = [100.0 + x, y, 0.9];
        if at != NOSE {
            keypoints[at + 1] = [100.0 - x, y, 0.9];
        }
    }
    keypoints
}

/// The same person after a turn of so many degrees about the vertical: 180 shows the back.
fn turned(degrees: f32) -> Keypoints {
    let cos = degrees.to_radians().cos();
    let mut keypoints = frontal().map(|[x, y, v]| [100.0 + (x - 100.0) * cos, y, v]);
    // The nose is before the body: it goes to the side, and is hidden from behind.
    keypoints[NOSE][0] = 100.0 - 12.0 * degrees.to_radians().sin();
    if cos < -0.3 {
        keypoints[NOSE][2] = 0.05;
    }
    keypoints
}

fn of(keypoints: &Keypoints) -> PoseGeometry {
    geometry(keypoints, 0.2)
}

#[test]
fn frontal_back_and_profile_are_told_apart() {
    for (degrees, view) in [
        (0.0, PoseView::Frontal),
        (20.0, PoseView::Frontal),
        (85.0, PoseView::LeftProfile),
        (-85.0, PoseView::RightProfile),
        (180.0, PoseView::Back),
        (160.0, PoseView::Back),
        (58.0, PoseView::Oblique),
    ] {
        assert_eq!(of(&turned(degrees)).view(), view, "{degrees}°: {:?}", of(&turned(degrees)));
    }
}

#[test]
fn a_face_and_shoulders_are_enough_for_the_view() {
    let bust = |degrees: f32| {
        let mut keypoints = turned(degrees);
        keypoints[LEFT_HIP..].iter_mut().for_each(|point| point[2] = 0.0);
        of(&keypoints)
    };
    assert_eq!((bust(0.0).view(), bust(0.0).shoulder_ratio), (PoseView::Frontal, None));
    assert_eq!(bust(88.0).view(), PoseView::LeftProfile);
}

#[test]
fn the_shoulders_of_a_frontal_person_point_left_in_the_picture_and_that_is_frontal() {
    let geometry = of(&frontal());
    assert_eq!(geometry.shoulder_angle.map(f32::abs), Some(180.0));
    assert_eq!((geometry.view(), geometry.pose_type()), (PoseView::Frontal, PoseType::Standing));
    assert_eq!(of(&turned(180.0)).shoulder_angle, Some(0.0));
}

#[test]
fn the_shape_of_the_picture_bends_nothing() {
    // The same person in normalised coordinates of a 2:1 image would seem to lean and to be wide.
    let leaning = frontal().map(|[x, y, v]| [x + 0.5 * (98.0 - y), y, v]);
    let geometry = of(&leaning);
    assert!((geometry.torso_tilt.unwrap() - 26.6).abs() < 0.1, "{geometry:?}");
    assert_eq!(of(&frontal()).torso_tilt, Some(0.0));
}

#[test]
fn joints_have_inner_angles() {
    let mut keypoints = frontal();
    keypoints[LEFT_WRIST] = [keypoints[LEFT_ELBOW][0] + 30.0, keypoints[LEFT_ELBOW][1] - 6.0, 0.9];
    keypoints[RIGHT_KNEE][2] = 0.0;
    let geometry = of(&keypoints);
    assert!((geometry.left_elbow.unwrap() - 90.0).abs() < 0.2, "{geometry:?}");
    assert!(geometry.right_elbow.unwrap() > 170.0 && geometry.left_knee.unwrap() > 175.0);
    assert_eq!((geometry.right_knee, geometry.right_hip), (None, None));
    assert!(geometry.arm_symmetry.unwrap() < 0.8 && of(&frontal()).arm_symmetry == Some(1.0));
}

#[test]
fn postures_are_told_apart() {
    let lying = frontal().map(|[x, y, v]| [y, 200.0 - x, v]);
    assert_eq!(of(&lying).pose_type(), PoseType::Lying);
    let bending = {
        let mut keypoints = frontal();
        for at in [NOSE, LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_ELBOW, RIGHT_ELBOW, LEFT_WRIST, RIGHT_WRIST] {
            let [x, y, v] = keypoints[at];
            keypoints[at] = [x + 0.7 * (98.0 - y), 98.0 - 0.7 * (98.0 - y), v];
        }
        keypoints
    };
    assert_eq!(of(&bending).pose_type(), PoseType::Bending);
    let legs = |knee: f32, ankle: f32| {
        let mut keypoints = frontal();
        for side in 0..2 {
            keypoints[LEFT_KNEE + side][1] = 98.0 + knee;
            keypoints[LEFT_ANKLE + side][1] = 98.0 + ankle;
        }
        keypoints
    };
    assert_eq!(of(&legs(10.0, 45.0)).pose_type(), PoseType::Sitting);
    assert_eq!(of(&legs(5.0, 25.0)).pose_type(), PoseType::Crouching);
    let raised = {
        let mut keypoints = frontal();
        keypoints[LEFT_WRIST][1] = 5.0;
        keypoints
    };
    assert_eq!(of(&raised).pose_type(), PoseType::ArmsRaised);
    let cut_off = {
        let mut keypoints = frontal();
        keypoints[LEFT_KNEE..].iter_mut().for_each(|point| point[2] = 0.0);
        keypoints
    };
    assert_eq!(of(&cut_off).pose_type(), PoseType::UpperBody);
}

#[test]
fn nobody_visible_says_nothing() {
    let hidden = frontal().map(|[x, y, _]| [x, y, 0.0]);
    let geometry = of(&hidden);
    assert_eq!((geometry.view(), geometry.pose_type()), (PoseView::Unspecified, PoseType::Unspecified));
    assert_eq!((geometry.torso_tilt, geometry.left_elbow, geometry.arm_symmetry), (None, None, None));
}

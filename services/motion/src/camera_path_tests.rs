//! Paths of made-up cameras.
use super::*;
use crate::series::tests::frame;

/// A shot in which the content moves by `shift(n)` percent of the width in frame n.
fn shot(count: u64, shift: impl Fn(u64) -> (f64, f64), label: CameraLabel) -> Vec<FrameFacts> {
    let camera = |number| {
        let (dx, dy) = shift(number);
        MotionCamera {
            label: label.into(),
            dx_percent: dx as f32,
            dy_percent: dy as f32,
            zoom: 1.01,
            roll: 0.5,
            ..MotionCamera::default()
        }
    };
    (0..count).map(|number| FrameFacts { camera: Some(camera(number)), ..frame(number) }).collect()
}

#[test]
fn pan_adds_up_and_does_not_shake() {
    let path = camera_path(&shot(51, |_| (0.4, 0.0), CameraLabel::PanLeft), &MotionSettings::default()).unwrap();
    assert!((path.dx - 20.0).abs() < 1e-4 && path.dy.abs() < 1e-9 && (path.length - 20.0).abs() < 1e-4);
    assert!((path.zoom - 1.01_f64.powi(50)).abs() < 1e-4 && (path.roll - 25.0).abs() < 1e-6);
    assert!(path.shake.unwrap() < 1e-6);
    assert_eq!(path.label, CameraLabel::PanLeft);
}

#[test]
fn to_and_fro_is_shake() {
    let swing = |n: u64| if n % 4 < 2 { (0.8, 0.3) } else { (-0.8, -0.3) };
    let path = camera_path(&shot(60, swing, CameraLabel::PanLeft), &MotionSettings::default()).unwrap();
    assert!(path.shake.unwrap() > 0.9, "{path:?}");
    assert_eq!(path.label, CameraLabel::Shake);
}

#[test]
fn trembling_below_the_limit_is_static() {
    let swing = |n: u64| if n.is_multiple_of(2) { (0.02, 0.0) } else { (-0.02, 0.0) };
    let path = camera_path(&shot(60, swing, CameraLabel::Static), &MotionSettings::default()).unwrap();
    assert_eq!((path.shake, path.label), (Some(0.0), CameraLabel::Static));
}

#[test]
fn sampled_frames_stand_for_those_between() {
    let all = shot(51, |_| (0.4, 0.0), CameraLabel::PanLeft);
    let sampled: Vec<FrameFacts> = all.iter().filter(|frame| frame.number % 5 == 0).cloned().collect();
    let (all, sampled) = (
        camera_path(&all, &MotionSettings::default()).unwrap(),
        camera_path(&sampled, &MotionSettings::default()).unwrap(),
    );
    assert!((all.dx - sampled.dx).abs() < 1e-4 && (all.zoom - sampled.zoom).abs() < 1e-4);
}

#[test]
fn no_camera_no_path() {
    assert_eq!(camera_path(&[frame(0), frame(1)], &MotionSettings::default()), None);
    assert_eq!(camera_path(&[], &MotionSettings::default()), None);
}

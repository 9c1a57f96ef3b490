//! Paths of made-up corners.
use super::*;
use crate::prepare::Kept;
use crate::series::tests::frame;
use framefleet_frames::MotionCamera;

const SIZE: (f64, f64) = (640.0, 360.0);

/// Links of one frame.
fn kept(number: u64, links: &[(f64, f64, f64, f64)]) -> MotionTraceFrame {
    let links: Vec<Sample> = links.iter().map(|(x, y, dx, dy)| Sample { x: *x, y: *y, dx: *dx, dy: *dy }).collect();
    trace::frame(number, Kept::default(), &links)
}

#[test]
fn point_is_followed_over_all_frames() {
    let mut joiner = Joiner::new(SIZE, 10, HashSet::new());
    joiner.add(&kept(0, &[]), None);
    for number in 1..=20 {
        let x = 10.0 + 4.0 * (number - 1) as f64;
        joiner.add(&kept(number, &[(x, 50.0, 4.0, 0.0), (300.0, 300.0, 0.0, 0.0)]), None);
    }
    let paths = joiner.finish();
    assert_eq!(paths.len(), 2);
    let moving = paths[0].published(0, 0.8);
    assert_eq!((paths[0].start, moving.x.len()), (0, 21));
    assert_eq!((moving.x[20], moving.y[20]), (90.0, 50.0));
    assert_eq!((moving.total_length, moving.average_speed), (80.0, 100.0));
}

#[test]
fn corner_that_is_missing_for_a_while_is_coasted_over_by_its_neighbour() {
    let mut joiner = Joiner::new(SIZE, 10, HashSet::new());
    for number in 1..=12 {
        let x = 10.0 + 4.0 * (number - 1) as f64;
        let mut links = vec![(x + 20.0, 60.0, 4.0, 0.0)];
        if !(5..8).contains(&number) {
            links.push((x, 50.0, 4.0, 0.0));
        }
        joiner.add(&kept(number, &links), None);
    }
    let paths = joiner.finish();
    assert_eq!(paths.iter().map(|path| path.points.len()).collect::<Vec<_>>(), vec![13, 13]);
}

#[test]
fn paths_end_at_cuts_and_at_missing_frames() {
    let mut joiner = Joiner::new(SIZE, 10, HashSet::from([10]));
    for number in (1..=20).filter(|number| *number != 15) {
        joiner.add(&kept(number, &[(100.0, 100.0, 0.0, 0.0)]), None);
    }
    let ranges: Vec<(u64, u64)> = joiner.finish().iter().map(|path| (path.start, path.frames_end())).collect();
    assert_eq!(ranges, vec![(0, 10), (10, 15), (15, 21)]);
}

#[test]
fn camera_is_taken_out_of_the_object_path() {
    let mut joiner = Joiner::new(SIZE, 10, HashSet::new());
    for number in 1..=10 {
        let x = 10.0 + 5.0 * (number - 1) as f64;
        let camera = MotionCamera { dx: 5.0, zoom: 1.0, ..MotionCamera::default() };
        let facts = FrameFacts { camera: Some(camera), ..frame(number) };
        joiner.add(&kept(number, &[(x, 50.0, 5.0, 0.0)]), Some(&facts));
    }
    let path = joiner.finish()[0].published(0, 1.0);
    assert!(path.total_length > 49.9 && path.object_length < 1e-3, "{path:?}");
    assert!((path.object_x[10] - 10.0).abs() < 1e-3);
}

#[test]
fn the_longest_paths_are_kept() {
    let mut joiner = Joiner::new(SIZE, 2, HashSet::new());
    for number in 1..=10 {
        let step = (number - 1) as f64;
        let links: Vec<_> =
            (0..5).map(|row| (10.0 + step * f64::from(row), 60.0 * f64::from(row), f64::from(row), 0.0)).collect();
        joiner.add(&kept(number, &links), None);
    }
    let lengths: Vec<f32> = joiner.finish().iter().map(|path| path.published(0, 1.0).total_length).collect();
    assert_eq!(lengths, vec![30.0, 40.0]);
}

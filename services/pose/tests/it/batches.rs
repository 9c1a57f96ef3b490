//! Micro-batches of one and of eight: what the stage makes of them differs by rounding alone (docs/quality.md).
use crate::harness::{Results, film, frames, picture, run_with};
use framefleet_stage::Stage as _;
use framefleet_testkit::sample;
use framefleet_testkit_models::host_in_batches;
use framefleet_testkit_stage::{Film, Step};
use pose::{PoseSettings, PoseStage};

/// Pixels by which points may differ; they are published in hundredths.
const BOUND: f32 = 0.05;

fn in_batches(items: usize, film: &Film, settings: &PoseSettings) -> Results {
    let host = host_in_batches("pose", &PoseStage::needs(settings), items).unwrap();
    run_with(&Step::load(&host, settings).unwrap(), film)
}

/// Persons, and how far their boxes, keypoints and landmarks are apart at most, pixels.
fn apart(film: &Film, settings: &PoseSettings) -> (usize, f32) {
    let (alone, together) = (in_batches(1, film, settings), in_batches(8, film, settings));
    let (mut count, mut pixels) = (0, 0.0_f32);
    for (frame, poses) in &alone.poses {
        let others = &together.poses[frame];
        assert_eq!(poses.len(), others.len(), "frame {frame}");
        for (pose, other) in poses.iter().zip(others) {
            count += 1;
            let places = |pose: &framefleet_frames::Pose| {
                let keypoints = pose.keypoints.as_chunks::<3>().0.iter().flat_map(|[x, y, _]| [*x, *y]);
                let landmarks = pose.landmarks.as_chunks::<4>().0.iter().flat_map(|[x, y, ..]| [*x, *y]);
                pose.r#box.iter().copied().chain(keypoints).chain(landmarks).collect::<Vec<f32>>()
            };
            pixels = places(pose).iter().zip(places(other)).map(|(a, b)| (a - b).abs()).fold(pixels, f32::max);
        }
    }
    assert_eq!(alone.tracks.len(), together.tracks.len());
    (count, pixels)
}

#[test]
fn poses_in_micro_batches_are_those_of_one_at_a_time() {
    let portrait = film(&vec![picture(&sample("astronaut.png").unwrap()); 4], 25);
    let street = film(&frames(&sample("vtest.avi").unwrap(), 300, 6, 768, 576), 10);
    let crowd = PoseSettings { tiles: 2, ..PoseSettings::default() };
    for (name, film, settings, least) in
        [("portrait", &portrait, PoseSettings::default(), 4), ("pedestrians", &street, crowd, 12)]
    {
        let (count, pixels) = apart(film, &settings);
        println!("{name}: {count} poses, points {pixels:.2} px apart at most");
        assert!(count >= least && pixels <= BOUND, "{name}: {count} {pixels}");
    }
}

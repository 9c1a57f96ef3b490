//! The 33 points against MediaPipe's own run of the same networks (`tools/parity/blazepose.py` made the numbers).
#![cfg(test)]

mod harness;

use framefleet_testkit::sample;
use harness::{Footage, picture};
use pose::{Detector, PoseSettings};
use serde_json::Value;

/// Mean distance of the points from the reference's, as a share of the person's size (diagonal of the box around the points).
const MEAN: f32 = 0.01;

fn reference() -> Vec<[f32; 4]> {
    let expected: Value = serde_json::from_str(include_str!("parity/blazepose.json")).unwrap();
    let points = expected["points"].as_array().unwrap();
    points.iter().map(|point| std::array::from_fn(|at| point[at].as_f64().unwrap() as f32)).collect()
}

#[test]
fn landmarks_lie_where_the_reference_has_them() {
    let settings = PoseSettings { detector: Detector::Blazepose, min_score: 0.5, ..PoseSettings::default() };
    let results = Footage::still(picture(&sample("astronaut.png").unwrap())).run(&settings);
    let [pose] = &results.poses[&0][..] else { panic!("one person: {:?}", results.poses) };
    let (ours, theirs) = (pose.landmarks.as_chunks::<4>().0, reference());
    assert_eq!((ours.len(), theirs.len()), (33, 33));
    let bound = |axis: usize, pick: fn(f32, f32) -> f32| theirs.iter().map(|point| point[axis]).reduce(pick).unwrap();
    let size = (bound(0, f32::max) - bound(0, f32::min)).hypot(bound(1, f32::max) - bound(1, f32::min));
    let distance = |(a, b): (&[f32; 4], &[f32; 4])| (a[0] - b[0]).hypot(a[1] - b[1]) / size;
    let all: Vec<f32> = ours.iter().zip(&theirs).map(distance).collect();
    let mean = all.iter().sum::<f32>() / 33.0;
    let depth = ours.iter().zip(&theirs).map(|(a, b)| (a[2] - b[2]).abs() / size).sum::<f32>() / 33.0;
    let visibility = ours.iter().zip(&theirs).map(|(a, b)| (a[3] - b[3]).abs()).sum::<f32>() / 33.0;
    let worst = all.iter().copied().reduce(f32::max).unwrap();
    println!("mean {mean:.5}, worst {worst:.5}, depth {depth:.5} of the person's size; visibility {visibility:.4}");
    assert!(mean < MEAN, "mean distance {mean} of {size:.0} pixels: {all:?}");
    assert!(depth < 0.03 && visibility < 0.03, "depth {depth}, visibility {visibility}");
}

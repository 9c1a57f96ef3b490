//! The 33 points against MediaPipe's own run of the same models (`tools/parity/blazepose.py` made the numbers).

use crate::harness::{picture, run_with, step, still};
use framefleet_testkit::sample;
use pose::{Detector, PoseSettings};
use serde_json::Value;

/// What a point may be off on the average, as a share of the person's size (diagonal of the box around the points).
const MEAN: f32 = 0.003;

fn reference(name: &str) -> Vec<[f32; 4]> {
    let expected: Value = serde_json::from_str(include_str!("../parity/blazepose.json")).unwrap();
    let points = expected["pictures"][name].as_array().unwrap();
    points.iter().map(|point| std::array::from_fn(|at| point[at].as_f64().unwrap() as f32)).collect()
}

#[test]
fn landmarks_lie_where_the_reference_has_them() {
    let settings = PoseSettings { detector: Detector::Blazepose, min_score: 0.5, ..PoseSettings::default() };
    let step = step(&settings);
    for name in ["astronaut.png", "basketball1.png"] {
        let results = run_with(&step, &still(&picture(&sample(name).unwrap())));
        let pose = results.poses[&0].first().unwrap();
        let (ours, theirs) = (pose.landmarks.as_chunks::<4>().0, reference(name));
        assert_eq!((ours.len(), theirs.len()), (33, 33));
        let bound =
            |axis: usize, pick: fn(f32, f32) -> f32| theirs.iter().map(|point| point[axis]).reduce(pick).unwrap();
        let size = (bound(0, f32::max) - bound(0, f32::min)).hypot(bound(1, f32::max) - bound(1, f32::min));
        let mean = |off: &dyn Fn(&[f32; 4], &[f32; 4]) -> f32| {
            ours.iter().zip(&theirs).map(|(a, b)| off(a, b)).sum::<f32>() / 33.0
        };
        let place = mean(&|a, b| (a[0] - b[0]).hypot(a[1] - b[1]) / size);
        let depth = mean(&|a, b| (a[2] - b[2]).abs() / size);
        // Of points outside the picture ours is 0.
        let visibility = mean(&|a, b| if a[3] > 0.0 { (a[3] - b[3]).abs() } else { 0.0 });
        println!(
            "{name}: place {place:.5}, depth {depth:.5} of the person's size ({size:.0} px); visibility {visibility:.5}"
        );
        assert!(place < MEAN && depth < MEAN && visibility < 0.01, "{name}: {place} {depth} {visibility}");
    }
}

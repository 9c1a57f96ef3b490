//! Micro-batches of one and of eight: what the stage makes of them differs by rounding alone (docs/quality.md).
use crate::harness::{Footage, Results, read, resize};
use framefleet_stage::Stage as _;
use framefleet_testkit::sample;
use framefleet_testkit_models::host_in_batches;
use segmentation::{SegmentationSettings, SegmentationStage, Stereo};

/// Of a mask's pixels, how many may differ.
const BOUND: f64 = 1e-3;

fn in_batches(items: usize, footage: &Footage, settings: &SegmentationSettings) -> Results {
    let host = host_in_batches("segmentation", &SegmentationStage::needs(settings), items).unwrap();
    footage.run_on(&host, settings)
}

/// Masks, and the largest share of one's pixels that is another's alone.
fn apart(footage: &Footage, settings: &SegmentationSettings) -> (usize, f64) {
    let (alone, together) = (in_batches(1, footage, settings), in_batches(8, footage, settings));
    let (mut count, mut share) = (0, 0.0_f64);
    for (frame, masks) in &alone.masks {
        let others = &together.masks[frame];
        assert_eq!(masks.len(), others.len(), "frame {frame}");
        for (mask, other) in masks.iter().zip(others) {
            count += 1;
            let mut different = opencv::core::Mat::default();
            let [one, two] = [mask, other].map(crate::harness::picture);
            opencv::core::bitwise_xor_def(&one, &two, &mut different).unwrap();
            share = share.max(f64::from(opencv::core::count_non_zero(&different).unwrap()) / mask.area as f64);
        }
    }
    (count, share)
}

#[test]
fn masks_in_micro_batches_are_those_of_one_at_a_time() {
    let portrait = resize(&read(&sample("astronaut.png").unwrap()), 640, 640);
    let footage = |count: usize| Footage::new(vec![portrait.clone(); count]);
    let plain = SegmentationSettings::default();
    let persons = footage(10).with_persons(&[[0.0, 0.0, 448.0, 640.0], [200.0, 0.0, 640.0, 640.0]]);
    let steady = SegmentationSettings { steady_frames: 2, ..plain.clone() };
    let stereo = SegmentationSettings { stereo: Stereo::SideBySide, ..plain.clone() };
    for (name, footage, settings) in [
        ("frames", &footage(10), &plain),
        ("persons", &persons, &plain),
        ("steady", &footage(10), &steady),
        ("eyes", &footage(3), &stereo),
    ] {
        let (count, share) = apart(footage, settings);
        println!("{name}: {count} masks, {share:.1e} of a mask's pixels differ at most");
        assert!(count >= 3 && share <= BOUND, "{name}: {count} {share}");
    }
}

//! Micro-batches of one and of eight: what the stage makes of them differs by rounding alone (docs/quality.md).
use crate::harness::{Footage, tale};
use framefleet_frames::Mouth;
use framefleet_stage::Stage as _;
use framefleet_testkit_models::host_in_batches;
use framefleet_testkit_stage::{Step, only};
use sync::{SyncSettings, SyncStage};

/// How much apertures (shares of a mouth's width) may differ, and mouths' places, pixels.
const BOUND: f32 = 1e-3;

#[test]
fn mouths_in_micro_batches_are_those_of_one_at_a_time() {
    let footage = Footage::talking(&tale()[..24_000], None);
    let settings = SyncSettings::default();
    let in_batches = |items: usize| -> Vec<Mouth> {
        let host = host_in_batches("sync", &SyncStage::needs(&settings), items).unwrap();
        let records = footage.process(&Step::load(&host, &settings).unwrap());
        records.each(only!(Mouth)).flat_map(|(_, mouths)| mouths).collect()
    };
    let (alone, together) = (in_batches(1), in_batches(8));
    assert_eq!(alone.len(), together.len());
    let pairs = || alone.iter().zip(&together);
    let aperture = pairs().map(|(a, b)| (a.aperture - b.aperture).abs()).fold(0.0, f32::max);
    let places = pairs().flat_map(|(a, b)| a.centre.iter().zip(&b.centre)).map(|(a, b)| (a - b).abs());
    let place = places.fold(0.0, f32::max);
    println!("mouths: {}, apertures {aperture:.1e} of a width and places {place:.1e} px apart", alone.len());
    assert!(alone.len() >= 30 && aperture <= BOUND && place <= BOUND, "{} {aperture} {place}", alone.len());
}

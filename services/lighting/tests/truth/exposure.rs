//! Exposure, clipping, contrast, lightness and key level.
use crate::{grain, lighting, lit};
use framefleet_frames::KeyLevel;
use framefleet_testkit::{Picture, Sphere};

#[test]
fn a_grey_card_is_correctly_exposed() {
    let found = lighting(&lit(64, 36, |_, _| 0.18));
    assert!(found.exposure_ev.abs() < 0.02, "{}", found.exposure_ev);
    assert!(found.exposure_log_ev.abs() < 0.02, "{}", found.exposure_log_ev);
    assert_eq!(found.zones[5], 1.0, "all of it lies in zone V");
    assert!((found.lightness_median - 49.5).abs() < 0.5, "{}", found.lightness_median);
}

#[test]
fn four_times_the_light_is_two_stops() {
    let scene = |gain: f64| lighting(&lit(320, 180, |x, y| gain * grain(x, y) * (0.02 + 0.1 * f64::from(x) / 320.0)));
    let (dim, bright) = (scene(1.0), scene(4.0));
    assert!((bright.exposure_ev - dim.exposure_ev - 2.0).abs() < 0.05);
    assert!((bright.exposure_log_ev - dim.exposure_log_ev - 2.0).abs() < 0.05);
    assert!((bright.contrast_rms - dim.contrast_rms).abs() < 0.02, "contrast does not depend on exposure");
    assert!((bright.dynamic_range_stops - dim.dynamic_range_stops).abs() < 0.15);
}

#[test]
fn exposure_is_the_mean_of_light_and_not_of_codes() {
    let half = lit(100, 100, |x, _| if x < 50 { 1.0 } else { 0.0 });
    let found = lighting(&half);
    assert!((found.exposure_ev - (0.5_f32 / 0.18).log2()).abs() < 1e-3, "{}", found.exposure_ev);
    assert!((found.contrast_rms - 1.0).abs() < 1e-3);
    assert!((found.contrast_michelson - 1.0).abs() < 1e-3);
}

#[test]
fn clipping_shares_are_exact() {
    let picture = Picture::from_fn(100, 10, |x, _| match x {
        0..3 => [255, 255, 255],
        3..7 => [12, 254, 40],
        7..20 => [253, 253, 253],
        20..25 => [0, 0, 0],
        25..30 => [1, 0, 1],
        30..40 => [2, 0, 0],
        _ => [100, 100, 100],
    });
    let found = lighting(&picture);
    assert_eq!((found.clipped_high, found.clipped_low), (0.07, 0.1));
}

#[test]
fn dynamic_range_is_counted_in_stops() {
    let steps = lit(160, 90, |x, _| if x < 80 { 0.4 } else { 0.4 / 32.0 });
    let found = lighting(&steps);
    assert!((found.dynamic_range_stops - 5.0).abs() < 0.1, "{}", found.dynamic_range_stops);
}

#[test]
fn zones_and_lightness_bins_are_shares() {
    let found = lighting(&lit(110, 10, |x, _| (0.18 * (f64::from(x / 10) - 5.0).exp2()).min(1.0)));
    assert!((found.zones.iter().sum::<f32>() - 1.0).abs() < 1e-4);
    assert!((found.lightness_histogram.iter().sum::<f32>() - 1.0).abs() < 1e-4);
    assert_eq!((found.zones.len(), found.lightness_histogram.len()), (11, 5));
    // Half and twice the light of the card lie one zone away from it.
    for zone in 0..=6 {
        assert!((found.zones[zone] - 1.0 / 11.0).abs() < 1e-3, "zone {zone}: {:?}", found.zones);
    }
}

#[test]
fn key_levels_are_told_apart() {
    let sphere = Sphere { key: 0.35, background: 0.9, ambient: 0.5, ..Sphere::lit_from(320, 180, 40.0, 20.0) };
    assert_eq!(lighting(&sphere.paint()).key(), KeyLevel::High);
    assert_eq!(lighting(&Sphere::lit_from(320, 180, 70.0, 20.0).paint()).key(), KeyLevel::Low);
    assert_eq!(lighting(&lit(320, 180, |x, y| 0.18 * grain(x, y))).key(), KeyLevel::Normal);
}

#[test]
fn the_grid_says_where_light_is() {
    let found = lighting(&lit(320, 160, |x, y| if x >= 240 && y < 40 { 0.18 } else { 0.0 }));
    assert_eq!(found.grid_lightness.len(), 16);
    assert!((found.grid_lightness[3] - 49.5).abs() < 1.0, "{:?}", found.grid_lightness);
    assert!(found.grid_lightness.iter().enumerate().all(|(i, lightness)| i == 3 || *lightness < 0.5));
    assert!(found.grid_variance > 100.0);
    assert!(lighting(&lit(320, 160, |_, _| 0.3)).grid_variance < 1e-3);
}

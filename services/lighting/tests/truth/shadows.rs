//! Shadows.
use crate::{grain, lighting, lit, rgb8};
use framefleet_frames::{LightDirection, ShadowEdge, Shadows};
use framefleet_testkit::{Picture, Sphere};
use lighting::{LightingSettings, measure};

/// A lit wall (0.6) whose left part lies in a shadow `depth` stops deep, with a linear penumbra `penumbra` pixels wide.
fn wall(share: f64, depth: f64, penumbra: f64) -> Picture {
    let (width, height) = (640, 360);
    let dark = (-depth).exp2();
    lit(width, height, |x, y| {
        let lit = ((f64::from(x) + 0.5 - share * f64::from(width)) / penumbra.max(1e-3) + 0.5).clamp(0.0, 1.0);
        0.6 * grain(x, y) * (dark + (1.0 - dark) * lit)
    })
}

fn shadows(picture: &Picture) -> Shadows {
    lighting(picture).shadows.unwrap()
}

#[test]
fn shadow_area_is_the_area_of_the_shadow() {
    for depth in [2.0, 3.0, 5.0] {
        for share in [0.05, 0.2, 0.5, 0.8, 0.95] {
            let found = shadows(&wall(share, depth, 0.0));
            assert!((f64::from(found.area_share) - share).abs() < 0.03, "{share} at {depth} stops: {found:?}");
            assert!((f64::from(found.depth_stops.unwrap()) - depth).abs() < 0.3, "{share} at {depth} stops: {found:?}");
        }
    }
}

#[test]
fn evenly_lit_pictures_have_no_shadow() {
    for picture in [lit(64, 64, |_, _| 0.4), lit(640, 360, |x, y| 0.1 * grain(x, y)), wall(0.5, 0.7, 0.0)] {
        let found = shadows(&picture);
        assert_eq!(found, Shadows::default());
    }
}

#[test]
fn edges_are_measured_and_named() {
    for (penumbra, edge) in [(0.0, ShadowEdge::Hard), (9.0, ShadowEdge::Medium), (50.0, ShadowEdge::Soft)] {
        let found = shadows(&wall(0.4, 3.0, penumbra));
        assert_eq!(found.edge(), edge, "{penumbra} px: {found:?}");
        if penumbra > 0.0 {
            // A linear ramp takes 80 % of its width from 10 to 90 %.
            let truth = 0.8 * penumbra / 360.0;
            assert!((f64::from(found.edge_width.unwrap()) / truth - 1.0).abs() < 0.25, "{penumbra} px: {found:?}");
        }
    }
}

#[test]
fn settings_decide_whether_and_how_deep_shadows_are() {
    let picture = rgb8(&wall(0.3, 2.0, 0.0));
    let off = LightingSettings { shadows: false, ..LightingSettings::default() };
    assert_eq!(measure(&picture, &off).unwrap().shadows, None);
    let deep = LightingSettings { shadow_stops: 3.0, ..LightingSettings::default() };
    assert_eq!(measure(&picture, &deep).unwrap().shadows.unwrap().area_share, 0.0);
}

/// D-14: the compass was rotated by 90°, shadow area was 30 % by construction, ratios were taken of gamma-encoded values.
#[test]
fn d14_compass_shadow_area_and_linear_light() {
    let right = lighting(&Sphere::lit_from(640, 360, 75.0, 0.0).paint()).source.unwrap();
    assert_eq!(right.direction(), LightDirection::Right);
    let top = lighting(&Sphere::lit_from(640, 360, 0.0, 70.0).paint()).source.unwrap();
    assert_eq!(top.direction(), LightDirection::Top);
    let areas = [0.1, 0.3, 0.6].map(|share| shadows(&wall(share, 3.0, 0.0)).area_share);
    assert!(areas[0] < 0.15 && (0.25..0.35).contains(&areas[1]) && areas[2] > 0.55, "{areas:?}");
    let [dim, bright] = [0.05, 0.2].map(|light| lighting(&lit(64, 64, |_, _| light)).exposure_ev);
    assert!((bright - dim - 2.0).abs() < 0.05, "{dim} {bright}");
}

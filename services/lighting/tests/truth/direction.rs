//! Where the light comes from.
use crate::{grain, lighting, lit, rgb8};
use framefleet_frames::{LightDirection, LightSource, LightingSetup};
use framefleet_testkit::{Picture, Similarity, Sphere, Texture};
use lighting::{LightingSettings, measure};

const NAMES: [LightDirection; 8] = [
    LightDirection::Right,
    LightDirection::TopRight,
    LightDirection::Top,
    LightDirection::TopLeft,
    LightDirection::Left,
    LightDirection::BottomLeft,
    LightDirection::Bottom,
    LightDirection::BottomRight,
];

fn source(picture: &Picture) -> LightSource {
    lighting(picture).source.unwrap()
}

/// A sphere lit from `azimuth` (0 = right, 90 = top) at `elevation` over the picture plane, degrees.
fn sphere(azimuth: f64, elevation: f64) -> Sphere {
    let (azimuth, elevation) = (azimuth.to_radians(), elevation.to_radians());
    let [x, up, z] = [azimuth.cos() * elevation.cos(), azimuth.sin() * elevation.cos(), elevation.sin()];
    let lamp = Sphere::lit_from(640, 360, x.atan2(z).to_degrees(), up.asin().to_degrees());
    Sphere { radius: 100.0, ambient: 0.1, ..lamp }
}

/// The sphere off the centre, on a grainy background.
fn off_centre(sphere: &Sphere, dx: f64, dy: f64) -> Picture {
    lit(sphere.width, sphere.height, |x, y| {
        let (u, v) = (f64::from(x) - dx, f64::from(y) - dy);
        let grain = if sphere.normal(u, v).is_some() { 1.0 } else { grain(x, y) };
        (sphere.radiance(u, v) * grain).min(1.0)
    })
}

/// Degrees between two directions.
fn between(a: f64, b: f64) -> f64 {
    (a - b + 180.0).rem_euclid(360.0) - 180.0
}

#[test]
fn eight_directions_are_named_right_on_three_backgrounds() {
    for background in [0.02, 0.18, 0.7] {
        for (index, name) in NAMES.into_iter().enumerate() {
            let truth = index as f64 * 45.0;
            for elevation in [-10.0, 20.0, 45.0] {
                let sphere = Sphere { background, ..sphere(truth, elevation) };
                let found = source(&off_centre(&sphere, 150.0, -30.0));
                let context = format!("{name:?} at {elevation}° on {background}: {found:?}");
                assert_eq!(found.direction(), name, "{context}");
                assert!(between(found.azimuth.unwrap().into(), truth).abs() < 10.0, "{context}");
                assert!((f64::from(found.elevation.unwrap()) - elevation).abs() < 12.0, "{context}");
                assert!(found.confidence > 0.4, "{context}");
            }
        }
    }
}

#[test]
fn directions_between_the_names_are_measured() {
    for truth in [17.0, 100.0, 200.0, 293.0] {
        let found = source(&Sphere { background: 0.05, ..sphere(truth, 15.0) }.paint());
        assert!(between(found.azimuth.unwrap().into(), truth).abs() < 5.0, "{truth}: {found:?}");
    }
}

#[test]
fn the_direction_does_not_depend_on_exposure() {
    let lamp = sphere(135.0, 25.0);
    let dim = Sphere { key: lamp.key / 8.0, ambient: lamp.ambient / 8.0, background: lamp.background / 8.0, ..lamp };
    let (bright, dim) = (source(&lamp.paint()), source(&dim.paint()));
    assert_eq!(bright.direction(), dim.direction());
    assert!(between(bright.azimuth.unwrap().into(), dim.azimuth.unwrap().into()).abs() < 3.0);
}

#[test]
fn light_from_the_camera_is_frontal_and_flat() {
    for background in [0.02, 0.7] {
        let found = source(&Sphere { background, ..sphere(0.0, 85.0) }.paint());
        assert_eq!((found.direction(), found.azimuth), (LightDirection::Front, None), "{found:?}");
        assert!(found.elevation.unwrap() > 70.0, "{found:?}");
    }
}

#[test]
fn textures_without_shading_have_no_direction() {
    let mut pictures: Vec<Picture> =
        (0..6).map(|seed| Texture::noise(seed).view(640, 360, &Similarity::default())).collect();
    pictures.push(lit(640, 360, |x, y| if (x / 40 + y / 40) % 2 == 0 { 0.6 } else { 0.03 }));
    pictures.push(lit(640, 360, |x, y| 0.4 * grain(x, y)));
    pictures.push(lit(
        640,
        360,
        |x, y| if (f64::from(x) - 200.0).hypot(f64::from(y) - 180.0) < 90.0 { 0.7 } else { 0.1 },
    ));
    for (index, picture) in pictures.iter().enumerate() {
        let found = source(picture);
        assert_eq!(found.direction(), LightDirection::Diffuse, "picture {index}: {found:?}");
        assert!(
            found.confidence < 0.25 && found.azimuth.is_none() && found.key_fill_stops.is_none(),
            "{index}: {found:?}"
        );
    }
}

#[test]
fn key_over_fill_is_counted_in_stops() {
    let stops = |ambient: f64| {
        let found = source(&Sphere { key: 0.6, ambient, background: 0.02, ..sphere(45.0, 30.0) }.paint());
        (found.key_fill_stops.unwrap(), found.setup())
    };
    for ambient in [0.02_f64, 0.1, 0.3] {
        let truth = ((0.6 + ambient) / ambient).log2() as f32;
        let (found, setup) = stops(ambient);
        assert!((found - truth).abs() < 0.5, "{truth} stops: {found}");
        let expected = if truth > 3.5 { LightingSetup::SingleKey } else { LightingSetup::TwoPoint };
        assert_eq!(setup, expected, "{found} stops");
    }
}

#[test]
fn a_rim_light_is_seen() {
    let key = Sphere { key: 0.25, ambient: 0.06, background: 0.01, ..sphere(180.0, 35.0) };
    let rim = |x: u32, y: u32| {
        let (dx, dy) = (f64::from(x) - 319.5, f64::from(y) - 179.5);
        dx > 20.0 && (96.0..100.0).contains(&dx.hypot(dy))
    };
    let with = lit(640, 360, |x, y| if rim(x, y) { 0.9 } else { key.radiance(x.into(), y.into()) });
    assert!(!source(&key.paint()).rim);
    let found = source(&with);
    assert!(found.rim, "{found:?}");
    assert_eq!(found.setup(), LightingSetup::ThreePoint);
}

#[test]
fn profiles_agree_on_a_large_subject() {
    let picture = rgb8(&sphere(225.0, 20.0).paint());
    for analysis_side in [160, 256, 640] {
        let settings = LightingSettings { analysis_side, ..LightingSettings::default() };
        let found = measure(&picture, &settings).unwrap().source.unwrap();
        assert_eq!(found.direction(), LightDirection::BottomLeft, "{analysis_side}: {found:?}");
    }
}

#[test]
fn settings_decide_whether_and_when_a_direction_is_named() {
    let picture = rgb8(&sphere(0.0, 50.0).paint());
    let off = LightingSettings { direction: false, ..LightingSettings::default() };
    assert_eq!(measure(&picture, &off).unwrap().source, None);
    let strict = LightingSettings { direction_confidence: 1.0, ..LightingSettings::default() };
    assert_eq!(measure(&picture, &strict).unwrap().source.unwrap().direction(), LightDirection::Diffuse);
}

//! Pictures that have no light, no size or no structure.
use crate::{lighting, lit};
use framefleet_frames::annotation::Value as AnnotationValue;
use framefleet_frames::{
    Annotation, Image, LightDirection, LightingSetup, PixelFormat, TemperatureLabel, annotation::to_json,
};
use framefleet_testkit::Picture;
use lighting::{LightingSettings, measure};
use proptest::prelude::*;
use serde_json::Value;

/// Fields that may be absent; anything else that is null was no number.
const OPTIONAL: [&str; 11] = [
    "exposure_delta_ev",
    "x",
    "y",
    "cct",
    "duv",
    "azimuth",
    "elevation",
    "key_fill_stops",
    "threshold_stops",
    "depth_stops",
    "edge_width",
];

/// Names of the fields that are null and must not be.
fn wrong_nulls(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match value {
                Value::Null if !OPTIONAL.contains(&name.as_str()) => vec![name.clone()],
                other => wrong_nulls(other),
            })
            .collect(),
        Value::Array(values) if values.iter().any(Value::is_null) => vec!["an element".to_owned()],
        _ => Vec::new(),
    }
}

/// Measures a picture and checks that its record holds.
fn checked(picture: &Picture) -> framefleet_frames::Lighting {
    let found = lighting(picture);
    let record = to_json(&Annotation { instance: 0, value: Some(AnnotationValue::Lighting(found.clone())) }).unwrap();
    assert_eq!(wrong_nulls(&Value::Object(record)), Vec::<String>::new());
    found
}

#[test]
fn black_is_dark_and_says_nothing_else() {
    let found = checked(&Picture::filled(64, 48, [0; 3]));
    assert!((found.exposure_ev + 10.2).abs() < 0.1, "{}", found.exposure_ev);
    assert_eq!((found.clipped_low, found.contrast_rms, found.dynamic_range_stops), (1.0, 0.0, 0.0));
    let (illuminant, source) = (found.illuminant.unwrap(), found.source.unwrap());
    assert_eq!((illuminant.x, illuminant.temperature()), (None, TemperatureLabel::Unspecified));
    assert_eq!((source.direction(), source.setup()), (LightDirection::Diffuse, LightingSetup::LowKey));
    assert_eq!(found.shadows.unwrap().area_share, 0.0);
}

#[test]
fn white_is_bright_and_clipped() {
    let found = checked(&Picture::filled(64, 48, [255; 3]));
    assert!((found.exposure_ev - 2.474).abs() < 0.001, "{}", found.exposure_ev);
    assert_eq!((found.clipped_high, found.lightness_mean), (1.0, 100.0));
    assert_eq!(found.source.unwrap().setup(), LightingSetup::HighKey);
}

#[test]
fn one_colour_has_no_contrast() {
    let found = checked(&Picture::filled(64, 48, [90, 120, 30]));
    assert_eq!((found.contrast_michelson, found.grid_variance), (0.0, 0.0));
    assert!(found.contrast_rms < 1e-6);
}

#[test]
fn tiny_pictures_are_measured() {
    for (width, height) in [(1, 1), (2, 1), (1, 640), (640, 2), (2, 2), (15, 17), (17, 16), (3, 300)] {
        let found = checked(&lit(width, height, |x, y| f64::from((x + y) % 7) / 7.0));
        assert!((found.zones.iter().sum::<f32>() - 1.0).abs() < 1e-4, "{width}×{height}");
        assert_eq!(found.grid_lightness.len(), 16, "{width}×{height}");
    }
}

#[test]
fn pictures_that_are_no_proxies_are_refused() {
    let settings = LightingSettings::default();
    let empty = Image::new(PixelFormat::Rgb8, 0, 10, Vec::new()).unwrap();
    assert!(measure(&empty, &settings).unwrap_err().to_string().contains("empty"));
    let deep = Image::new(PixelFormat::Rgb16, 2, 2, vec![0_u8; 24]).unwrap();
    assert!(measure(&deep, &settings).unwrap_err().to_string().contains("8-bit RGB"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_picture_has_a_valid_record(
        (width, height) in (1..40_u32, 1..40_u32),
        bytes in prop::collection::vec(any::<u8>(), 1..200),
    ) {
        let picture = Picture::from_fn(width, height, |x, y| {
            std::array::from_fn(|c| bytes[(x as usize * 3 + y as usize * 11 + c) % bytes.len()])
        });
        let found = checked(&picture);
        prop_assert!((0.0..=1.0).contains(&found.source.unwrap().confidence));
        prop_assert!((0.0..=1.0).contains(&found.shadows.unwrap().area_share));
        prop_assert!(found.lightness_p10 <= found.lightness_median && found.lightness_median <= found.lightness_p90);
    }
}

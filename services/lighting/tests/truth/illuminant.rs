//! Colour of the light.
use crate::{lighting, lit, rgb8};
use framefleet_frames::{Illuminant, TemperatureLabel, TintLabel};
use framefleet_testkit::{Picture, temperature_rgb};
use lighting::{LightingSettings, measure};

fn illuminant(picture: &Picture) -> Illuminant {
    lighting(picture).illuminant.unwrap()
}

#[test]
fn neutral_grey_is_daylight() {
    for level in [0.05, 0.18, 0.6] {
        let found = illuminant(&lit(40, 30, |_, _| level));
        assert!((found.cct.unwrap() - 6500.0).abs() < 150.0, "{found:?}");
        assert!((found.x.unwrap() - 0.3127).abs() < 0.001 && (found.y.unwrap() - 0.3290).abs() < 0.001);
        assert_eq!((found.temperature(), found.tint()), (TemperatureLabel::Neutral, TintLabel::Neutral));
    }
}

#[test]
fn patches_have_their_temperature() {
    let labels = [
        (3000.0, TemperatureLabel::Warm),
        (4500.0, TemperatureLabel::Warm),
        (6000.0, TemperatureLabel::Neutral),
        (9500.0, TemperatureLabel::Cool),
    ];
    for (kelvin, label) in labels {
        let found = illuminant(&Picture::filled(32, 32, temperature_rgb(kelvin, 0.5)));
        assert!((f64::from(found.cct.unwrap()) - kelvin).abs() < kelvin * 0.025, "{kelvin} K: {found:?}");
        assert_eq!(found.temperature(), label, "{kelvin} K");
    }
}

#[test]
fn clipped_pixels_have_no_say() {
    let mut picture = Picture::filled(40, 40, temperature_rgb(3200.0, 0.3));
    let unclipped = illuminant(&picture);
    for y in 0..20 {
        (0..40).for_each(|x| picture.set(x, y, [255, 255, 255]));
    }
    assert_eq!(illuminant(&picture), unclipped);
}

#[test]
fn tints_are_named() {
    assert_eq!(illuminant(&Picture::filled(8, 8, [120, 140, 120])).tint(), TintLabel::Green);
    assert_eq!(illuminant(&Picture::filled(8, 8, [140, 120, 140])).tint(), TintLabel::Magenta);
}

#[test]
fn saturated_colours_have_no_temperature_but_a_label() {
    let red = illuminant(&Picture::filled(8, 8, [200, 10, 10]));
    assert_eq!((red.cct, red.temperature()), (None, TemperatureLabel::Warm));
    let blue = illuminant(&Picture::filled(8, 8, [10, 10, 200]));
    assert_eq!((blue.cct, blue.temperature()), (None, TemperatureLabel::Cool));
}

#[test]
fn the_setting_leaves_colour_out() {
    let settings = LightingSettings { temperature: false, ..LightingSettings::default() };
    assert_eq!(measure(&rgb8(&lit(8, 8, |_, _| 0.3)), &settings).unwrap().illuminant, None);
}

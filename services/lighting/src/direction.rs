//! Where the light comes from, and how the frame seems to be lit.
use crate::plane::Plane;
use crate::rounding::published;
use crate::shading::Shading;
use crate::subject;
use framefleet_frames::{KeyLevel, LightDirection, LightSource, LightingSetup};
use framefleet_vision::VisionError;

/// Shading over this share of the frame is enough to be sure of a direction that it agrees on.
const ENOUGH: f64 = 0.04;
/// Light from this elevation or higher comes from the camera, degrees.
const FRONT: f64 = 60.0;
/// Shadows this many stops under the key light have no fill.
const NO_FILL: f64 = 3.0;

/// The directions from the right, counter-clockwise, 45° each.
const COMPASS: [LightDirection; 8] = [
    LightDirection::Right,
    LightDirection::TopRight,
    LightDirection::Top,
    LightDirection::TopLeft,
    LightDirection::Left,
    LightDirection::BottomLeft,
    LightDirection::Bottom,
    LightDirection::BottomRight,
];

/// The light source of a frame; a direction is named when its confidence reaches `least_confidence`.
pub fn measure(plane: &Plane, key: KeyLevel, least_confidence: f64) -> Result<LightSource, VisionError> {
    let diffuse = LightSource {
        direction: LightDirection::Diffuse.into(),
        setup: setup(None, false, key).into(),
        ..LightSource::default()
    };
    let Some(shading) = Shading::find(plane)? else { return Ok(diffuse) };
    let share = shading.share();
    let enough = (share / ENOUGH).min(1.0);
    let ([x, y], slopes) = shading.sum(None);
    let agreement = if slopes > 0.0 { x.hypot(y) / slopes } else { 0.0 };
    let diffuse = LightSource { shaded_share: published(share), confidence: published(agreement * enough), ..diffuse };
    let Some(found) = shading.subject(plane)? else { return Ok(diffuse) };

    let elevation = subject::elevation(plane, &found)?;
    let frontal = elevation.filter(|elevation| elevation.degrees >= FRONT);
    let front = frontal.is_some();
    // Frontal light shades to all sides: there the fit is what agrees, or not.
    let confidence = enough * frontal.map_or(agreement, |elevation| elevation.explained);
    if confidence < least_confidence {
        return Ok(diffuse);
    }
    let azimuth = azimuth(x, y);
    let stops = subject::key_fill_stops(plane, &found)?;
    let rim = subject::rim(plane, &found)?;
    let direction = if front { LightDirection::Front } else { compass(azimuth) };
    Ok(LightSource {
        direction: direction.into(),
        azimuth: (!front).then(|| published(azimuth)),
        elevation: elevation.map(|elevation| published(elevation.degrees)),
        confidence: published(confidence),
        shaded_share: published(share),
        key_fill_stops: Some(published(stops)),
        rim,
        setup: setup((!front).then_some(stops), rim, key).into(),
    })
}

/// Degrees, [0, 360), counter-clockwise from the right, of a vector whose y points down.
fn azimuth(x: f64, y: f64) -> f64 {
    let degrees = (-y).atan2(x).to_degrees().rem_euclid(360.0);
    // What rounds to a full turn is no turn.
    if degrees >= 359.9995 { 0.0 } else { degrees }
}

/// Name of an azimuth.
pub fn compass(degrees: f64) -> LightDirection {
    COMPASS[(degrees / 45.0).round().rem_euclid(8.0) as usize % 8]
}

/// The set-up: with a directional key by what fills its shadows, without one by the key level.
fn setup(directional_stops: Option<f64>, rim: bool, key: KeyLevel) -> LightingSetup {
    match (directional_stops, key) {
        (Some(stops), _) if stops >= NO_FILL => LightingSetup::SingleKey,
        (Some(_), _) if rim => LightingSetup::ThreePoint,
        (Some(_), _) => LightingSetup::TwoPoint,
        (None, KeyLevel::High) => LightingSetup::HighKey,
        (None, KeyLevel::Low) => LightingSetup::LowKey,
        (None, KeyLevel::Normal | KeyLevel::Unspecified) => LightingSetup::Flat,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compass_starts_at_the_right_and_goes_up() {
        let names: Vec<_> = (0..8).map(|eighth| compass(f64::from(eighth) * 45.0)).collect();
        assert_eq!(names, COMPASS);
        assert_eq!(compass(22.0), LightDirection::Right);
        assert_eq!(compass(23.0), LightDirection::TopRight);
        assert_eq!(compass(338.0), LightDirection::Right);
        assert_eq!(azimuth(0.0, -1.0), 90.0);
        assert_eq!(azimuth(1.0, 1e-9), 0.0);
    }
}

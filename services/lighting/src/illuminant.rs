//! Colour of the light: shades of grey, McCamy's temperature and Ohno's distance to the Planckian locus.
use crate::photometry::Photometry;
use crate::rounding::published;
use framefleet_frames::{Illuminant, TemperatureLabel, TintLabel};
use framefleet_vision::colour::{chromaticity, linear_of_code};

/// Order of the Minkowski mean (Finlayson and Trezzi, "Shades of Gray and Colour Constancy", 2004).
const ORDER: i32 = 6;
/// Range of temperatures, kelvin, over which McCamy's polynomial is good.
const VALID_CCT: std::ops::RangeInclusive<f64> = 2800.0..=12000.0;
/// Farther from the Planckian locus than this, a colour has no temperature.
const VALID_DUV: f64 = 0.05;
/// A white-balanced picture is lit by D65 (6504 K, Duv 0.003); the labels speak of visible departures from it, ours: some
/// 30 mired of temperature and 0.007 of Duv.
const WARM_BELOW: f64 = 5400.0;
const COOL_ABOVE: f64 = 8000.0;
const GREEN_ABOVE: f64 = 0.010;
const MAGENTA_BELOW: f64 = -0.004;

/// The illuminant of a frame, from the pixels that are neither clipped nor black. Without any, nothing is set.
pub fn measure(photometry: &Photometry) -> Illuminant {
    chromaticity(minkowski_mean(photometry)).map_or_else(Illuminant::default, describe)
}

/// Minkowski mean of each linear channel.
fn minkowski_mean(photometry: &Photometry) -> [f64; 3] {
    photometry.trusted.each_ref().map(|counts| {
        let codes = counts.iter().zip(linear_of_code());
        let sum: f64 = codes.map(|(&count, &linear)| f64::from(count) * f64::from(linear).powi(ORDER)).sum();
        let pixels: u64 = counts.iter().map(|&count| u64::from(count)).sum();
        (sum / pixels.max(1) as f64).powf(1.0 / f64::from(ORDER))
    })
}

/// Temperature, tint and their labels of a chromaticity.
fn describe([x, y]: [f64; 2]) -> Illuminant {
    let (cct, duv) = (mccamy(x, y), duv(x, y));
    let valid = VALID_CCT.contains(&cct) && duv.abs() < VALID_DUV;
    Illuminant {
        x: Some(published(x)),
        y: Some(published(y)),
        cct: valid.then(|| published(cct)),
        duv: Some(published(duv)),
        temperature: temperature_label(x, cct).into(),
        tint: tint_label(duv).into(),
    }
}

/// Correlated colour temperature, kelvin (McCamy 1992). Beyond its epicentre, and for extreme colours, not meaningful.
fn mccamy(x: f64, y: f64) -> f64 {
    let n = (x - 0.3320) / (0.1858 - y);
    449.0 * n.powi(3) + 3525.0 * n.powi(2) + 6823.3 * n + 5520.33
}

/// Signed distance to the Planckian locus in CIE 1960 uv, positive above it (Ohno, "Practical Use and Calculation of CCT
/// and Duv", 2014, eq. 4-7; his polynomial describes the locus around a point below it).
fn duv(x: f64, y: f64) -> f64 {
    const LOCUS: [f64; 7] = [-0.471106, 1.925865, -2.4243787, 1.5317403, -0.5179722, 0.0893944, -0.00616793];
    let scale = -2.0 * x + 12.0 * y + 3.0;
    let (u, v) = (4.0 * x / scale, 6.0 * y / scale);
    let distance = (u - 0.292).hypot(v - 0.240);
    // At the centre the angle is undefined, and any will do.
    let angle = ((u - 0.292) / distance.max(f64::MIN_POSITIVE)).clamp(-1.0, 1.0).acos();
    distance - polynomial(&LOCUS, angle)
}

/// Value of a polynomial, lowest coefficient first.
fn polynomial(coefficients: &[f64], at: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * at + coefficient)
}

/// McCamy's cubic turns around for very saturated colours, so that blue has to be told by its x.
fn temperature_label(x: f64, cct: f64) -> TemperatureLabel {
    const SATURATED_BLUE: f64 = 0.26;
    if x < SATURATED_BLUE || cct > COOL_ABOVE {
        TemperatureLabel::Cool
    } else if cct < WARM_BELOW {
        TemperatureLabel::Warm
    } else {
        TemperatureLabel::Neutral
    }
}

/// Which side of the locus the light is on.
fn tint_label(duv: f64) -> TintLabel {
    if duv > GREEN_ABOVE {
        TintLabel::Green
    } else if duv < MAGENTA_BELOW {
        TintLabel::Magenta
    } else {
        TintLabel::Neutral
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_illuminants_have_their_temperature() {
        // CIE 15: A, D50, D65, D75.
        for (x, y, cct) in [
            (0.44758, 0.40745, 2856.0),
            (0.34567, 0.35850, 5003.0),
            (0.31272, 0.32903, 6504.0),
            (0.29902, 0.31485, 7504.0),
        ] {
            let found = mccamy(x, y);
            assert!((found - cct).abs() < 20.0, "{cct}: {found}");
        }
    }

    #[test]
    fn distance_to_the_locus_is_signed() {
        assert!(
            duv(0.44758, 0.40745).abs() < 0.0005,
            "illuminant A is a Planckian radiator: {}",
            duv(0.44758, 0.40745)
        );
        assert!((duv(0.31272, 0.32903) - 0.0032).abs() < 0.0005, "D65 lies above the locus: {}", duv(0.31272, 0.32903));
        assert!(duv(0.31272, 0.36) > 0.01);
        assert!(duv(0.31272, 0.30) < -0.01);
    }
}

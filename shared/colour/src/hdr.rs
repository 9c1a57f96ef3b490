//! From high dynamic range to the standard range of proxies, which stages and their models know (sRGB, BT.709 primaries).
//!
//! PQ and HLG are those of ITU-R BT.2100, with BT.2020 primaries, for a display of 1000 cd/m²: what is brighter is white. HDR
//! reference white, 203 cd/m² (ITU-R BT.2408), becomes the white of the proxy; what is up to half as bright keeps its place,
//! highlights are compressed by the curve of ITU-R BT.2390-10 §5.4.1, by the largest channel, so that hues stay.
use framefleet_frames::Item;
use std::sync::LazyLock;

/// Brightest light of the source, cd/m².
const SOURCE_PEAK: f32 = 1000.0;
/// Light that becomes white, cd/m².
const WHITE: f32 = 203.0;
/// Exponent of the system gamma that HLG has on a display of 1000 cd/m².
const HLG_GAMMA: f32 = 1.2;
/// Luminance of linear BT.2020 RGB.
const LUMINANCE: [f32; 3] = [0.2627, 0.6780, 0.0593];
/// Linear BT.2020 RGB to linear BT.709 RGB (ITU-R BT.2087), row by row.
const TO_BT709: [[f32; 3]; 3] = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]];
/// Steps of the table of gains.
const STEPS: usize = 4096;

/// How samples stand for light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Perceptual quantiser, SMPTE ST 2084: light of the display.
    Pq,
    /// Hybrid log-gamma, ARIB STD-B67: light of the scene.
    Hlg,
}

/// Light that a 16-bit code stands for: cd/m² for PQ, 0..1 of the scene for HLG.
static PQ_LIGHT: LazyLock<Vec<f32>> = LazyLock::new(|| table(|code| pq_to_light(code) as f32));
static HLG_LIGHT: LazyLock<Vec<f32>> = LazyLock::new(|| table(|code| hlg_to_light(code) as f32));
/// sRGB code of 16-bit linear light.
static SRGB: LazyLock<Vec<u8>> = LazyLock::new(|| table(|light| (linear_to_srgb(light) * 255.0).round() as u8));
/// What light is multiplied by, by the root of its share of the source's peak.
static GAIN: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let gain = |step: usize| {
        let light = (step as f64 / STEPS as f64).powi(2) * f64::from(SOURCE_PEAK);
        if step == 0 { 1.0 } else { (compressed(light) / light) as f32 }
    };
    (0..=STEPS).map(gain).collect()
});

impl Transfer {
    /// The transfer of an item's samples; `None` when its range is standard.
    pub fn of(item: &Item) -> Option<Self> {
        match item.colour.as_ref()?.transfer.as_str() {
            "smpte2084" => Some(Self::Pq),
            "arib-std-b67" => Some(Self::Hlg),
            _ => None,
        }
    }

    /// Converts pixels of little-endian 16-bit RGB to 8-bit RGB.
    pub fn to_sdr(self, rgb16: &[u8], rgb8: &mut [u8]) {
        for (to, from) in rgb8.as_chunks_mut::<3>().0.iter_mut().zip(rgb16.as_chunks::<6>().0) {
            let code = |at: usize| usize::from(u16::from_le_bytes([from[at], from[at + 1]]));
            *to = pixel(self.light([code(0), code(2), code(4)]));
        }
    }

    /// Light of the display, cd/m².
    fn light(self, code: [usize; 3]) -> [f32; 3] {
        match self {
            Self::Pq => code.map(|code| PQ_LIGHT[code]),
            Self::Hlg => {
                let scene = code.map(|code| HLG_LIGHT[code]);
                let luminance: f32 = scene.iter().zip(LUMINANCE).map(|(light, weight)| light * weight).sum();
                let system = SOURCE_PEAK * luminance.powf(HLG_GAMMA - 1.0);
                scene.map(|light| light * system)
            }
        }
    }
}

/// A pixel of the proxy.
fn pixel(light: [f32; 3]) -> [u8; 3] {
    let brightest = light.iter().copied().fold(0.0, f32::max);
    let scale = (SOURCE_PEAK / brightest).min(1.0);
    let step = (brightest * scale / SOURCE_PEAK).sqrt() * STEPS as f32;
    let light = light.map(|light| light * scale * GAIN[(step.round() as usize).min(STEPS)] / WHITE);
    TO_BT709.map(|row| {
        let value: f32 = row.iter().zip(light).map(|(weight, light)| weight * light).sum();
        SRGB[(value.clamp(0.0, 1.0) * 65535.0).round() as usize]
    })
}

/// A table over all 16-bit codes.
fn table<T>(of: impl Fn(f64) -> T) -> Vec<T> {
    (0..=u16::MAX).map(|code| of(f64::from(code) / 65535.0)).collect()
}

const PQ_M1: f64 = 2610.0 / 16384.0;
const PQ_M2: f64 = 2523.0 / 4096.0 * 128.0;
const PQ_C1: f64 = 3424.0 / 4096.0;
const PQ_C2: f64 = 2413.0 / 4096.0 * 32.0;
const PQ_C3: f64 = 2392.0 / 4096.0 * 32.0;

/// cd/m² of a PQ value 0..1.
fn pq_to_light(value: f64) -> f64 {
    let root = value.powf(1.0 / PQ_M2);
    10_000.0 * ((root - PQ_C1).max(0.0) / (PQ_C2 - PQ_C3 * root)).powf(1.0 / PQ_M1)
}

/// PQ value 0..1 of light in cd/m².
fn light_to_pq(light: f64) -> f64 {
    let power = (light / 10_000.0).powf(PQ_M1);
    ((PQ_C1 + PQ_C2 * power) / (1.0 + PQ_C3 * power)).powf(PQ_M2)
}

/// Light of the scene 0..1 of an HLG value 0..1.
fn hlg_to_light(value: f64) -> f64 {
    const A: f64 = 0.178_832_77;
    const B: f64 = 0.284_668_92;
    const C: f64 = 0.559_910_73;
    if value <= 0.5 { value * value / 3.0 } else { (((value - C) / A).exp() + B) / 12.0 }
}

/// Light as the display of the proxy can show it, both in cd/m²: a line up to a knee, then a Hermite spline, in PQ.
fn compressed(light: f64) -> f64 {
    let peak = light_to_pq(f64::from(SOURCE_PEAK));
    let value = light_to_pq(light) / peak;
    let most = light_to_pq(f64::from(WHITE)) / peak;
    let knee = 1.5 * most - 0.5;
    if value <= knee {
        return light;
    }
    let t = (value - knee) / (1.0 - knee);
    let (t2, t3) = (t * t, t * t * t);
    let spline = (2.0 * t3 - 3.0 * t2 + 1.0) * knee + (t3 - 2.0 * t2 + t) * (1.0 - knee) + (3.0 * t2 - 2.0 * t3) * most;
    pq_to_light(spline * peak)
}

/// Encodes linear light 0..1 as an sRGB value 0..1 (IEC 61966-2-1).
fn linear_to_srgb(linear: f64) -> f64 {
    if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The proxy of a grey of so many cd/m².
    fn grey(transfer: Transfer, light: f64) -> u8 {
        let value = match transfer {
            Transfer::Pq => light_to_pq(light),
            Transfer::Hlg => {
                // The inverse of the curve, by bisection.
                let scene = (light / 1000.0).powf(1.0 / 1.2);
                (0..50)
                    .fold((0.0, 1.0), |(low, high), _| {
                        let middle = (low + high) / 2.0;
                        if hlg_to_light(middle) < scene { (middle, high) } else { (low, middle) }
                    })
                    .0
            }
        };
        let code = ((value * 65535.0).round() as u16).to_le_bytes();
        let mut rgb = [0; 3];
        transfer.to_sdr(&code.repeat(3), &mut rgb);
        assert!(rgb[0].abs_diff(rgb[1]) <= 1 && rgb[1].abs_diff(rgb[2]) <= 1, "{light} cd/m² is not grey: {rgb:?}");
        rgb[1]
    }

    #[test]
    fn the_curve_of_pq_is_that_of_its_standard() {
        // Table of ITU-R BT.2408: 203 cd/m² is 58 % PQ, 1000 cd/m² is 75 %, and 75 % HLG is 203 cd/m².
        assert!((light_to_pq(203.0) - 0.58).abs() < 0.005);
        assert!((light_to_pq(1000.0) - 0.75).abs() < 0.005);
        assert!((1000.0 * hlg_to_light(0.75).powf(1.2) - 203.0).abs() < 1.0);
        for light in [0.01, 1.0, 100.0, 10_000.0] {
            assert!((pq_to_light(light_to_pq(light)) / light - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn shadows_and_midtones_keep_their_place_below_white() {
        for transfer in [Transfer::Pq, Transfer::Hlg] {
            for light in [1.0, 5.0, 20.0, 36.5, 80.0] {
                let expected = (linear_to_srgb(light / 203.0) * 255.0).round() as u8;
                assert!(grey(transfer, light).abs_diff(expected) <= 1, "{transfer:?} {light}");
            }
        }
    }

    #[test]
    fn highlights_rise_to_white_and_end_there() {
        for transfer in [Transfer::Pq, Transfer::Hlg] {
            let steps: Vec<u8> = (1..=20).map(|step| grey(transfer, f64::from(step) * 50.0)).collect();
            assert!(steps.is_sorted(), "{steps:?}");
            assert!(steps[3] < 250 && steps[19] >= 254, "{steps:?}");
        }
        assert_eq!(grey(Transfer::Pq, 4000.0), 255);
        assert_eq!(grey(Transfer::Pq, 0.0), 0);
    }
}

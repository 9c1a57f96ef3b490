//! sRGB's transfer function and whites of a given colour temperature.
use crate::Picture;

/// Linear light 0..1 from an sRGB code value 0..1 (IEC 61966-2-1).
pub fn srgb_decode(code: f64) -> f64 {
    if code <= 0.04045 { code / 12.92 } else { ((code + 0.055) / 1.055).powf(2.4) }
}

/// The 8-bit sRGB code of linear light, clipped to 0..1.
pub fn srgb_encode(linear: f64) -> u8 {
    let linear = linear.clamp(0.0, 1.0);
    let code = if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
    (code * 255.0).round() as u8
}

/// CIE 1931 (x, y) of a white of this correlated colour temperature: from 4000 K to 25,000 K the CIE daylight locus (CIE
/// 15:2004), so that 6504 K is D65; from 1667 K to 4000 K the Planckian locus, by the cubic of Kim et al. (US patent
/// 7024034, 2002).
pub fn chromaticity(kelvin: f64) -> (f64, f64) {
    let polynomial = |c: [f64; 4], v: f64| ((c[0] * v + c[1]) * v + c[2]) * v + c[3];
    let t = 1000.0 / kelvin;
    if kelvin >= 4000.0 {
        let x = if kelvin <= 7000.0 {
            polynomial([-4.6070, 2.9678, 0.09911, 0.244063], t)
        } else {
            polynomial([-2.0064, 1.9018, 0.24748, 0.237040], t)
        };
        return (x, -3.0 * x * x + 2.870 * x - 0.275);
    }
    let x = polynomial([-0.2661239, -0.2343589, 0.8776956, 0.179910], t);
    let y = if kelvin <= 2222.0 {
        polynomial([-1.1063814, -1.34811020, 2.18555832, -0.20219683], x)
    } else {
        polynomial([-0.9549476, -1.37418593, 2.09137015, -0.16748867], x)
    };
    (x, y)
}

/// 8-bit sRGB of a white of this colour temperature whose largest channel has linear light `level` (0..1). Below about
/// 1900 K blue leaves sRGB and is clipped.
pub fn temperature_rgb(kelvin: f64, level: f64) -> [u8; 3] {
    let (x, y) = chromaticity(kelvin);
    let xyz = [x / y, 1.0, (1.0 - x - y) / y];
    let linear = XYZ_TO_SRGB.map(|row| (row[0] * xyz[0] + row[1] * xyz[1] + row[2] * xyz[2]).max(0.0));
    let largest = linear.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    linear.map(|value| srgb_encode(value / largest * level))
}

/// Columns of equal width, one for each colour temperature, from left to right.
pub fn temperature_patches(width: u32, height: u32, kelvins: &[f64], level: f64) -> Picture {
    let colours: Vec<[u8; 3]> = kelvins.iter().map(|&kelvin| temperature_rgb(kelvin, level)).collect();
    let column = |x: u32| (x as usize * colours.len()) / width as usize;
    Picture::from_fn(width, height, |x, _| colours.get(column(x)).copied().unwrap_or_default())
}

/// IEC 61966-2-1, D65.
const XYZ_TO_SRGB: [[f64; 3]; 3] =
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d65_is_grey_and_the_loci_bend_the_right_way() {
        let [r, g, b] = temperature_rgb(6504.0, 0.5);
        assert!(r.abs_diff(g) <= 1 && g.abs_diff(b) <= 1, "{r} {g} {b}");
        assert!(temperature_rgb(2856.0, 0.5)[0] > temperature_rgb(2856.0, 0.5)[2] + 60);
        assert!(temperature_rgb(9000.0, 0.5)[2] > temperature_rgb(9000.0, 0.5)[0] + 20);
    }

    #[test]
    fn illuminant_a_has_its_chromaticity() {
        let (x, y) = chromaticity(2856.0);
        assert!((x - 0.44758).abs() < 2e-3 && (y - 0.40745).abs() < 2e-3, "{x} {y}");
    }

    #[test]
    fn srgb_inverts() {
        for code in 0..=255u8 {
            assert_eq!(srgb_encode(srgb_decode(f64::from(code) / 255.0)), code);
        }
    }
}

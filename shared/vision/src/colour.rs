//! Colour: grey, linear light, CIE XYZ and lightness. RGB is sRGB with BT.709 primaries and D65 white throughout.
use crate::{VisionError, mat::view};
use framefleet_frames::{Image, PixelFormat};
use opencv::{core::Mat, imgproc};
use std::sync::LazyLock;

/// Weights of linear red, green and blue in luminance (ITU-R BT.709-6, item 3.2).
pub const LUMINANCE_WEIGHTS: [f64; 3] = [0.2126, 0.7152, 0.0722];

/// Linear RGB to CIE XYZ (IEC 61966-2-1, D65), row by row.
const XYZ_OF_RGB: [[f64; 3]; 3] = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]];

/// CIE 1976 lightness is a cube root above this luminance and a line below it: (6/29)³.
const LIGHTNESS_KNEE: f64 = 216.0 / 24389.0;
/// Slope of that line: (29/3)³.
const LIGHTNESS_SLOPE: f64 = 24389.0 / 27.0;

/// Linear light of every 8-bit sRGB code, 0..1.
static LINEAR_OF_CODE: LazyLock<[f32; 256]> =
    LazyLock::new(|| std::array::from_fn(|code| srgb_to_linear(code as f64 / 255.0) as f32));

/// Decodes an sRGB value 0..1 to linear light 0..1 (IEC 61966-2-1).
pub fn srgb_to_linear(encoded: f64) -> f64 {
    if encoded <= 0.04045 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

/// Encodes linear light 0..1 as an sRGB value 0..1 (IEC 61966-2-1).
pub fn linear_to_srgb(linear: f64) -> f64 {
    if linear <= 0.0031308 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

/// Linear light of every 8-bit sRGB code, 0..1: [`srgb_to_linear`] as a table.
pub fn linear_of_code() -> &'static [f32; 256] {
    &LINEAR_OF_CODE
}

/// Luminance of linear RGB, 1 = white.
pub fn luminance(rgb: [f64; 3]) -> f64 {
    LUMINANCE_WEIGHTS.iter().zip(rgb).map(|(weight, value)| weight * value).sum()
}

/// CIE XYZ of linear RGB, Y = 1 for white.
pub fn xyz(rgb: [f64; 3]) -> [f64; 3] {
    XYZ_OF_RGB.map(|row| row.iter().zip(rgb).map(|(weight, value)| weight * value).sum())
}

/// CIE 1931 chromaticity (x, y) of linear RGB; `None` for black, which has none.
pub fn chromaticity(rgb: [f64; 3]) -> Option<[f64; 2]> {
    let [x, y, z] = xyz(rgb);
    let sum = x + y + z;
    (sum > 0.0).then(|| [x / sum, y / sum])
}

/// CIE 1976 lightness L*, 0..100, of a luminance 0..1.
pub fn lightness(luminance: f64) -> f64 {
    if luminance <= LIGHTNESS_KNEE { luminance * LIGHTNESS_SLOPE } else { 116.0 * luminance.cbrt() - 16.0 }
}

/// The grey image that trackers and flow want: luma of the encoded values (BT.601 weights, OpenCV's `RGB2GRAY`), one
/// channel, the image's own depth. It is no measure of light: see [`linear_of_code`].
///
/// # Errors
/// As [`view`].
pub fn grey(image: &Image) -> Result<Mat, VisionError> {
    let pixels = view(image)?;
    let mut grey = Mat::default();
    match image.format() {
        PixelFormat::Rgb8 | PixelFormat::Rgb16 => imgproc::cvt_color_def(&pixels, &mut grey, imgproc::COLOR_RGB2GRAY)?,
        PixelFormat::Rgba8 | PixelFormat::Rgba16 => {
            imgproc::cvt_color_def(&pixels, &mut grey, imgproc::COLOR_RGBA2GRAY)?
        }
        PixelFormat::Grey8 | PixelFormat::Grey16 | PixelFormat::Unspecified => {
            opencv::core::MatTraitConst::copy_to(&pixels, &mut grey)?;
        }
    }
    Ok(grey)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::prelude::*;
    use proptest::prelude::*;

    #[test]
    fn middle_grey_is_not_half_the_light() {
        assert!((srgb_to_linear(0.5) - 0.21404).abs() < 1e-5);
        assert!((f64::from(linear_of_code()[118]) - 0.1812).abs() < 1e-4);
        assert_eq!((linear_of_code()[0], linear_of_code()[255]), (0.0, 1.0));
    }

    #[test]
    fn white_is_d65_and_fully_light() {
        let [x, y] = chromaticity([1.0; 3]).unwrap();
        assert!((x - 0.3127).abs() < 1e-4 && (y - 0.3290).abs() < 1e-4);
        assert!((luminance([1.0; 3]) - 1.0).abs() < 1e-12);
        assert!((lightness(1.0) - 100.0).abs() < 1e-9);
        assert!((lightness(0.18) - 49.496).abs() < 1e-3);
    }

    #[test]
    fn black_has_no_chromaticity() {
        assert_eq!(chromaticity([0.0; 3]), None);
    }

    #[test]
    fn grey_takes_every_format() {
        for (format, bytes) in [(PixelFormat::Grey8, 4), (PixelFormat::Rgb8, 12), (PixelFormat::Rgba8, 16)] {
            let image = Image::new(format, 2, 2, vec![90_u8; bytes]).unwrap();
            assert_eq!(*grey(&image).unwrap().at_2d::<u8>(1, 1).unwrap(), 90);
        }
        let deep = Image::new(PixelFormat::Rgb16, 1, 1, vec![0x34_u8, 0x12, 0x34, 0x12, 0x34, 0x12]).unwrap();
        assert_eq!(*grey(&deep).unwrap().at_2d::<u16>(0, 0).unwrap(), 0x1234);
    }

    proptest! {
        #[test]
        fn encoding_undoes_decoding(value in 0.0..=1.0_f64) {
            prop_assert!((linear_to_srgb(srgb_to_linear(value)) - value).abs() < 1e-6);
        }

        #[test]
        fn more_light_is_lighter(a in 0.0..=1.0_f64, b in 0.0..=1.0_f64) {
            prop_assert_eq!(a < b, lightness(a) < lightness(b));
        }
    }
}

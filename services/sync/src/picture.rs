//! Pictures of any format as 8-bit RGB.
use framefleet_media::{Image, PixelFormat};
use framefleet_vision::{VisionError, mat};
use opencv::boxed_ref::BoxedRef;
use opencv::core::{CV_8U, Mat};
use opencv::imgproc;
use opencv::prelude::*;

/// What 16-bit values are divided by.
const DEEP: f64 = 257.0;

/// The picture as `CV_8UC3` in the order red, green, blue; a view where it is that already. Alpha is dropped.
///
/// # Errors
/// As [`mat::view`].
pub fn rgb(image: &Image) -> Result<BoxedRef<'_, Mat>, VisionError> {
    let view = mat::view(image)?;
    let code = match image.format() {
        PixelFormat::Rgb8 => return Ok(view),
        PixelFormat::Grey8 | PixelFormat::Grey16 => Some(imgproc::COLOR_GRAY2RGB),
        PixelFormat::Rgba8 | PixelFormat::Rgba16 => Some(imgproc::COLOR_RGBA2RGB),
        PixelFormat::Rgb16 | PixelFormat::Unspecified => None,
    };
    let mut colours = Mat::default();
    match code {
        Some(code) => imgproc::cvt_color_def(&view, &mut colours, code)?,
        None => view.copy_to(&mut colours)?,
    }
    if colours.depth() == CV_8U {
        return Ok(BoxedRef::from(colours));
    }
    let mut bytes = Mat::default();
    colours.convert_to(&mut bytes, CV_8U, 1.0 / DEEP, 0.0)?;
    Ok(BoxedRef::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::{CV_8UC3, Vec3b};

    #[test]
    fn every_format_becomes_the_same() {
        let deep: Vec<u8> = [10_u16, 20, 30, 65535]
            .iter()
            .flat_map(|v| if *v == 65535 { 65535 } else { v * 257 }.to_le_bytes())
            .collect();
        let pictures = [
            (PixelFormat::Rgb8, vec![10, 20, 30]),
            (PixelFormat::Rgba8, vec![10, 20, 30, 255]),
            (PixelFormat::Rgb16, deep[..6].to_vec()),
            (PixelFormat::Rgba16, deep),
        ];
        for (format, data) in pictures {
            let image = Image::new(format, 1, 1, data).unwrap();
            let rgb = rgb(&image).unwrap();
            assert_eq!((rgb.typ(), rgb.at_2d::<Vec3b>(0, 0).unwrap().0), (CV_8UC3, [10, 20, 30]), "{format:?}");
        }
        let grey = Image::new(PixelFormat::Grey16, 1, 1, vec![7, 7]).unwrap();
        assert_eq!(rgb(&grey).unwrap().at_2d::<Vec3b>(0, 0).unwrap().0, [7; 3]);
    }
}

//! Images as OpenCV matrices.
use crate::VisionError;
use framefleet_frames::{Image, PixelFormat};
use opencv::boxed_ref::BoxedRef;
use opencv::core::{self, Mat, VecN};
use opencv::imgproc;
use opencv::prelude::*;

/// A view of `image` as a matrix of `height` rows and `width` columns with the image's channels in its own (RGB) order:
/// `CV_8UC1/3/4` or `CV_16UC1/3/4`. Nothing is copied and the view cannot outlive the image; only 16-bit pixels that start
/// at an odd address are copied, since nothing may read them in place.
///
/// # Errors
/// An empty image, one larger than OpenCV can count, or one of unspecified format.
pub fn view(image: &Image) -> Result<BoxedRef<'_, Mat>, VisionError> {
    let (rows, columns) = shape(image)?;
    let bytes = image.data().as_ref();
    let aligned = bytes.as_ptr().cast::<u16>().is_aligned();
    match image.format() {
        PixelFormat::Grey8 => borrow::<u8>(rows, columns, bytes),
        PixelFormat::Rgb8 => borrow::<VecN<u8, 3>>(rows, columns, bytes),
        PixelFormat::Rgba8 => borrow::<VecN<u8, 4>>(rows, columns, bytes),
        PixelFormat::Grey16 if aligned => borrow::<u16>(rows, columns, bytes),
        PixelFormat::Rgb16 if aligned => borrow::<VecN<u16, 3>>(rows, columns, bytes),
        PixelFormat::Rgba16 if aligned => borrow::<VecN<u16, 4>>(rows, columns, bytes),
        PixelFormat::Grey16 => copy(rows, columns, core::CV_16UC1, bytes),
        PixelFormat::Rgb16 => copy(rows, columns, core::CV_16UC3, bytes),
        PixelFormat::Rgba16 => copy(rows, columns, core::CV_16UC4, bytes),
        format @ PixelFormat::Unspecified => {
            Err(VisionError::Format { operation: "a matrix view", format, accepted: "grey, RGB and RGBA" })
        }
    }
}

/// The image as RGB of 8 bits (`CV_8UC3`), whatever its format; nothing is copied when it is that already.
///
/// # Errors
/// As [`view`].
pub fn rgb8(image: &Image) -> Result<BoxedRef<'_, Mat>, VisionError> {
    let source = view(image)?;
    if image.format() == PixelFormat::Rgb8 {
        return Ok(source);
    }
    let scale = if source.depth() == core::CV_16U { 1.0 / 257.0 } else { 1.0 };
    let (mut eight, mut rgb) = (Mat::default(), Mat::default());
    source.convert_to(&mut eight, core::CV_8U, scale, 0.0)?;
    match eight.channels() {
        1 => imgproc::cvt_color_def(&eight, &mut rgb, imgproc::COLOR_GRAY2RGB)?,
        4 => imgproc::cvt_color_def(&eight, &mut rgb, imgproc::COLOR_RGBA2RGB)?,
        _ => rgb = eight,
    }
    Ok(BoxedRef::from(rgb))
}

/// Rows and columns of an image in OpenCV's integers.
fn shape(image: &Image) -> Result<(i32, i32), VisionError> {
    let (width, height) = (image.width(), image.height());
    if width == 0 || height == 0 {
        return Err(VisionError::Empty { width, height });
    }
    match (i32::try_from(height), i32::try_from(width)) {
        (Ok(rows), Ok(columns)) => Ok((rows, columns)),
        _ => Err(VisionError::TooLarge { width, height }),
    }
}

/// A matrix over the bytes themselves.
fn borrow<T: DataType>(rows: i32, columns: i32, bytes: &[u8]) -> Result<BoxedRef<'_, Mat>, VisionError> {
    Ok(Mat::new_rows_cols_with_bytes::<T>(rows, columns, bytes)?)
}

/// A matrix of its own with the same bytes.
fn copy(rows: i32, columns: i32, kind: i32, bytes: &[u8]) -> Result<BoxedRef<'static, Mat>, VisionError> {
    let mut mat = Mat::new_rows_cols_with_default(rows, columns, kind, core::Scalar::default())?;
    mat.data_bytes_mut()?.copy_from_slice(bytes);
    Ok(BoxedRef::from(mat))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn image(format: PixelFormat, width: u32, height: u32) -> Image {
        let length = framefleet_frames::frame::byte_length(format, width, height);
        Image::new(format, width, height, (0..length).map(|i| i as u8).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_view_shares_the_bytes_of_the_image() {
        let image = image(PixelFormat::Rgb8, 5, 3);
        let mat = view(&image).unwrap();
        assert_eq!((mat.rows(), mat.cols(), mat.typ()), (3, 5, core::CV_8UC3));
        assert_eq!(mat.data(), image.data().as_ptr());
        assert_eq!(*mat.at_2d::<VecN<u8, 3>>(1, 2).unwrap(), VecN([21, 22, 23]));
    }

    #[test]
    fn any_picture_becomes_rgb_of_8_bits() {
        let formats =
            [(PixelFormat::Grey8, 4), (PixelFormat::Rgba8, 16), (PixelFormat::Rgb16, 24), (PixelFormat::Rgb8, 12)];
        for (format, bytes) in formats {
            let image = Image::new(format, 2, 2, vec![90_u8; bytes]).unwrap();
            let rgb = rgb8(&image).unwrap();
            assert_eq!((rgb.typ(), *rgb.at_2d::<VecN<u8, 3>>(1, 1).unwrap()), (core::CV_8UC3, VecN([90; 3])));
            assert_eq!(rgb.data() == image.data().as_ptr(), format == PixelFormat::Rgb8);
        }
    }

    #[test]
    fn every_format_has_its_own_type() {
        let kinds = [
            (PixelFormat::Grey8, core::CV_8UC1),
            (PixelFormat::Rgb8, core::CV_8UC3),
            (PixelFormat::Rgba8, core::CV_8UC4),
            (PixelFormat::Grey16, core::CV_16UC1),
            (PixelFormat::Rgb16, core::CV_16UC3),
            (PixelFormat::Rgba16, core::CV_16UC4),
        ];
        for (format, kind) in kinds {
            assert_eq!(view(&image(format, 4, 2)).unwrap().typ(), kind);
        }
    }

    #[test]
    fn sixteen_bit_pixels_at_an_odd_address_are_still_right() {
        let bytes = Bytes::from((0..9).collect::<Vec<u8>>());
        for start in [0, 1] {
            let image = Image::new(PixelFormat::Grey16, 4, 1, bytes.slice(start..start + 8)).unwrap();
            let expected = u16::from_le_bytes([start as u8 + 2, start as u8 + 3]);
            assert_eq!(*view(&image).unwrap().at_2d::<u16>(0, 1).unwrap(), expected);
        }
    }

    #[test]
    fn pictures_without_pixels_or_format_are_refused() {
        assert!(matches!(view(&image(PixelFormat::Rgb8, 0, 7)), Err(VisionError::Empty { .. })));
        let unspecified = Image::new(PixelFormat::Unspecified, 2, 2, Vec::new()).unwrap();
        assert!(matches!(view(&unspecified), Err(VisionError::Format { .. })));
    }
}

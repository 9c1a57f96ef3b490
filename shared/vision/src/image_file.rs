//! Image files of matrices. OpenCV's own codecs bring a hundred libraries into every process that links them, geodata and databases among
//! them, and those take longer to load than most commands run.
use crate::VisionError;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder};
use opencv::core::{CV_8U, CV_16U, Mat, MatTraitConst as _, MatTraitConstManual as _};
use std::path::Path;

/// What an image is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// JPEG of this quality, 1 to 100; transparency is dropped.
    Jpeg(u8),
    /// PNG.
    Png,
}

/// An image of 8 bits (grey, RGB or RGBA) as a file's bytes; of 16 bits with colours, as PNG alone.
///
/// # Errors
/// An image without pixels, or of other channels or depth.
pub fn encode(picture: &Mat, file: Encoding) -> Result<Vec<u8>, VisionError> {
    let whole;
    let picture = match picture.is_continuous() {
        true => picture,
        false => {
            whole = picture.try_clone()?;
            &whole
        }
    };
    let (width, height) = (picture.cols() as u32, picture.rows() as u32);
    if width == 0 || height == 0 {
        return Err(VisionError::Empty { width, height });
    }
    let pixels = picture.data_bytes()?;
    let kind = match (picture.channels(), picture.depth()) {
        (1, CV_8U) => ExtendedColorType::L8,
        (3, CV_8U) => ExtendedColorType::Rgb8,
        (4, CV_8U) => ExtendedColorType::Rgba8,
        (3, CV_16U) => ExtendedColorType::Rgb16,
        (4, CV_16U) => ExtendedColorType::Rgba16,
        (channels, depth) => {
            let what = format!("an image of {channels} channels of OpenCV's type {depth} cannot be written");
            return Err(VisionError::Invalid(what));
        }
    };
    let mut bytes = Vec::new();
    match (file, kind) {
        (Encoding::Png, _) => PngEncoder::new(&mut bytes).write_image(pixels, width, height, kind)?,
        (Encoding::Jpeg(quality), ExtendedColorType::Rgba8) => {
            let opaque: Vec<u8> = pixels.as_chunks::<4>().0.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect();
            let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
            encoder.write_image(&opaque, width, height, ExtendedColorType::Rgb8)?;
        }
        (Encoding::Jpeg(quality), _) => {
            JpegEncoder::new_with_quality(&mut bytes, quality).write_image(pixels, width, height, kind)?;
        }
    }
    Ok(bytes)
}

/// The image of a JPEG or PNG file as it is: grey, RGB or RGBA, 8 or 16 bits.
///
/// # Errors
/// Bytes that are no such file, or of other samples.
pub fn decode(bytes: &[u8]) -> Result<Mat, VisionError> {
    let image = image::load_from_memory(bytes)?;
    let rows = image.height() as i32;
    let channels = i32::from(image.color().channel_count());
    let matrix = match &image {
        DynamicImage::ImageLuma8(_) | DynamicImage::ImageRgb8(_) | DynamicImage::ImageRgba8(_) => {
            Mat::from_slice(image.as_bytes())?.reshape(channels, rows)?.try_clone()?
        }
        DynamicImage::ImageLuma16(pixels) => sixteen(pixels.as_raw(), channels, rows)?,
        DynamicImage::ImageRgb16(pixels) => sixteen(pixels.as_raw(), channels, rows)?,
        DynamicImage::ImageRgba16(pixels) => sixteen(pixels.as_raw(), channels, rows)?,
        other => {
            return Err(VisionError::Invalid(format!(
                "an image of {:?} samples is neither grey, RGB nor RGBA",
                other.color()
            )));
        }
    };
    Ok(matrix)
}

/// The image of a file, see [`decode`].
///
/// # Errors
/// A file that cannot be read, or is no such image.
pub fn read(path: &Path) -> Result<Mat, VisionError> {
    decode(&std::fs::read(path).map_err(image::ImageError::IoError)?)
}

fn sixteen(samples: &[u16], channels: i32, rows: i32) -> Result<Mat, VisionError> {
    Ok(Mat::from_slice(samples)?.reshape(channels, rows)?.try_clone()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::{Rect, Scalar, Vec3b, Vec3w, Vec4b};

    fn orange(columns: i32) -> Mat {
        Mat::new_rows_cols_with_default(6, columns, opencv::core::CV_8UC3, Scalar::new(230.0, 120.0, 40.0, 0.0))
            .unwrap()
    }

    #[test]
    fn png_keeps_every_pixel_also_of_a_part() {
        let whole = orange(9);
        let part = Mat::roi(&whole, Rect::new(2, 1, 4, 3)).unwrap().try_clone().unwrap();
        let back = decode(&encode(&part, Encoding::Png).unwrap()).unwrap();
        assert_eq!(
            (back.cols(), back.rows(), *back.at_2d::<Vec3b>(2, 3).unwrap()),
            (4, 3, Vec3b::from([230, 120, 40]))
        );
        let clear =
            Mat::new_rows_cols_with_default(2, 2, opencv::core::CV_8UC4, Scalar::new(1.0, 2.0, 3.0, 0.0)).unwrap();
        let back = decode(&encode(&clear, Encoding::Png).unwrap()).unwrap();
        assert_eq!(*back.at_2d::<Vec4b>(1, 1).unwrap(), Vec4b::from([1, 2, 3, 0]));
    }

    #[test]
    fn jpeg_is_near_and_drops_transparency() {
        let clear =
            Mat::new_rows_cols_with_default(16, 16, opencv::core::CV_8UC4, Scalar::new(230.0, 120.0, 40.0, 9.0))
                .unwrap();
        for picture in [orange(16), clear] {
            let back = decode(&encode(&picture, Encoding::Jpeg(90)).unwrap()).unwrap();
            let found = back.at_2d::<Vec3b>(3, 3).unwrap();
            assert!(found.iter().zip([230u8, 120, 40]).all(|(found, wanted)| found.abs_diff(wanted) <= 4), "{found:?}");
        }
    }

    #[test]
    fn sixteen_bits_are_read_as_they_are() {
        let mut bytes = Vec::new();
        let samples: Vec<u8> = [300u16, 40_000, 65_535].iter().flat_map(|sample| sample.to_ne_bytes()).collect();
        PngEncoder::new(&mut bytes).write_image(&samples, 1, 1, ExtendedColorType::Rgb16).unwrap();
        assert_eq!(*decode(&bytes).unwrap().at_2d::<Vec3w>(0, 0).unwrap(), Vec3w::from([300, 40_000, 65_535]));
    }

    #[test]
    fn what_has_no_pixels_or_is_no_image_is_an_error() {
        assert!(matches!(encode(&Mat::default(), Encoding::Png), Err(VisionError::Empty { .. })));
        assert!(decode(b"no image").is_err());
    }
}

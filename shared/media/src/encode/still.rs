//! Image files.
use super::EncodeError;
use crate::{Image, PixelFormat, frame};
use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, tiff::TiffEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageDecoder, ImageEncoder, ImageError, ImageReader, metadata::Orientation};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// JPEG quality of rewritten stills: no visible loss, files of the size that cameras write.
const JPEG_QUALITY: u8 = 95;

/// Formats of image files that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StillFormat {
    /// PNG, 8 or 16 bits, with or without alpha.
    Png,
    /// TIFF without compression, 8 or 16 bits, with or without alpha.
    Tiff,
    /// JPEG of quality 95: 8 bits, without alpha.
    Jpeg,
    /// WebP without loss, 8 bits.
    Webp,
}

impl StillFormat {
    /// The format that a file's name says; PNG for those that are not written.
    pub fn of_name(name: &str) -> Self {
        let extension = Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "tif" | "tiff" => Self::Tiff,
            "jpg" | "jpeg" => Self::Jpeg,
            "webp" => Self::Webp,
            _ => Self::Png,
        }
    }

    /// The usual file name extension, without dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Tiff => "tiff",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
        }
    }
}

/// Metadata that a rewritten still keeps.
#[derive(Default)]
struct Metadata {
    icc: Option<Vec<u8>>,
    exif: Option<Vec<u8>>,
}

/// Writes a picture as an image file. From the image `source` (none when `None`) come its ICC profile and, but for TIFF,
/// its EXIF data with the orientation made "upright", since frames are upright already; XMP and IPTC do not. Depth and
/// channels that the format does not have are reduced: JPEG and WebP to 8 bits, JPEG without alpha.
pub fn write_still(path: &Path, image: &Image, format: StillFormat, source: Option<&Path>) -> Result<(), EncodeError> {
    let metadata = source.map(|source| read_metadata(source).map_err(wrong(source))).transpose()?.unwrap_or_default();
    let io = |source| EncodeError::Io { path: path.to_owned(), source };
    let mut file = BufWriter::new(File::create(path).map_err(io)?);
    let written = match format {
        StillFormat::Png => write(PngEncoder::new(&mut file), image, metadata),
        StillFormat::Tiff => write(TiffEncoder::new(&mut file), image, Metadata { exif: None, ..metadata }),
        StillFormat::Jpeg => {
            write(JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY), &without_alpha(&eight_bits(image)), metadata)
        }
        StillFormat::Webp => write(WebPEncoder::new_lossless(&mut file), &eight_bits(image), metadata),
    };
    written.map_err(wrong(path))?;
    file.flush().map_err(io)
}

fn wrong(path: &Path) -> impl FnOnce(ImageError) -> EncodeError {
    let path = path.to_owned();
    move |source| EncodeError::Image { path, source }
}

fn write(mut encoder: impl ImageEncoder, image: &Image, metadata: Metadata) -> Result<(), ImageError> {
    if let Some(icc) = metadata.icc {
        encoder.set_icc_profile(icc).map_err(ImageError::Unsupported)?;
    }
    if let Some(exif) = metadata.exif {
        encoder.set_exif_metadata(exif).map_err(ImageError::Unsupported)?;
    }
    encoder.write_image(image.data(), image.width(), image.height(), colour_type(image.format()))
}

fn read_metadata(source: &Path) -> Result<Metadata, ImageError> {
    let mut decoder = ImageReader::open(source)?.with_guessed_format()?.into_decoder()?;
    let icc = decoder.icc_profile()?;
    let mut exif = decoder.exif_metadata()?;
    if let Some(exif) = &mut exif {
        // The answer is the orientation that was there: frames have it applied.
        let _applied = Orientation::remove_from_exif_chunk(exif);
    }
    Ok(Metadata { icc, exif })
}

fn colour_type(format: PixelFormat) -> ExtendedColorType {
    match format {
        PixelFormat::Grey8 => ExtendedColorType::L8,
        PixelFormat::Grey16 => ExtendedColorType::L16,
        PixelFormat::Rgba8 => ExtendedColorType::Rgba8,
        PixelFormat::Rgb16 => ExtendedColorType::Rgb16,
        PixelFormat::Rgba16 => ExtendedColorType::Rgba16,
        PixelFormat::Rgb8 | PixelFormat::Unspecified => ExtendedColorType::Rgb8,
    }
}

/// The picture with 8 bits per channel, rounded.
fn eight_bits(image: &Image) -> Image {
    let format = match image.format() {
        PixelFormat::Grey16 => PixelFormat::Grey8,
        PixelFormat::Rgb16 => PixelFormat::Rgb8,
        PixelFormat::Rgba16 => PixelFormat::Rgba8,
        _ => return image.clone(),
    };
    let samples = image.data().chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    resampled(image, format, samples.map(|value| ((u32::from(value) + 128) / 257) as u8).collect())
}

/// The picture without its fourth channel.
fn without_alpha(image: &Image) -> Image {
    if frame::channels(image.format()) != 4 {
        return image.clone();
    }
    resampled(image, PixelFormat::Rgb8, image.data().chunks_exact(4).flat_map(|pixel| &pixel[..3]).copied().collect())
}

/// A picture of the same size in another format; `data` fits by construction, and if it ever did not, the original is the
/// answer that loses nothing.
fn resampled(image: &Image, format: PixelFormat, data: Vec<u8>) -> Image {
    Image::new(format, image.width(), image.height(), data).unwrap_or_else(|_| image.clone())
}

//! Image files.
use super::EncodeError;
use framefleet_colour::profile;
use framefleet_formats::{Dither, StillFormat};
use framefleet_frames::{Colour, Image, PixelFormat, ReadError, frame};
use framefleet_stills::{Metadata, icc};
use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, tiff::TiffEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageError, metadata::Orientation};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// JPEG quality of rewritten stills: no visible loss, files of the size that cameras write.
const JPEG_QUALITY: u8 = 95;

/// What belongs to a picture beside its pixels.
#[derive(Clone, Copy, Debug, Default)]
pub struct StillOptions<'a> {
    /// The image that metadata come from.
    pub source: Option<&'a Path>,
    /// The picture's colour where it is not the source's: its profile takes the place of the source's.
    pub colour: Option<&'a Colour>,
    /// How 16 bits become the 8 that a format has.
    pub dither: Dither,
}

/// Writes a picture as an image file. From the source come its ICC profile (unless the picture has another colour, or the profile speaks of
/// other pixels, as that of a CMYK image does) and, but for TIFF, its EXIF data with the orientation made "upright", since frames are upright already; XMP and IPTC do not. Grey
/// pictures of another colour than the source's have no profile. Depth and channels that the format does not have are
/// reduced: JPEG and WebP to 8 bits, JPEG without alpha.
pub fn write_still(
    path: &Path,
    image: &Image,
    format: StillFormat,
    options: &StillOptions<'_>,
) -> Result<(), EncodeError> {
    let mut metadata = options.source.map(read_metadata).transpose()?.unwrap_or_default();
    if let Some(colour) = options.colour {
        let own = if frame::channels(image.format()) == 1 { Ok(None) } else { profile(colour) };
        metadata.icc = own.map_err(|problem| EncodeError::unfit(path, problem))?;
    }
    metadata.icc = metadata.icc.filter(|profile| icc::fits(profile, image.format()));
    let eight_bits = |image: &Image| eight_bits(image, options.dither);
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

fn read_metadata(source: &Path) -> Result<Metadata, EncodeError> {
    let mut metadata = framefleet_stills::metadata(source).map_err(unreadable)?;
    if let Some(exif) = &mut metadata.exif {
        // The answer is the orientation that was there: frames have it applied.
        let _applied = Orientation::remove_from_exif_chunk(exif);
    }
    Ok(metadata)
}

fn unreadable(error: ReadError) -> EncodeError {
    EncodeError::Source(Box::new(error))
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

/// The picture with 8 bits per channel. Alpha is rounded.
fn eight_bits(image: &Image, dither: Dither) -> Image {
    let format = match image.format() {
        PixelFormat::Grey16 => PixelFormat::Grey8,
        PixelFormat::Rgb16 => PixelFormat::Rgb8,
        PixelFormat::Rgba16 => PixelFormat::Rgba8,
        _ => return image.clone(),
    };
    let (channels, width) = (frame::channels(format), image.width().max(1) as usize);
    let short = |(at, bytes): (usize, &[u8; 2])| {
        let (pixel, channel) = (at / channels, at % channels);
        let dither = if channel == 3 { Dither::None } else { dither };
        dither.eight_bits(u16::from_le_bytes(*bytes), (pixel % width, pixel / width))
    };
    resampled(image, format, image.data().as_chunks::<2>().0.iter().enumerate().map(short).collect())
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

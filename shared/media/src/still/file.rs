//! Single images: their headers, and their pixels. Headers are read first, so that nothing is allocated for absurd sizes.
mod colour;

use crate::colour::alpha;
use crate::frame::byte_length;
use crate::limits::check_size;
use crate::read_error::ReadError;
use crate::slot::Target;
use crate::{Colour, PixelFormat};
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage, metadata::Orientation};
use opencv::core::{CV_8UC3, Mat, MatTraitConst, MatTraitConstManual, Size};
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;

/// Bytes of a JPEG in which its header is looked for before all of it is read.
const JPEG_HEAD: u64 = 256 << 10;

/// What the header of an image says; the size is that of the displayed picture (EXIF orientation applied).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) colour: ColorType,
    pub(crate) format: ImageFormat,
}

impl Header {
    /// Bits per channel as frames carry them.
    pub(crate) fn bit_depth(&self) -> u32 {
        if self.colour.bytes_per_pixel() / self.colour.channel_count() > 1 { 16 } else { 8 }
    }

    /// Whether there is an alpha channel.
    pub(crate) fn alpha(&self) -> bool {
        self.colour.has_alpha()
    }

    /// Whether there is luminance alone.
    pub(crate) fn grey(&self) -> bool {
        !self.colour.has_color()
    }

    /// The picture in its own depth and channels.
    pub(crate) fn full(&self) -> Target {
        let format = match (self.grey() && !self.alpha(), self.alpha(), self.bit_depth()) {
            (true, _, 8) => PixelFormat::Grey8,
            (true, _, _) => PixelFormat::Grey16,
            (false, false, 8) => PixelFormat::Rgb8,
            (false, false, _) => PixelFormat::Rgb16,
            (false, true, 8) => PixelFormat::Rgba8,
            (false, true, _) => PixelFormat::Rgba16,
        };
        Target { format, width: self.width, height: self.height }
    }
}

/// Reads the header of an image.
pub(crate) fn header(path: &Path) -> Result<Header, ReadError> {
    front(path, |decoder, format| header_of(decoder, format, path))
}

/// Reads the header of an image, and what the file says of its colours.
pub(crate) fn described(path: &Path) -> Result<(Header, Colour), ReadError> {
    let (header, colour) =
        front(path, |decoder, format| Ok((header_of(decoder, format, path)?, colour::colour(decoder))))?;
    let colour = match header.format {
        ImageFormat::Png => colour::png(BufReader::new(open(path)?), colour),
        _ => colour,
    };
    Ok((header, colour))
}

/// Reads something from the front of an image.
fn front<T>(
    path: &Path,
    read: impl Fn(&mut dyn ImageDecoder, ImageFormat) -> Result<T, ReadError>,
) -> Result<T, ReadError> {
    let mut head = Vec::new();
    open(path)?.take(JPEG_HEAD).read_to_end(&mut head).map_err(|source| ReadError::io(path, source))?;
    // The JPEG decoder reads its whole input to find the header, which is at the front; others seek.
    if head.starts_with(&[0xff, 0xd8])
        && let Ok(found) = decoder(ImageReader::new(Cursor::new(&head)), path)
            .and_then(|(mut decoder, format)| read(&mut decoder, format))
    {
        return Ok(found);
    }
    let (mut decoder, format) = decoder(ImageReader::new(BufReader::new(open(path)?)), path)?;
    read(&mut decoder, format)
}

/// A decoder of what a reader gives, and the format that it has.
fn decoder<'r, R: BufRead + Seek + 'r>(
    reader: ImageReader<R>,
    path: &Path,
) -> Result<(impl ImageDecoder + 'r, ImageFormat), ReadError> {
    let reader = reader.with_guessed_format().map_err(|error| refused(path, &error))?;
    let format = reader.format().ok_or_else(|| refused(path, &"no JPEG, PNG, TIFF or WebP"))?;
    Ok((reader.into_decoder().map_err(|error| refused(path, &error))?, format))
}

/// The header of a decoder's image.
fn header_of(decoder: &mut dyn ImageDecoder, format: ImageFormat, path: &Path) -> Result<Header, ReadError> {
    let (width, height) = decoder.dimensions();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let (width, height) = if turns(orientation) { (height, width) } else { (width, height) };
    let header = Header { width, height, colour: decoder.color_type(), format };
    if matches!(header.colour, ColorType::Rgb32F | ColorType::Rgba32F) {
        return Err(refused(path, &"floating-point pixels; convert to 16-bit TIFF or PNG"));
    }
    let full = header.full();
    check_size(path, u64::from(width), u64::from(height), byte_length(full.format, 1, 1) as u64)?;
    Ok(header)
}

/// Decodes an image whose header is `header`, as displayed.
pub(crate) fn picture(path: &Path, header: &Header) -> Result<DynamicImage, ReadError> {
    let failed = |error: &dyn std::fmt::Display| refused(path, error);
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(|source| ReadError::io(path, source))?;
    if header.format == ImageFormat::Jpeg && !has_end_marker(&bytes) {
        return Err(failed(&"the file is cut: its end is missing"));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), header.format);
    reader.limits(image::Limits::no_limits());
    let mut decoder = reader.into_decoder().map_err(|error| failed(&error))?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| failed(&error))?;
    picture.apply_orientation(orientation);
    match (picture.width(), picture.height()) == (header.width, header.height) {
        true => Ok(picture),
        false => Err(failed(&"the file changed while it was read")),
    }
}

/// Writes a picture as `target`: scaled down when its size differs, in the target's depth and channels.
pub(crate) fn write(picture: &DynamicImage, target: Target, path: &Path, memory: &mut [u8]) -> Result<(), ReadError> {
    if (picture.width(), picture.height()) != (target.width, target.height) {
        return shrink(picture, target, memory).map_err(|error| ReadError::convert(path, error));
    }
    match target.format {
        PixelFormat::Grey8 => memory.copy_from_slice(picture.to_luma8().as_raw()),
        PixelFormat::Rgb8 | PixelFormat::Unspecified => memory.copy_from_slice(seen(picture).as_raw()),
        PixelFormat::Rgba8 => memory.copy_from_slice(picture.to_rgba8().as_raw()),
        PixelFormat::Grey16 => write_16(picture.to_luma16().as_raw(), memory),
        PixelFormat::Rgb16 => write_16(picture.to_rgb16().as_raw(), memory),
        PixelFormat::Rgba16 => write_16(picture.to_rgba16().as_raw(), memory),
    }
    Ok(())
}

/// Opens a file that has something in it.
fn open(path: &Path) -> Result<File, ReadError> {
    let file = File::open(path).map_err(|source| ReadError::io(path, source))?;
    match file.metadata().map_err(|source| ReadError::io(path, source))?.len() {
        0 => Err(ReadError::EmptyFile(path.to_owned())),
        _ => Ok(file),
    }
}

fn refused(path: &Path, reason: &dyn std::fmt::Display) -> ReadError {
    ReadError::Still { path: path.to_owned(), reason: reason.to_string() }
}

/// Whether width and height change places.
fn turns(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    )
}

/// Whether a JPEG's scan is ended by its end-of-image marker; decoders fill what is missing with grey and say nothing.
fn has_end_marker(bytes: &[u8]) -> bool {
    let mut place = 2;
    // Segments before the scan may hold a thumbnail with an end marker of its own, so they are stepped over.
    while let Some([0xff, marker, high, low]) = bytes.get(place..place + 4) {
        if *marker == 0xda {
            break;
        }
        // A marker may be preceded by any number of fill bytes.
        place += if *marker == 0xff { 1 } else { 2 + usize::from(u16::from_be_bytes([*high, *low])) };
    }
    bytes.get(place..).is_some_and(|scan| scan.windows(2).any(|pair| pair == [0xff, 0xd9]))
}

fn write_16(samples: &[u16], memory: &mut [u8]) {
    for (to, sample) in memory.chunks_exact_mut(2).zip(samples) {
        to.copy_from_slice(&sample.to_le_bytes());
    }
}

/// The picture as it is seen: in 8-bit RGB, over grey where it is transparent.
fn seen(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let rgba = picture.to_rgba8();
    let mut rgb = RgbImage::new(rgba.width(), rgba.height());
    alpha::over_grey(rgba.as_raw(), &mut rgb);
    rgb
}

/// Scales to 8-bit RGB by averaging areas.
fn shrink(picture: &DynamicImage, target: Target, memory: &mut [u8]) -> Result<(), opencv::Error> {
    let rgb = seen(picture);
    let row = rgb.width() as usize * 3;
    // SAFETY: `rgb` outlives the matrix, has `height` rows of `row` bytes, and is only read.
    let source = unsafe {
        let pixels = rgb.as_raw().as_ptr().cast_mut().cast();
        Mat::new_rows_cols_with_data_unsafe(rgb.height() as i32, rgb.width() as i32, CV_8UC3, pixels, row)?
    };
    let mut small = Mat::default();
    let size = Size::new(target.width as i32, target.height as i32);
    opencv::imgproc::resize(&source, &mut small, size, 0.0, 0.0, opencv::imgproc::INTER_AREA)?;
    debug_assert!(small.is_continuous());
    memory.copy_from_slice(small.data_bytes()?);
    Ok(())
}

//! Single images: their headers, and their pixels. Headers are read first, so that nothing is allocated for absurd sizes.
mod colour;

use super::jpeg;
use super::tiff::{self, FLOATING_POINT, Layout};
use crate::Target;
pub use colour::Colours;
use framefleet_frames::frame::byte_length;
use framefleet_frames::limits::check_size;
use framefleet_frames::{ImageFile, PixelFormat, ReadError, alpha};
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{AnimationDecoder, ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};
use opencv::core::{CV_8UC3, Mat, MatTraitConst, MatTraitConstManual, Size};
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;

/// Bytes of a JPEG in which its header is looked for before all of it is read.
const JPEG_HEAD: u64 = 256 << 10;

/// What the header of an image says; the size is that of the displayed picture (EXIF orientation applied).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Header {
    /// Displayed width.
    pub width: u32,
    /// Displayed height.
    pub height: u32,
    /// Channels and bits as the decoder gives them.
    pub colour: ColorType,
    /// The format of the file.
    pub format: ImageFormat,
}

impl Header {
    /// Bits per channel as frames carry them.
    pub fn bit_depth(&self) -> u32 {
        if self.colour.bytes_per_pixel() / self.colour.channel_count() > 1 { 16 } else { 8 }
    }

    /// Whether there is an alpha channel.
    pub fn alpha(&self) -> bool {
        self.colour.has_alpha()
    }

    /// Whether there is luminance alone.
    pub fn grey(&self) -> bool {
        !self.colour.has_color()
    }

    /// The picture in its own depth and channels.
    pub fn full(&self) -> Target {
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

/// Where the pixels of a picture lie: a file, and which of its pictures it is, from 0.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The file.
    pub path: &'a Path,
    /// Which of its pictures, from 0.
    pub page: u32,
}

impl<'a> Place<'a> {
    /// The picture that an image of a folder is; `path` is that of its file.
    pub fn of(file: &ImageFile, path: &'a Path) -> Self {
        Self { path, page: file.page.saturating_sub(1) }
    }
}

/// Reads the header of an image.
pub fn header(place: Place<'_>) -> Result<Header, ReadError> {
    front(place, |decoder, format| header_of(decoder, format, place.path))
}

/// Reads the header of an image, and what the file says of its colours.
pub fn described(place: Place<'_>) -> Result<(Header, Colours), ReadError> {
    let path = place.path;
    let (header, mut colours) = front(place, |decoder, format| {
        let header = header_of(decoder, format, path)?;
        Ok((header, colour::colours(decoder, header.full().format)))
    })?;
    if header.format == ImageFormat::Png {
        colours.colour = colour::png(BufReader::new(open(path)?), colours.colour);
    }
    Ok((header, colours))
}

/// What an image has beside its pixels.
#[derive(Default)]
pub struct Metadata {
    /// The ICC profile.
    pub icc: Option<Vec<u8>>,
    /// The EXIF block.
    pub exif: Option<Vec<u8>>,
}

/// Reads the metadata of the first picture of an image file.
pub fn metadata(path: &Path) -> Result<Metadata, ReadError> {
    let (mut decoder, _) = decoder(BufReader::new(open(path)?), Place { path, page: 0 })?;
    let failed = |error: image::ImageError| refused(path, &error);
    Ok(Metadata { icc: decoder.icc_profile().map_err(failed)?, exif: decoder.exif_metadata().map_err(failed)? })
}

/// Reads something from the front of an image.
fn front<T>(
    place: Place<'_>,
    read: impl Fn(&mut dyn ImageDecoder, ImageFormat) -> Result<T, ReadError>,
) -> Result<T, ReadError> {
    let path = place.path;
    let mut head = Vec::new();
    open(path)?.take(JPEG_HEAD).read_to_end(&mut head).map_err(|source| ReadError::io(path, source))?;
    // The JPEG decoder reads its whole input to find the header, which is at the front; others seek.
    if head.starts_with(&[0xff, 0xd8])
        && let Ok(found) =
            decoder(Cursor::new(&head), place).and_then(|(mut decoder, format)| read(&mut decoder, format))
    {
        return Ok(found);
    }
    let (mut decoder, format) = decoder(BufReader::new(open(path)?), place)?;
    read(&mut decoder, format)
}

/// A decoder of what a reader gives, and the format that it has: by its first bytes, of formats that have none of their own (TGA) by its name.
fn decoder<'r, R: BufRead + Seek + 'r>(
    mut reader: R,
    place: Place<'_>,
) -> Result<(Box<dyn ImageDecoder + 'r>, ImageFormat), ReadError> {
    let failed = |error: &dyn std::fmt::Display| refused(place.path, error);
    let mut head = Vec::new();
    reader.by_ref().take(4).read_to_end(&mut head).and_then(|_| reader.rewind()).map_err(|error| failed(&error))?;
    if let Some(layout) = Layout::of(&head) {
        let decoder = tiff::decoder(reader, layout, place.page).map_err(|error| failed(&error))?;
        return Ok((decoder, ImageFormat::Tiff));
    }
    let mut reader = ImageReader::new(reader).with_guessed_format().map_err(|error| failed(&error))?;
    if reader.format().is_none() && ImageFormat::from_path(place.path).is_ok_and(|named| named == ImageFormat::Tga) {
        reader.set_format(ImageFormat::Tga);
    }
    let format = reader.format().ok_or_else(|| failed(&"no JPEG, PNG, TIFF, WebP, BMP, TGA or PNM"))?;
    reader.no_limits();
    Ok((Box::new(reader.into_decoder().map_err(|error| failed(&error))?), format))
}

/// The header of a decoder's image.
fn header_of(decoder: &mut dyn ImageDecoder, format: ImageFormat, path: &Path) -> Result<Header, ReadError> {
    let (width, height) = decoder.dimensions();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let (width, height) = if turns(orientation) { (height, width) } else { (width, height) };
    let header = Header { width, height, colour: decoder.color_type(), format };
    if matches!(header.colour, ColorType::Rgb32F | ColorType::Rgba32F) {
        return Err(refused(path, &FLOATING_POINT));
    }
    let full = header.full();
    check_size(path, u64::from(width), u64::from(height), byte_length(full.format, 1, 1) as u64)?;
    Ok(header)
}

/// Decodes an image whose header is `header`, as displayed.
pub fn picture(place: Place<'_>, header: &Header) -> Result<DynamicImage, ReadError> {
    let path = place.path;
    let failed = |error: &dyn std::fmt::Display| refused(path, error);
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(|source| ReadError::io(path, source))?;
    if header.format == ImageFormat::Jpeg {
        if !jpeg::is_whole(&bytes) {
            return Err(failed(&"the file is cut: its end is missing"));
        }
        // One more than a file has is no harm, and some have none.
        bytes.extend(jpeg::END);
    }
    let (mut decoder, _) = decoder(Cursor::new(bytes), place)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| failed(&error))?;
    picture.apply_orientation(orientation);
    match (picture.width(), picture.height()) == (header.width, header.height) {
        true => Ok(picture),
        false => Err(changed(path)),
    }
}

/// The failure of a file that is no longer what it was.
pub fn changed(path: &Path) -> ReadError {
    refused(path, &"the file changed while it was read")
}

/// The frames of an animated WebP, each as it is shown, from the first on.
pub fn animation(path: &Path) -> Result<impl Iterator<Item = Result<DynamicImage, ReadError>> + use<>, ReadError> {
    let path = path.to_owned();
    let mut decoder = WebPDecoder::new(BufReader::new(open(&path)?)).map_err(|error| refused(&path, &error))?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok(decoder.into_frames().map(move |frame| {
        let frame = frame.map_err(|error| refused(&path, &error))?;
        let mut picture = DynamicImage::ImageRgba8(frame.into_buffer());
        picture.apply_orientation(orientation);
        Ok(picture)
    }))
}

/// Writes a picture as `target`: scaled down when its size differs, in the target's depth and channels.
pub fn write(picture: &DynamicImage, target: Target, path: &Path, memory: &mut [u8]) -> Result<(), ReadError> {
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

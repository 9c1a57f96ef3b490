//! From decoded pictures to the renditions: colour, size, square pixels, rotation. One pass by libswscale, then OpenCV
//! turns what is turned.
use super::fit;
use crate::slot::Slot;
use ffmpeg_next::software::scaling::{Context, Flags};
use ffmpeg_next::util::format::Pixel;
use ffmpeg_next::{ffi, frame};
use framefleet_colour::{hdr, is_grey, matrix};
use framefleet_frames::frame::{channel_bytes, channels};
use framefleet_frames::{Item, PixelFormat, ReadError, Rendition, alpha};
use framefleet_stills::Target;
use opencv::core::{CV_MAKETYPE, Mat, MatTraitConst, MatTraitConstManual};
use std::path::Path;

/// Filters for the pictures: an area-weighted bilinear kernel when scaling down; exact rounding and full-resolution chroma,
/// so that the same bytes come out on every machine.
const QUALITY: Flags = Flags::BILINEAR
    .union(Flags::ACCURATE_RND)
    .union(Flags::FULL_CHR_H_INT)
    .union(Flags::FULL_CHR_H_INP)
    .union(Flags::BITEXACT);

/// Converts frames of one video; keeps a scaler per shape of input and output.
#[derive(Default)]
pub(crate) struct Converter {
    scalers: Vec<(Shape, Scaler)>,
}

/// What a scaler is made for.
#[derive(Clone, Copy, PartialEq)]
struct Shape {
    from: (Pixel, u32, u32),
    to: (Pixel, u32, u32),
    /// Coefficients by libswscale's number.
    matrix: i32,
    full_range: bool,
}

/// Scalers that are kept: two renditions, and a change of format or size within the video.
const KEPT: usize = 4;

struct Scaler(Context);

// SAFETY: a scaling context has no tie to the thread that made it; it is used by one thread at a time (`&mut`).
unsafe impl Send for Scaler {}

impl Converter {
    /// Writes `frame` as `slot` says into `memory`, which is as long as the slot's picture.
    pub(crate) fn convert(
        &mut self,
        item: &Item,
        frame: &frame::Video,
        slot: &Slot,
        memory: &mut [u8],
    ) -> Result<(), ReadError> {
        let target = Target { format: slot.format, width: slot.width, height: slot.height };
        let path = Path::new(&item.location);
        let failed = |reason: &dyn std::fmt::Display| ReadError::convert(path, reason);
        let turned = !item.rotation.is_multiple_of(180);
        let (width, height) = if turned { (target.height, target.width) } else { (target.width, target.height) };
        let (matrix, full_range) = colour_of(item, frame);
        let look = Look::of(item, slot.rendition);
        let (inner_width, inner_height) = fit::inside(item, frame, (width, height));
        let shape = Shape {
            from: (frame.format(), frame.width(), frame.height()),
            to: (look.pixel(target.format), inner_width, inner_height),
            matrix,
            full_range,
        };
        let mut scaled = frame::Video::new(shape.to.0, inner_width, inner_height);
        self.scaler(shape).and_then(|scaler| scaler.0.run(frame, &mut scaled)).map_err(|error| failed(&error))?;
        if (inner_width, inner_height) != (width, height) {
            scaled = fit::framed(&scaled, (width, height));
        }
        write_upright(&look.finish(scaled), target, item, memory).map_err(|error| failed(&error))
    }

    /// The scaler for a shape.
    fn scaler(&mut self, shape: Shape) -> Result<&mut Scaler, ffmpeg_next::Error> {
        let place = match self.scalers.iter().position(|(known, _)| *known == shape) {
            Some(place) => place,
            None => {
                if self.scalers.len() == KEPT {
                    self.scalers.remove(0);
                }
                self.scalers.push((shape, scaler(shape)?));
                self.scalers.len() - 1
            }
        };
        Ok(&mut self.scalers[place].1)
    }
}

/// What becomes of a picture after scaling, where 8-bit RGB cannot hold what it means.
#[derive(Clone, Copy)]
enum Look {
    /// Nothing: samples stay what they are.
    AsIs,
    /// It is laid over grey.
    OverGrey,
    /// Its range is made the standard one.
    Sdr(hdr::Transfer),
}

impl Look {
    /// Proxies are pictures to look at; full frames keep their samples. Alpha beside high dynamic range is left out.
    fn of(item: &Item, rendition: Rendition) -> Self {
        match (rendition, hdr::Transfer::of(item)) {
            (Rendition::Proxy, Some(transfer)) => Self::Sdr(transfer),
            (Rendition::Proxy, None) if item.alpha => Self::OverGrey,
            _ => Self::AsIs,
        }
    }

    /// The format to scale to.
    fn pixel(self, format: PixelFormat) -> Pixel {
        match self {
            Self::AsIs => pixel(format),
            Self::OverGrey => Pixel::RGBA,
            Self::Sdr(_) => Pixel::RGB48LE,
        }
    }

    /// The picture in the format asked for.
    fn finish(self, scaled: frame::Video) -> frame::Video {
        match self {
            Self::AsIs => scaled,
            Self::OverGrey => by_rows(&scaled, 4, alpha::over_grey),
            Self::Sdr(transfer) => by_rows(&scaled, 6, |from, to| transfer.to_sdr(from, to)),
        }
    }
}

/// 8-bit RGB of a packed picture, row by row.
fn by_rows(picture: &frame::Video, pixel_bytes: usize, convert: impl Fn(&[u8], &mut [u8])) -> frame::Video {
    let width = picture.width() as usize;
    let mut made = frame::Video::new(Pixel::RGB24, picture.width(), picture.height());
    let stride = made.stride(0);
    for (to, from) in made.data_mut(0).chunks_mut(stride).zip(picture.data(0).chunks(picture.stride(0))) {
        convert(&from[..width * pixel_bytes], &mut to[..width * 3]);
    }
    made
}

/// libavutil's name of a format.
fn pixel(format: PixelFormat) -> Pixel {
    match format {
        PixelFormat::Grey8 => Pixel::GRAY8,
        PixelFormat::Rgb8 | PixelFormat::Unspecified => Pixel::RGB24,
        PixelFormat::Rgba8 => Pixel::RGBA,
        PixelFormat::Grey16 => Pixel::GRAY16LE,
        PixelFormat::Rgb16 => Pixel::RGB48LE,
        PixelFormat::Rgba16 => Pixel::RGBA64LE,
    }
}

/// Coefficients and range of a picture: as the item is tagged; untagged, in the range that the pixel format has by nature.
fn colour_of(item: &Item, frame: &frame::Video) -> (i32, bool) {
    let tags = item.colour.clone().unwrap_or_default();
    let matrix = matrix::for_scaler(matrix::number(&tags.matrix), frame.width(), frame.height());
    let full_by_nature = matches!(
        frame.format(),
        Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ444P | Pixel::YUVJ440P | Pixel::YUVJ411P
    ) || is_grey(frame.format());
    (matrix, tags.range == "pc" || (full_by_nature && tags.range != "tv"))
}

/// Makes a scaler.
fn scaler(shape: Shape) -> Result<Scaler, ffmpeg_next::Error> {
    let ((from, from_width, from_height), (to, width, height)) = (shape.from, shape.to);
    let mut context = Context::get(from, from_width, from_height, to, width, height, QUALITY)?;
    const ONE: i32 = 1 << 16;
    let contrast = contrast(&shape);
    // SAFETY: the context is alive; the tables are static. It fails only where no colour is converted.
    unsafe {
        let source = ffi::sws_getCoefficients(shape.matrix);
        let made = ffi::sws_getCoefficients(ffi::SWS_CS_DEFAULT);
        ffi::sws_setColorspaceDetails(
            context.as_mut_ptr(),
            source,
            i32::from(shape.full_range),
            made,
            1,
            0,
            contrast,
            ONE,
        );
    }
    Ok(Scaler(context))
}

/// What libswscale is to stretch levels by, 16.16. Its 16-bit RGB ends where the source's largest value, shifted up, does
/// (measured: 65280 for white in video range); ours is to use the whole range.
fn contrast(shape: &Shape) -> i32 {
    // SAFETY: the descriptor is static, or null for no format.
    let descriptor = unsafe { ffi::av_pix_fmt_desc_get(shape.from.0.into()).as_ref() };
    let depth = descriptor.map_or(8, |descriptor| descriptor.comp[0].depth);
    if descriptor.is_some_and(|descriptor| descriptor.flags & ffi::AV_PIX_FMT_FLAG_RGB as u64 != 0) {
        return 1 << 16;
    }
    let white: i64 = match shape.to.0 {
        Pixel::RGB48LE | Pixel::RGBA64LE if shape.full_range && (8..16).contains(&depth) => {
            0xffff & (0xffff << (16 - depth))
        }
        Pixel::RGB48LE | Pixel::RGBA64LE if !shape.full_range => 255 << 8,
        _ => 0xffff,
    };
    ((0xffff_i64 << 16) / white) as i32
}

/// Copies a picture, mirrored and turned as the item says, into rows without padding.
fn write_upright(picture: &frame::Video, target: Target, item: &Item, memory: &mut [u8]) -> Result<(), opencv::Error> {
    let row_bytes = target.width as usize * channels(target.format) * channel_bytes(target.format);
    let code = match item.rotation {
        90 => opencv::core::ROTATE_90_CLOCKWISE,
        180 => opencv::core::ROTATE_180,
        270 => opencv::core::ROTATE_90_COUNTERCLOCKWISE,
        _ => {
            let rows = picture.data(0).chunks(picture.stride(0)).take(target.height as usize);
            let copy = |(to, from): (&mut [u8], &[u8])| to.copy_from_slice(&from[..row_bytes]);
            match item.flipped {
                true => memory.chunks_exact_mut(row_bytes).rev().zip(rows).for_each(copy),
                false => memory.chunks_exact_mut(row_bytes).zip(rows).for_each(copy),
            }
            return Ok(());
        }
    };
    let depth = if channel_bytes(target.format) == 2 { opencv::core::CV_16U } else { opencv::core::CV_8U };
    let kind = CV_MAKETYPE(depth, channels(target.format) as i32);
    // SAFETY: the picture is alive for the whole call and has `height` rows of `stride` bytes; it is only read.
    let source = unsafe {
        let pixels = picture.data(0).as_ptr().cast_mut().cast();
        Mat::new_rows_cols_with_data_unsafe(
            picture.height() as i32,
            picture.width() as i32,
            kind,
            pixels,
            picture.stride(0),
        )?
    };
    let (mut mirrored, mut turned) = (Mat::default(), Mat::default());
    if item.flipped {
        opencv::core::flip(&source, &mut mirrored, 0)?;
        opencv::core::rotate(&mirrored, &mut turned, code)?;
    } else {
        opencv::core::rotate(&source, &mut turned, code)?;
    }
    let bytes = turned.rows() as usize * turned.cols() as usize * turned.elem_size()?;
    debug_assert_eq!(bytes, memory.len());
    memory.copy_from_slice(turned.data_bytes()?);
    Ok(())
}

/// Luma of one frame: `rows` lines of `columns` bytes.
pub(crate) struct Luma {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    pub(crate) data: Vec<u8>,
}

impl Luma {
    pub(crate) fn row(&self, row: usize) -> &[u8] {
        &self.data[row * self.columns..(row + 1) * self.columns]
    }
}

/// Luma of a frame, narrowed to `columns` at most; lines stay as they are.
pub(crate) fn luma_rows(frame: &frame::Video, columns: u32) -> Result<Luma, ffmpeg_next::Error> {
    let width = frame.width().min(columns);
    let shape = Shape {
        from: (frame.format(), frame.width(), frame.height()),
        to: (Pixel::GRAY8, width, frame.height()),
        matrix: ffi::SWS_CS_DEFAULT,
        full_range: false,
    };
    let mut grey = frame::Video::new(Pixel::GRAY8, width, frame.height());
    scaler(shape)?.0.run(frame, &mut grey)?;
    let columns = width as usize;
    let rows = grey.data(0).chunks(grey.stride(0)).flat_map(|row| &row[..columns]).copied().collect();
    Ok(Luma { columns, rows: grey.height() as usize, data: rows })
}

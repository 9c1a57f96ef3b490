//! Pictures of ours to frames of FFmpeg in a codec's pixel format.
use ffmpeg_next::{Error, ffi, format::Pixel, frame::Video, software::scaling};
use framefleet_colour::Tags;
use framefleet_formats::{CodedFormat, Dither};
use framefleet_frames::{Image, PixelFormat, frame};
use std::ffi::c_int;

/// FFmpeg's name of coded samples.
pub(crate) fn pixel(coded: CodedFormat) -> Pixel {
    match coded {
        CodedFormat::Grey8 => Pixel::GRAY8,
        CodedFormat::Grey16 => Pixel::GRAY16LE,
        CodedFormat::Bgra => Pixel::BGRA,
        CodedFormat::Bgrz => Pixel::BGRZ,
        CodedFormat::Gbrp16 => Pixel::GBRP16LE,
        CodedFormat::Gbrap16 => Pixel::GBRAP16LE,
        CodedFormat::Yuv420p => Pixel::YUV420P,
        CodedFormat::Yuv420p10 => Pixel::YUV420P10LE,
        CodedFormat::Yuv420p12 => Pixel::YUV420P12LE,
        CodedFormat::Yuv422p => Pixel::YUV422P,
        CodedFormat::Yuv422p10 => Pixel::YUV422P10LE,
        CodedFormat::Yuv444p => Pixel::YUV444P,
        CodedFormat::Yuv444p10 => Pixel::YUV444P10LE,
        CodedFormat::Yuv444p12 => Pixel::YUV444P12LE,
        CodedFormat::Yuva444p10 => Pixel::YUVA444P10LE,
    }
}

/// The format of ours that a coded format came from, as far as it tells: colour, grey or alpha, 8 or 16 bits.
pub(super) fn input_format(coded: Pixel) -> PixelFormat {
    match coded {
        Pixel::GRAY8 => PixelFormat::Grey8,
        Pixel::GRAY16LE => PixelFormat::Grey16,
        Pixel::BGRA => PixelFormat::Rgba8,
        Pixel::GBRAP16LE | Pixel::YUVA444P10LE | Pixel::YUVA444P12LE => PixelFormat::Rgba16,
        Pixel::BGRZ | Pixel::YUV420P | Pixel::YUV444P | Pixel::YUV422P => PixelFormat::Rgb8,
        _ => PixelFormat::Rgb16,
    }
}

/// FFmpeg's name of our layout.
fn packed_format(input: PixelFormat) -> Pixel {
    match input {
        PixelFormat::Grey8 => Pixel::GRAY8,
        PixelFormat::Grey16 => Pixel::GRAY16LE,
        PixelFormat::Rgba8 => Pixel::RGBA,
        PixelFormat::Rgb16 => Pixel::RGB48LE,
        PixelFormat::Rgba16 => Pixel::RGBA64LE,
        PixelFormat::Rgb8 | PixelFormat::Unspecified => Pixel::RGB24,
    }
}

/// Bits per sample of a coded format, and the format with 16 that is laid out alike, of those with 10 and 12.
fn longer(coded: Pixel) -> Option<(u32, Pixel)> {
    match coded {
        Pixel::YUV420P10LE => Some((10, Pixel::YUV420P16LE)),
        Pixel::YUV422P10LE => Some((10, Pixel::YUV422P16LE)),
        Pixel::YUV444P10LE => Some((10, Pixel::YUV444P16LE)),
        Pixel::YUVA444P10LE => Some((10, Pixel::YUVA444P16LE)),
        Pixel::YUV420P12LE => Some((12, Pixel::YUV420P16LE)),
        Pixel::YUV444P12LE => Some((12, Pixel::YUV444P16LE)),
        _ => None,
    }
}

/// Converts pictures of one size and format.
pub(super) struct Converter {
    scaler: scaling::Context,
    packed: Video,
    row: usize,
    /// The format to bring samples of 16 bits to by dither, and its bits.
    shortened: Option<(Pixel, u32)>,
}

impl Converter {
    /// `bit_depth`: bits that mean something in samples of 16; those that the output has no room for are dithered.
    pub(super) fn new(
        (input, bit_depth): (PixelFormat, u32),
        (width, height): (u32, u32),
        output: Pixel,
        tags: &Tags,
        dither: Dither,
    ) -> Result<Self, Error> {
        let source = packed_format(input);
        let loses = |(bits, _): &(u32, Pixel)| frame::channel_bytes(input) == 2 && bit_depth > *bits;
        let longer = longer(output).filter(|longer| dither == Dither::Ordered && loses(longer));
        let shortened = longer.map(|(bits, _)| (output, bits));
        let output = longer.map_or(output, |(_, longer)| longer);
        // SWS_BITEXACT: no code path of the scaler may depend on the machine's instruction set.
        let exact = scaling::Flags::from_bits_retain(ffi::SWS_BITEXACT);
        let flags = scaling::Flags::BICUBIC | scaling::Flags::ACCURATE_RND | scaling::Flags::FULL_CHR_H_INP | exact;
        let mut scaler = scaling::Context::get(source, width, height, output, width, height, flags)?;
        set_matrix(&mut scaler, tags, width, height);
        let row = width as usize * frame::channels(input) * frame::channel_bytes(input);
        Ok(Self { scaler, packed: Video::new(source, width, height), row, shortened })
    }

    /// Converts a picture into a frame of its own.
    pub(super) fn convert(&mut self, image: &Image) -> Result<Video, Error> {
        let stride = self.packed.stride(0);
        let rows = self.packed.data_mut(0).chunks_mut(stride.max(1));
        for (target, source) in rows.zip(image.data().chunks_exact(self.row.max(1))) {
            target[..self.row].copy_from_slice(source);
        }
        let mut output = Video::empty();
        self.scaler.run(&self.packed, &mut output)?;
        Ok(match self.shortened {
            Some((format, bits)) => shortened(&output, format, bits),
            None => output,
        })
    }
}

/// A frame with samples of 16 bits in a format with fewer. Alpha is rounded: a dithered edge would flicker.
fn shortened(long: &Video, format: Pixel, bits: u32) -> Video {
    let mut short = Video::new(format, long.width(), long.height());
    for plane in 0..long.planes() {
        let (from, to, length) = (long.stride(plane), short.stride(plane), 2 * long.plane_width(plane) as usize);
        let dither = if plane == 3 { Dither::None } else { Dither::Ordered };
        let rows = long.data(plane).chunks(from.max(1)).zip(short.data_mut(plane).chunks_mut(to.max(1)));
        for (row, (source, target)) in rows.enumerate() {
            dither.shorten(&source[..length], &mut target[..length], row, bits);
        }
    }
    short
}

/// Sets matrix and range: RGB is full range, YUV what the tags say.
fn set_matrix(scaler: &mut scaling::Context, tags: &Tags, width: u32, height: u32) {
    const UNIT: c_int = 1 << 16;
    // SAFETY: the tables are static; the scaler is valid. Formats without a matrix refuse, and need none.
    unsafe {
        let table = ffi::sws_getCoefficients(tags.scaler_matrix(width, height));
        let full = c_int::from(tags.is_full_range());
        ffi::sws_setColorspaceDetails(scaler.as_mut_ptr(), table, 1, table, full, 0, UNIT, UNIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffi::{av_force_cpu_flags, av_get_cpu_flags};
    use framefleet_frames::Colour;

    const SIZE: (u32, u32) = (64, 16);

    /// A grey ramp in 16 bits, so flat that ten bits have two levels for its 64 columns.
    fn ramp() -> Image {
        let levels = (0..SIZE.1).flat_map(|_| (0..SIZE.0).map(|x| 20_000 + 2 * x as u16));
        let bytes: Vec<u8> = levels.flat_map(|level| [level; 3]).flat_map(u16::to_le_bytes).collect();
        Image::new(PixelFormat::Rgb16, SIZE.0, SIZE.1, bytes).unwrap()
    }

    fn converted(output: Pixel, bit_depth: u32, dither: Dither) -> Video {
        let tags = Tags::new(&Colour::default(), framefleet_colour::matrix::BT709, false);
        let mut converter = Converter::new((PixelFormat::Rgb16, bit_depth), SIZE, output, &tags, dither).unwrap();
        converter.convert(&ramp()).unwrap()
    }

    /// Luma, row by row.
    fn luma(frame: &Video) -> Vec<Vec<u16>> {
        let row =
            |row: &[u8]| row.as_chunks::<2>().0[..SIZE.0 as usize].iter().map(|v| u16::from_le_bytes(*v)).collect();
        frame.data(0).chunks(frame.stride(0)).take(SIZE.1 as usize).map(row).collect()
    }

    #[test]
    fn a_gradient_is_dithered_where_the_codec_has_fewer_bits() {
        let dithered = luma(&converted(Pixel::YUV420P10LE, 16, Dither::Ordered));
        let rounded = luma(&converted(Pixel::YUV420P10LE, 16, Dither::None));
        assert!(rounded.iter().all(|row| *row == rounded[0]), "bands");
        let long = luma(&converted(Pixel::YUV420P16LE, 16, Dither::None));
        let off = |rows: &[Vec<u16>], from: usize| {
            // The mean of blocks of 8 × 8 against what 16 bits have there.
            let mean = |rows: &[Vec<u16>]| {
                let block = rows[..8].iter().flat_map(|row| &row[from..from + 8]);
                block.map(|value| f64::from(*value)).sum::<f64>() / 64.0
            };
            (mean(rows) - mean(&long) / 64.0).abs()
        };
        let worst = |rows: &[Vec<u16>]| (0..56).map(|from| off(rows, from)).fold(0.0, f64::max);
        assert!(worst(&dithered) < 0.1 && worst(&rounded) > 0.3, "{} and {}", worst(&dithered), worst(&rounded));
    }

    #[test]
    fn nothing_is_dithered_that_the_codec_has_room_for() {
        assert_eq!(
            luma(&converted(Pixel::YUV420P10LE, 10, Dither::Ordered)),
            luma(&converted(Pixel::YUV420P10LE, 16, Dither::None)),
        );
    }

    /// Dithered frames are the same on every processor: the scaler's exact code gives the 16 bits, integers the rest.
    #[test]
    fn no_instruction_set_changes_what_is_dithered() {
        let formats = [Pixel::YUV420P10LE, Pixel::YUV420P12LE, Pixel::YUV422P10LE, Pixel::YUVA444P10LE];
        let all = || formats.map(|format| converted(format, 16, Dither::Ordered));
        // SAFETY: flags are read when a scaler is made; what others make meanwhile gives the same frames.
        let flags = unsafe { av_get_cpu_flags() };
        let usual = all();
        unsafe { av_force_cpu_flags(0) };
        let plain = all();
        unsafe { av_force_cpu_flags(flags) };
        for (usual, plain) in usual.iter().zip(&plain) {
            for plane in 0..usual.planes() {
                let (length, rows) = (2 * usual.plane_width(plane) as usize, usual.plane_height(plane) as usize);
                let pairs =
                    usual.data(plane).chunks(usual.stride(plane)).zip(plain.data(plane).chunks(plain.stride(plane)));
                assert!(
                    pairs.take(rows).all(|(a, b)| a[..length] == b[..length]),
                    "{:?}, plane {plane}",
                    usual.format()
                );
            }
        }
    }
}

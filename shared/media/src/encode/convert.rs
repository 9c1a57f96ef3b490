//! Pictures of ours to frames of FFmpeg in a codec's pixel format.
use super::{Codec, tags::Tags};
use crate::{Image, PixelFormat, frame};
use ffmpeg_next::{Error, ffi, format::Pixel, frame::Video, software::scaling};
use std::ffi::c_int;

/// The pixel format that frames of `input` are encoded in.
pub(super) fn coded_format(codec: Codec, input: PixelFormat, width: u32, height: u32, bit_depth: u32) -> Pixel {
    let deep = frame::channel_bytes(input) == 2;
    let alpha = frame::channels(input) == 4;
    let odd = width % 2 == 1 || height % 2 == 1;
    match (codec, deep) {
        (Codec::H264, false) | (Codec::H265, false) => {
            if odd {
                Pixel::YUV444P
            } else {
                Pixel::YUV420P
            }
        }
        (Codec::H265, true) if bit_depth > 10 => {
            if odd {
                Pixel::YUV444P12LE
            } else {
                Pixel::YUV420P12LE
            }
        }
        (Codec::H264, true) | (Codec::H265, true) => {
            if odd {
                Pixel::YUV444P10LE
            } else {
                Pixel::YUV420P10LE
            }
        }
        (Codec::Prores, _) if alpha => Pixel::YUVA444P10LE,
        (Codec::Prores, _) => Pixel::YUV422P10LE,
        (Codec::Dnxhr, false) => Pixel::YUV422P,
        (Codec::Dnxhr, true) => Pixel::YUV422P10LE,
        (Codec::Ffv1, _) => lossless_format(input),
    }
}

/// The format of FFV1 that holds every value of `input`.
fn lossless_format(input: PixelFormat) -> Pixel {
    match input {
        PixelFormat::Grey8 => Pixel::GRAY8,
        PixelFormat::Grey16 => Pixel::GRAY16LE,
        PixelFormat::Rgba8 => Pixel::BGRA,
        PixelFormat::Rgb16 => Pixel::GBRP16LE,
        PixelFormat::Rgba16 => Pixel::GBRAP16LE,
        PixelFormat::Rgb8 | PixelFormat::Unspecified => Pixel::BGRZ,
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

/// Converts pictures of one size and format.
pub(super) struct Converter {
    scaler: scaling::Context,
    packed: Video,
    row: usize,
}

impl Converter {
    pub(super) fn new(input: PixelFormat, width: u32, height: u32, output: Pixel, tags: &Tags) -> Result<Self, Error> {
        let source = packed_format(input);
        // SWS_BITEXACT: no code path of the scaler may depend on the machine's instruction set.
        let exact = scaling::Flags::from_bits_retain(ffi::SWS_BITEXACT);
        let flags = scaling::Flags::BICUBIC | scaling::Flags::ACCURATE_RND | scaling::Flags::FULL_CHR_H_INP | exact;
        let mut scaler = scaling::Context::get(source, width, height, output, width, height, flags)?;
        set_matrix(&mut scaler, tags, width, height);
        let row = width as usize * frame::channels(input) * frame::channel_bytes(input);
        Ok(Self { scaler, packed: Video::new(source, width, height), row })
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
        Ok(output)
    }
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

//! TIFF files beyond what the image library reads: several pages, BigTIFF, palettes, grey of 2 and 4 bits, YCbCr (JPEG inside TIFF).
mod directory;
mod overlay;
mod samples;

pub(crate) use directory::Layout;
use image::codecs::tiff::TiffDecoder;
use image::{ImageDecoder, Limits};
use overlay::Overlay;
use samples::{Refused, Samples, SamplesDecoder};
use std::io::{BufReader, Read, Seek};

/// Tags of TIFF 6.0.
const BITS_PER_SAMPLE: u16 = 258;
const PHOTOMETRIC: u16 = 262;
const SAMPLE_FORMAT: u16 = 339;
/// Values of these tags.
const BLACK_IS_ZERO: u16 = 1;
const PALETTE: u64 = 3;
const YCBCR: u64 = 6;
const FLOAT: u64 = 3;

/// Why images of floating-point pixels are refused.
pub(crate) const FLOATING_POINT: &str = "floating-point pixels; convert to 16-bit TIFF or PNG";

/// Pictures in a file that is a TIFF; 1 where that cannot be found out.
pub(crate) fn pages(mut reader: impl Read + Seek, layout: Layout) -> u32 {
    directory::pages(&mut reader, layout).map_or(1, |pages| pages.len().max(1) as u32)
}

/// A decoder of a picture of a file, numbered from 0.
pub(crate) fn decoder<'r>(
    mut reader: impl Read + Seek + 'r,
    layout: Layout,
    page: u32,
) -> Result<Box<dyn ImageDecoder + 'r>, Refused> {
    let pages = directory::pages(&mut reader, layout)?;
    let directory = pages.get(page as usize).ok_or("the file has fewer pages than it had")?;
    let mut number = |tag| directory.number(&mut reader, layout, tag);
    let (meaning, bits, format) = (number(PHOTOMETRIC), number(BITS_PER_SAMPLE).unwrap_or(1), number(SAMPLE_FORMAT));
    if format == Some(FLOAT) {
        return Err(FLOATING_POINT.into());
    }
    if bits > 16 {
        return Err(format!("pixels of {bits} bits; convert to 16-bit TIFF or PNG").into());
    }
    let samples = match (meaning, bits) {
        (Some(PALETTE), 1 | 2 | 4 | 8) => Some(Samples::Palette { bits: bits as u8 }),
        (Some(0 | 1), 2 | 4) => Some(Samples::Grey { bits: bits as u8 }),
        (Some(YCBCR), 8) => Some(Samples::YCbCr),
        _ => None,
    };
    let mut patches = vec![layout.begin_with(directory)];
    if matches!(samples, Some(Samples::Palette { .. })) {
        // The library reads no palettes, but their indices are samples like grey ones.
        patches.extend(layout.set(directory, PHOTOMETRIC, BLACK_IS_ZERO));
    }
    let reader = BufReader::new(Overlay::new(reader, patches)?);
    Ok(match samples {
        Some(samples) => Box::new(SamplesDecoder::new(reader, samples)?),
        None => {
            let mut decoder = TiffDecoder::new(reader)?;
            // Sizes are checked by whoever asks for the pixels.
            decoder.set_limits(Limits::no_limits())?;
            Box::new(decoder)
        }
    })
}

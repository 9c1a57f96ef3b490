//! Samples that become pixels by a table or a matrix.
use image::error::{DecodingError, ImageFormatHint};
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageResult, metadata::Orientation};
use std::io::{Read, Seek};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

/// Why a file cannot be read.
pub(super) type Refused = Box<dyn std::error::Error + Send + Sync>;

/// What the samples of a picture mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Samples {
    /// Indices into a table of colours.
    Palette { bits: u8 },
    /// Luminance of less than a byte.
    Grey { bits: u8 },
    /// Luma and two differences of colour, 8 bits each, over the full range: as JPEG has them.
    YCbCr,
}

/// Decodes a picture of such samples.
pub(super) struct SamplesDecoder<R: Read + Seek> {
    inner: Decoder<R>,
    samples: Samples,
    size: (u32, u32),
    /// Red, green and blue of all indices, one behind the other.
    table: Vec<u8>,
}

impl<R: Read + Seek> SamplesDecoder<R> {
    pub(super) fn new(reader: R, samples: Samples) -> Result<Self, Refused> {
        // Sizes are checked by whoever asks for the pixels.
        let mut inner = Decoder::new(reader)?.with_limits(Limits::unlimited());
        let size = inner.dimensions()?;
        let table = match samples {
            Samples::Palette { bits } => colours(&inner.get_tag_u16_vec(Tag::ColorMap)?, bits)?,
            _ => Vec::new(),
        };
        Ok(Self { inner, samples, size, table })
    }

    /// Pixels of the picture, row by row.
    fn pixels(&self, data: &[u8]) -> Vec<u8> {
        match self.samples {
            Samples::YCbCr => data.as_chunks::<3>().0.iter().flat_map(|pixel| rgb(*pixel)).collect(),
            Samples::Grey { bits } => {
                let most = (1u16 << bits) - 1;
                self.unpacked(data, bits).map(|value| (u16::from(value) * 255 / most) as u8).collect()
            }
            Samples::Palette { bits } => {
                let colour = |index: u8| self.table.get(3 * usize::from(index)..3 * usize::from(index) + 3);
                self.unpacked(data, bits).flat_map(|index| colour(index).unwrap_or(&[0; 3][..])).copied().collect()
            }
        }
    }

    /// Samples of less than a byte, each in a byte; rows begin with a byte of their own.
    fn unpacked<'d>(&self, data: &'d [u8], bits: u8) -> impl Iterator<Item = u8> + use<'d, R> {
        let (width, bits) = (self.size.0 as usize, usize::from(bits));
        let (row, mask) = ((width * bits).div_ceil(8).max(1), (1u16 << bits) - 1);
        let sample = move |bytes: &[u8], at: usize| {
            let byte = bytes.get(at * bits / 8).copied().unwrap_or(0);
            (u16::from(byte >> (8 - bits - at * bits % 8)) & mask) as u8
        };
        data.chunks(row).flat_map(move |bytes| (0..width).map(move |at| sample(bytes, at)))
    }
}

/// Red, green and blue of every index. Tables have 16 bits; those of programs that wrote 8 are taken as they meant it.
fn colours(table: &[u16], bits: u8) -> Result<Vec<u8>, Refused> {
    let count = 1usize << bits;
    if table.len() < 3 * count {
        return Err("its palette is incomplete".into());
    }
    let shift = if table.iter().any(|value| *value > 255) { 8 } else { 0 };
    Ok((0..count).flat_map(|index| [0, 1, 2].map(|channel| (table[channel * count + index] >> shift) as u8)).collect())
}

/// RGB of a pixel in the matrix of ITU-R BT.601, full range (JFIF 1.02).
fn rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb]
        .map(|value| value.round().clamp(0.0, 255.0) as u8)
}

impl<R: Read + Seek> ImageDecoder for SamplesDecoder<R> {
    fn dimensions(&self) -> (u32, u32) {
        self.size
    }

    fn color_type(&self) -> ColorType {
        if matches!(self.samples, Samples::Grey { .. }) { ColorType::L8 } else { ColorType::Rgb8 }
    }

    fn icc_profile(&mut self) -> ImageResult<Option<Vec<u8>>> {
        Ok(self.inner.get_tag_u8_vec(Tag::IccProfile).ok())
    }

    fn orientation(&mut self) -> ImageResult<Orientation> {
        let code = self.inner.find_tag_unsigned::<u8>(Tag::Orientation).ok().flatten();
        Ok(code.and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms))
    }

    fn read_image(mut self, buffer: &mut [u8]) -> ImageResult<()> {
        let wrong = |reason: String| {
            ImageError::Decoding(DecodingError::new(ImageFormatHint::Exact(ImageFormat::Tiff), reason))
        };
        let data = match self.inner.read_image().map_err(|error| wrong(error.to_string()))? {
            DecodingResult::U8(data) => data,
            _ => return Err(wrong("its samples have another depth than it says".to_owned())),
        };
        let pixels = self.pixels(&data);
        match pixels.len() == buffer.len() {
            true => buffer.copy_from_slice(&pixels),
            false => return Err(wrong("it has fewer pixels than it says".to_owned())),
        }
        Ok(())
    }

    fn read_image_boxed(self: Box<Self>, buffer: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_8_and_16_bits() {
        assert_eq!(colours(&[0, 0xffff, 0x8080, 0, 0, 0x1234], 1).unwrap(), [0, 0x80, 0, 0xff, 0, 0x12]);
        assert_eq!(colours(&[0, 255, 7, 0, 0, 9], 1).unwrap(), [0, 7, 0, 255, 0, 9]);
        assert!(colours(&[0; 5], 1).is_err());
    }

    #[test]
    fn grey_and_colours_of_jpeg() {
        assert_eq!(rgb([76, 128, 128]), [76; 3]);
        assert_eq!(rgb([76, 85, 255]), [254, 0, 0]);
    }
}

//! Frame numbers that can be read back from pixels, after lossy coding and scaling too.
use crate::Picture;

const COLUMNS: u32 = 8;
const ROWS: u32 = 3;
/// Height of a row of blocks as a fraction of the picture's.
const ROWS_PER_HEIGHT: f64 = 12.0;
/// Blocks: white, black (which give the threshold), 18 bits of the number, 4 check bits.
const NUMBER_BITS: u32 = 18;
const CHECK_BITS: u32 = 4;
/// White and black must be this far apart for anything to be read.
const LEAST_CONTRAST: f64 = 64.0;

/// A textured grey picture with its number stamped on: enough for tests of order and loss. `number` < 2¹⁸.
pub fn numbered(width: u32, height: u32, number: u64) -> Picture {
    let phase = number as u32;
    let mut picture = Picture::from_fn(width, height, |x, y| {
        let value = 64 + ((x + 2 * phase) / 4 % 16) * 6 + (y / 4 % 8) * 4;
        [value as u8, (value + 8) as u8, (value + 16) as u8]
    });
    stamp_number(&mut picture, number);
    picture
}

/// Paints `number` (< 2¹⁸) over the top quarter of a picture as three rows of black and white blocks. The picture should be
/// at least 64 × 48.
pub fn stamp_number(picture: &mut Picture, number: u64) {
    for (index, bit) in code(number).into_iter().enumerate() {
        let colour = if bit { [255; 3] } else { [0; 3] };
        let (x, y) = block(index as u32, picture.width, picture.height, 0.0);
        for row in y.0..y.1 {
            for column in x.0..x.1 {
                picture.set(column, row, colour);
            }
        }
    }
}

/// Reads the number stamped on 8-bit RGB pixels of `width` × `height`; `None` when there is none or a check bit is wrong.
/// The picture may have been scaled and coded since.
pub fn read_number(rgb: &[u8], width: u32, height: u32) -> Option<u64> {
    read(width, height, |at| rgb.get(at).map(|&v| f64::from(v)))
}

/// Reads the number stamped on 16-bit RGB pixels over the full range.
pub fn read_number16(rgb: &[u16], width: u32, height: u32) -> Option<u64> {
    read(width, height, |at| rgb.get(at).map(|&v| f64::from(v) / 257.0))
}

fn read(width: u32, height: u32, sample: impl Fn(usize) -> Option<f64>) -> Option<u64> {
    let means = (0..COLUMNS * ROWS).map(|index| mean(index, width, height, &sample)).collect::<Option<Vec<f64>>>()?;
    let (white, black) = (means[0], means[1]);
    if white - black < LEAST_CONTRAST {
        return None;
    }
    let bits: Vec<bool> = means.iter().map(|&mean| mean > (white + black) / 2.0).collect();
    let number = (0..NUMBER_BITS).fold(0, |n, bit| n | u64::from(bits[2 + bit as usize]) << bit);
    (bits == code(number)).then_some(number)
}

/// Mean green of the inner half of a block.
fn mean(index: u32, width: u32, height: u32, sample: impl Fn(usize) -> Option<f64>) -> Option<f64> {
    let (x, y) = block(index, width, height, 0.25);
    let (mut sum, mut count) = (0.0, 0.0);
    for row in y.0..y.1 {
        for column in x.0..x.1 {
            sum += sample((row as usize * width as usize + column as usize) * 3 + 1)?;
            count += 1.0;
        }
    }
    (count > 0.0).then_some(sum / count)
}

fn code(number: u64) -> Vec<bool> {
    let mut bits = vec![true, false];
    bits.extend((0..NUMBER_BITS).map(|bit| number >> bit & 1 == 1));
    let check = check(number);
    bits.extend((0..CHECK_BITS).map(|bit| check >> bit & 1 == 1));
    bits
}

/// Four bits that differ for numbers that differ in few bits; complemented so that an all-black strip is no number.
fn check(number: u64) -> u64 {
    let folded = (0..5).fold(0, |sum, nibble| (sum * 3 + (number >> (4 * nibble) & 15)) & 15);
    !folded & 15
}

/// Pixels of a block, columns then rows, with a margin (as a fraction of the block) left out on every side.
fn block(index: u32, width: u32, height: u32, margin: f64) -> ((u32, u32), (u32, u32)) {
    let span = |position: u32, size: f64| {
        let start = f64::from(position) * size;
        ((start + margin * size).round() as u32, (start + (1.0 - margin) * size).round() as u32)
    };
    let columns = span(index % COLUMNS, f64::from(width) / f64::from(COLUMNS));
    let rows = span(index / COLUMNS, f64::from(height) / ROWS_PER_HEIGHT);
    (columns, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_read_back() {
        for number in (0..1 << NUMBER_BITS).step_by(997) {
            let picture = numbered(64, 48, number);
            assert_eq!(read_number(&picture.rgb, 64, 48), Some(number));
        }
    }

    #[test]
    fn a_wrong_bit_is_noticed() {
        for index in 2..COLUMNS * ROWS {
            let mut picture = numbered(64, 48, 1234);
            let (x, y) = block(index, 64, 48, 0.0);
            for row in y.0..y.1 {
                for column in x.0..x.1 {
                    let inverted = picture.get(column, row).map(|v| 255 - v);
                    picture.set(column, row, inverted);
                }
            }
            assert_eq!(read_number(&picture.rgb, 64, 48), None, "block {index}");
        }
    }

    #[test]
    fn pictures_without_a_number_have_none() {
        assert_eq!(read_number(&Picture::filled(64, 48, [0; 3]).rgb, 64, 48), None);
        assert_eq!(read_number(&Picture::filled(64, 48, [255; 3]).rgb, 64, 48), None);
        assert_eq!(read_number(&[], 64, 48), None);
    }
}

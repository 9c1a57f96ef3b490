//! Whether all of a JPEG is there: decoders fill what is missing with grey and say nothing.
use image::{DynamicImage, codecs::jpeg::JpegDecoder};
use std::io::Cursor;

/// The marker that ends an image.
pub(super) const END: [u8; 2] = [0xff, 0xd9];
/// Marks the start of a scan, and of a frame that several scans make finer and finer.
const SCAN: u8 = 0xda;
const PROGRESSIVE_FRAME: u8 = 0xc2;
/// Bytes put behind a file to find out whether its pixels depend on them: all bits set (no code of a JPEG is), and bits in turn.
const TAILS: [u8; 2] = [0xfe, 0x55];
/// As many of them as a picture's last rows may take.
const TAIL_BYTES: usize = 1 << 16;

/// Whether a JPEG has its end marker, or lacks nothing else: cameras that lose power while they close a file leave that out, and some phones write
/// data of their own in its place. Then the file is decoded with different bytes behind it: where all rows are there, they change nothing.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let Some(first) = first_scan(bytes) else { return false };
    if bytes[first.at..].windows(2).any(|pair| pair == END) {
        return true;
    }
    if first.is_progressive && !is_fully_refined(bytes) {
        return false;
    }
    let Some(expected) = decoded(bytes, &[]) else { return false };
    TAILS.iter().all(|tail| decoded(bytes, &[*tail; TAIL_BYTES]).is_some_and(|pixels| pixels == expected))
}

/// Where the scans of an image begin.
struct FirstScan {
    at: usize,
    is_progressive: bool,
}

/// The first scan. Segments before it may hold a thumbnail with an end marker of its own, so they are stepped over.
fn first_scan(bytes: &[u8]) -> Option<FirstScan> {
    let (mut at, mut is_progressive) = (2, false);
    while let Some([0xff, marker, high, low]) = bytes.get(at..at + 4) {
        if *marker == SCAN {
            return Some(FirstScan { at, is_progressive });
        }
        is_progressive |= *marker == PROGRESSIVE_FRAME;
        // A marker may be preceded by any number of fill bytes.
        at += if *marker == 0xff { 1 } else { 2 + usize::from(u16::from_be_bytes([*high, *low])) };
    }
    None
}

/// Whether the scans of a progressive image bring all coefficients that they begin to their last bit (ITU-T T.81, G.1.1.1): a file that is cut
/// between two scans is a picture, but a coarse one.
fn is_fully_refined(bytes: &[u8]) -> bool {
    // Bits that are still missing, by component and coefficient.
    let mut missing = std::collections::BTreeMap::new();
    let mut at = 2;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.windows(2).position(|pair| pair == [0xff, SCAN])) {
        at += found + 2;
        let Some(count) = bytes.get(at + 2).map(|count| usize::from(*count)) else { return false };
        let Some(header) = bytes.get(at + 3..at + 6 + 2 * count) else { return false };
        let (components, rest) = header.split_at(2 * count);
        for component in components.chunks_exact(2) {
            missing.extend((rest[0]..=rest[1].min(63)).map(|coefficient| ((component[0], coefficient), rest[2] & 15)));
        }
    }
    !missing.is_empty()
        && missing.values().all(|bits| *bits == 0)
        && missing.keys().any(|(_, coefficient)| *coefficient > 0)
}

/// The pixels of a file with a tail and an end marker behind it.
fn decoded(bytes: &[u8], tail: &[u8]) -> Option<Vec<u8>> {
    let file = [bytes, tail, &END].concat();
    let decoder = JpegDecoder::new(Cursor::new(file)).ok()?;
    DynamicImage::from_decoder(decoder).ok().map(DynamicImage::into_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scan headers of a progressive file: components, first and last coefficient, bits that are still missing.
    fn scans(headers: &[(&[u8], u8, u8, u8)]) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8];
        for (components, first, last, bits) in headers {
            bytes.extend([0xff, SCAN, 0, 6 + 2 * components.len() as u8, components.len() as u8]);
            bytes.extend(components.iter().flat_map(|component| [*component, 0]));
            bytes.extend([*first, *last, *bits, 0x12, 0x34]);
        }
        bytes
    }

    #[test]
    fn a_progressive_file_is_whole_when_all_bits_are_there() {
        let all = [
            (&[1, 2, 3][..], 0, 0, 1),
            (&[1][..], 1, 63, 0),
            (&[2][..], 1, 63, 0),
            (&[3][..], 1, 63, 0),
            (&[1, 2, 3][..], 0, 0, 0x10),
        ];
        assert!(is_fully_refined(&scans(&all)));
        assert!(!is_fully_refined(&scans(&all[..4])), "the last bit of the first coefficients is missing");
        assert!(!is_fully_refined(&scans(&all[..1])));
        assert!(!is_fully_refined(&scans(&[(&[1], 0, 0, 0)])), "nothing but means");
    }
}

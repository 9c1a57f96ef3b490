//! Boxes of MP4 and MOV.
use super::Crop;
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes of a visual sample entry before the boxes in it, its size and type not counted; where its width stands.
const SAMPLE_ENTRY: u64 = 78;
const WIDTH: u64 = 24;
/// Boxes of one level that are examined.
const MAX_BOXES: usize = 10_000;

/// A box's type, and where its content lies.
#[derive(Clone, Copy)]
struct Found {
    kind: [u8; 4],
    start: u64,
    end: u64,
}

/// The clean aperture of the track of pictures with this number among those.
pub(super) fn crop(mut reader: impl Read + Seek, place: usize) -> io::Result<Option<Crop>> {
    let length = reader.seek(SeekFrom::End(0))?;
    let file = Found { kind: [0; 4], start: 0, end: length };
    let Some(movie) = inside(&mut reader, file, &[b"moov"])? else { return Ok(None) };
    let mut seen = 0;
    for track in boxes(&mut reader, movie)?.into_iter().filter(|found| &found.kind == b"trak") {
        let Some(handler) = inside(&mut reader, track, &[b"mdia", b"hdlr"])? else { continue };
        if read::<4>(&mut reader, handler.start + 8)? != *b"vide" {
            continue;
        }
        if seen == place {
            return match inside(&mut reader, track, &[b"mdia", b"minf", b"stbl", b"stsd"])? {
                Some(entries) => of_entries(&mut reader, entries),
                None => Ok(None),
            };
        }
        seen += 1;
    }
    Ok(None)
}

/// The crop of the first sample entry.
fn of_entries(reader: &mut (impl Read + Seek), entries: Found) -> io::Result<Option<Crop>> {
    // Version, flags and the number of entries come first.
    let list = Found { start: entries.start + 8, ..entries };
    let Some(entry) = boxes(reader, list)?.first().copied() else { return Ok(None) };
    let inner = Found { start: entry.start + SAMPLE_ENTRY, ..entry };
    let Some(aperture) = inside(reader, inner, &[b"clap"])? else { return Ok(None) };
    let [a, b, c, d] = read::<4>(reader, entry.start + WIDTH)?;
    let size = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])].map(f64::from);
    let numbers = read::<32>(reader, aperture.start)?;
    let numbers: Vec<f64> =
        numbers.as_chunks::<4>().0.iter().map(|bytes| f64::from(i32::from_be_bytes(*bytes))).collect();
    Ok(of_aperture(size, &numbers))
}

/// The crop of an aperture: width, height, and the offset of its centre from the picture's, each a fraction.
fn of_aperture(size: [f64; 2], numbers: &[f64]) -> Option<Crop> {
    let fraction = |at: usize| Some(numbers.get(at)? / numbers.get(at + 1)?).filter(|value| value.is_finite());
    let sides = |side: f64, width: f64, offset: f64| {
        let before = ((side - width) / 2.0 + offset).round().max(0.0);
        let after = (side - width.round() - before).max(0.0);
        (before as u32, after as u32)
    };
    let (width, height) = (fraction(0)?, fraction(2)?);
    if width < 1.0 || height < 1.0 {
        return None;
    }
    let (left, right) = sides(size[0], width, fraction(4)?);
    let (top, bottom) = sides(size[1], height, fraction(6)?);
    Some(Crop { left, top, right, bottom, shown: (0, 0) })
}

/// The first box on a path of types.
fn inside(reader: &mut (impl Read + Seek), mut found: Found, path: &[&[u8; 4]]) -> io::Result<Option<Found>> {
    for kind in path {
        let Some(next) = boxes(reader, found)?.into_iter().find(|next| next.kind == **kind) else { return Ok(None) };
        found = next;
    }
    Ok(Some(found))
}

/// The boxes inside one.
fn boxes(reader: &mut (impl Read + Seek), outer: Found) -> io::Result<Vec<Found>> {
    let (mut found, mut at) = (Vec::new(), outer.start);
    while at + 8 <= outer.end && found.len() < MAX_BOXES {
        let [a, b, c, d, kind @ ..] = read::<8>(reader, at)?;
        let (size, header) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (outer.end - at, 8),
            1 => (u64::from_be_bytes(read::<8>(reader, at + 8)?), 16),
            size => (size.into(), 8),
        };
        if size < header {
            break;
        }
        let end = at.saturating_add(size).min(outer.end);
        found.push(Found { kind, start: at + header, end });
        at = end;
    }
    Ok(found)
}

fn read<const N: usize>(reader: &mut (impl Read + Seek), at: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.seek(SeekFrom::Start(at))?;
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aperture_is_a_crop() {
        let crop =
            |numbers: [f64; 8]| of_aperture([720.0, 480.0], &numbers).map(|c| [c.left, c.right, c.top, c.bottom]);
        assert_eq!(crop([704.0, 1.0, 480.0, 1.0, 0.0, 1.0, 0.0, 1.0]), Some([8, 8, 0, 0]));
        assert_eq!(crop([700.0, 1.0, 470.0, 1.0, 4.0, 1.0, -5.0, 1.0]), Some([14, 6, 0, 10]));
        assert_eq!(crop([704.0, 0.0, 480.0, 1.0, 0.0, 1.0, 0.0, 1.0]), None);
        assert_eq!(crop([800.0, 1.0, 480.0, 1.0, 0.0, 1.0, 0.0, 1.0]), Some([0; 4]));
    }
}

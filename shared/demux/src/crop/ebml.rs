//! Matroska's elements.
use super::Crop;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

/// Ids of elements (RFC 9559).
const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1F43_B675;
const TRACKS: u32 = 0x1654_AE6B;
const TRACK_ENTRY: u32 = 0xAE;
const TRACK_TYPE: u32 = 0x83;
const VIDEO: u32 = 0xE0;
const CROP_BOTTOM: u32 = 0x54AA;
const CROP_TOP: u32 = 0x54BB;
const CROP_LEFT: u32 = 0x54CC;
const CROP_RIGHT: u32 = 0x54DD;
const DISPLAY_WIDTH: u32 = 0x54B0;
const DISPLAY_HEIGHT: u32 = 0x54BA;
/// The type of tracks of pictures.
const PICTURES: u64 = 1;
/// Elements of one level that are examined.
const MAX_ELEMENTS: usize = 10_000;

/// An element's id, and where its content lies.
struct Element {
    id: u32,
    start: u64,
    end: u64,
}

/// The crop of the track of pictures with this number among those.
pub(super) fn crop(mut reader: impl Read + Seek, place: usize) -> io::Result<Option<Crop>> {
    let length = reader.seek(SeekFrom::End(0))?;
    let Some(segment) = find(&mut reader, 0, length, SEGMENT)? else { return Ok(None) };
    let Some(tracks) = find(&mut reader, segment.start, segment.end, TRACKS)? else { return Ok(None) };
    let mut seen = 0;
    for track in elements(&mut reader, tracks.start, tracks.end)?.into_iter().filter(|track| track.id == TRACK_ENTRY) {
        let parts = elements(&mut reader, track.start, track.end)?;
        let kind = parts.iter().find(|part| part.id == TRACK_TYPE).map(|part| number(&mut reader, part));
        if kind.transpose()? != Some(PICTURES) {
            continue;
        }
        if seen == place {
            let video = parts.iter().find(|part| part.id == VIDEO);
            return video.map(|video| of_video(&mut reader, video)).transpose();
        }
        seen += 1;
    }
    Ok(None)
}

fn of_video(reader: &mut (impl Read + Seek), video: &Element) -> io::Result<Crop> {
    let mut crop = Crop::default();
    for part in elements(reader, video.start, video.end)? {
        let place = match part.id {
            CROP_BOTTOM => &mut crop.bottom,
            CROP_TOP => &mut crop.top,
            CROP_LEFT => &mut crop.left,
            CROP_RIGHT => &mut crop.right,
            DISPLAY_WIDTH => &mut crop.shown.0,
            DISPLAY_HEIGHT => &mut crop.shown.1,
            _ => continue,
        };
        *place = u32::try_from(number(reader, &part)?).unwrap_or(u32::MAX);
    }
    // Without a crop, FFmpeg's own reading of the size is the one.
    if [crop.left, crop.top, crop.right, crop.bottom] == [0; 4] {
        crop.shown = (0, 0);
    }
    Ok(crop)
}

/// The first element of an id; not behind the first pictures.
fn find(reader: &mut (impl Read + Seek), start: u64, end: u64, id: u32) -> io::Result<Option<Element>> {
    let mut at = start;
    for _ in 0..MAX_ELEMENTS {
        if at >= end {
            break;
        }
        let element = element(reader, at, end)?;
        match element.id {
            found if found == id => return Ok(Some(element)),
            CLUSTER => break,
            _ => at = element.end,
        }
    }
    Ok(None)
}

/// All elements of a level.
fn elements(reader: &mut (impl Read + Seek), start: u64, end: u64) -> io::Result<Vec<Element>> {
    let (mut found, mut at) = (Vec::new(), start);
    while at < end && found.len() < MAX_ELEMENTS {
        let element = element(reader, at, end)?;
        at = element.end;
        found.push(element);
    }
    Ok(found)
}

/// The element at a place.
fn element(reader: &mut (impl Read + Seek), at: u64, end: u64) -> io::Result<Element> {
    reader.seek(SeekFrom::Start(at))?;
    let (id, id_bytes) = variable(reader, true)?;
    let (size, size_bytes) = variable(reader, false)?;
    let start = at + id_bytes + size_bytes;
    let is_unknown = size == (1 << (7 * size_bytes)) - 1;
    let stop = if is_unknown { end } else { start.saturating_add(size).min(end) };
    Ok(Element { id: id as u32, start, end: stop })
}

/// A number whose first byte says how long it is (RFC 8794, section 4), and its bytes; ids keep the bit that says it.
fn variable(reader: &mut impl Read, keep: bool) -> io::Result<(u64, u64)> {
    let mut first = [0];
    reader.read_exact(&mut first)?;
    let more = first[0].leading_zeros();
    if more > 7 {
        return Err(ErrorKind::InvalidData.into());
    }
    let mask = if keep { 0xff } else { 0x7f >> more };
    let mut value = u64::from(first[0] & mask);
    for _ in 0..more {
        let mut byte = [0];
        reader.read_exact(&mut byte)?;
        value = value << 8 | u64::from(byte[0]);
    }
    Ok((value, u64::from(more) + 1))
}

/// The unsigned number that an element is.
fn number(reader: &mut (impl Read + Seek), element: &Element) -> io::Result<u64> {
    let length = (element.end - element.start).min(8) as usize;
    let mut bytes = [0; 8];
    reader.seek(SeekFrom::Start(element.start))?;
    reader.read_exact(&mut bytes[8 - length..])?;
    Ok(u64::from_be_bytes(bytes))
}

//! Files that hold more than one picture.
use super::tiff::{self, Layout};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Chunks of a file that are looked at before its pictures.
const MAX_CHUNKS: usize = 1 << 20;
/// Frames of an animation that are shown for no more than this many milliseconds …
const UNSHOWN_MS: u32 = 10;
/// … are shown for so many, as browsers have it.
const USUAL_MS: u32 = 100;

/// What a file of an image's name holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// One picture, or nothing that can be read.
    Picture,
    /// So many pictures that have nothing to do with each other: pages of a TIFF.
    Pages(u32),
    /// Frames of an animation with their durations in milliseconds: WebP.
    Animation(Vec<u32>),
    /// What FFmpeg reads as a video: an animated PNG.
    Film,
}

/// What a file holds, by its directory alone.
pub fn holds(path: &Path) -> Holds {
    let Ok(file) = File::open(path) else { return Holds::Picture };
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Holds::Picture;
    }
    of(&mut BufReader::new(file)).unwrap_or(Holds::Picture)
}

fn of(reader: &mut (impl Read + Seek)) -> io::Result<Holds> {
    let mut head = [0; 12];
    reader.read_exact(&mut head)?;
    if let Some(layout) = Layout::of(&head) {
        let pages = tiff::pages(reader, layout);
        return Ok(if pages > 1 { Holds::Pages(pages) } else { Holds::Picture });
    }
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        return png(reader);
    }
    if head.starts_with(b"RIFF") && head.ends_with(b"WEBP") {
        let durations = webp(reader)?;
        return Ok(if durations.len() > 1 { Holds::Animation(durations) } else { Holds::Picture });
    }
    Ok(Holds::Picture)
}

/// A PNG is animated when it has an `acTL` chunk before its data (PNG third edition, 11.3.6.1).
fn png(reader: &mut (impl Read + Seek)) -> io::Result<Holds> {
    reader.seek(SeekFrom::Start(8))?;
    for _ in 0..MAX_CHUNKS {
        let mut head = [0; 12];
        reader.read_exact(&mut head)?;
        let [a, b, c, d, name @ .., e, f, g, h] = head;
        let length = u32::from_be_bytes([a, b, c, d]);
        match &name {
            b"acTL" if u32::from_be_bytes([e, f, g, h]) > 1 => return Ok(Holds::Film),
            b"IDAT" | b"IEND" => break,
            // The four bytes read too many are the chunk's first, or its checksum when it is empty.
            _ => reader.seek(SeekFrom::Current(i64::from(length)))?,
        };
    }
    Ok(Holds::Picture)
}

/// Durations of the frames of an animated WebP: its `ANMF` chunks.
fn webp(reader: &mut (impl Read + Seek)) -> io::Result<Vec<u32>> {
    let mut durations = Vec::new();
    let mut at = 12;
    for _ in 0..MAX_CHUNKS {
        let mut head = [0; 8];
        if reader.seek(SeekFrom::Start(at)).and_then(|_| reader.read_exact(&mut head)).is_err() {
            break;
        }
        let [name @ .., a, b, c, d] = head;
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        if &name == b"ANMF" {
            // X, Y, width and height of the frame come before, 24 bits each.
            let mut frame = [0; 15];
            reader.read_exact(&mut frame)?;
            let duration = u32::from_le_bytes([frame[12], frame[13], frame[14], 0]);
            durations.push(if duration <= UNSHOWN_MS { USUAL_MS } else { duration });
        }
        at += 8 + length + length % 2;
    }
    Ok(durations)
}

//! The directories of a TIFF file, one for each of its pictures (TIFF 6.0, section 2); those of BigTIFF have numbers of 64 bits.
use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom};

/// Directories that are followed at most, and entries of each.
const MAX_DIRECTORIES: usize = 1 << 16;
const MAX_ENTRIES: u64 = 1 << 12;
/// Types of numbers.
const SHORT: u16 = 3;
const LONG: u16 = 4;
/// Tags that say what a picture is for.
const NEW_SUBFILE_TYPE: u16 = 254;
/// A smaller version of another picture of the file, or a mask for it.
const REDUCED_OR_MASK: u64 = 0b101;

/// Bytes that take the place of a file's own.
pub(super) type Patch = (u64, Vec<u8>);

/// How numbers are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    little: bool,
    big: bool,
}

impl Layout {
    /// That of a file which begins so; `None` when it is no TIFF.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        let (little, big) = match head.get(..4)? {
            b"II*\0" => (true, false),
            b"MM\0*" => (false, false),
            b"II+\0" => (true, true),
            b"MM\0+" => (false, true),
            _ => return None,
        };
        Some(Self { little, big })
    }

    /// Reads a number of some bytes.
    fn number(self, reader: &mut impl Read, bytes: usize) -> io::Result<u64> {
        let mut buffer = [0; 8];
        reader.read_exact(&mut buffer[..bytes])?;
        let value = if self.little { u64::from_le_bytes(buffer) } else { u64::from_be_bytes(buffer) };
        Ok(if self.little { value } else { value >> (8 * (8 - bytes)) })
    }

    fn bytes(self, value: u64, bytes: usize) -> Vec<u8> {
        if self.little { value.to_le_bytes()[..bytes].to_vec() } else { value.to_be_bytes()[8 - bytes..].to_vec() }
    }

    /// Bytes of an offset.
    fn word(self) -> usize {
        if self.big { 8 } else { 4 }
    }

    /// Where the offset of the first directory stands.
    fn first(self) -> u64 {
        if self.big { 8 } else { 4 }
    }

    /// Makes a directory the first of its file.
    pub(super) fn begin_with(self, directory: &Directory) -> Patch {
        (self.first(), self.bytes(directory.at, self.word()))
    }

    /// Puts a number of 16 bits into a directory.
    pub(super) fn set(self, directory: &Directory, tag: u16, value: u16) -> Option<Patch> {
        Some((directory.entry(tag)?.value_at, self.bytes(value.into(), 2)))
    }
}

/// One directory.
#[derive(Debug)]
pub(super) struct Directory {
    at: u64,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// Where its value stands, or the offset of its values.
    value_at: u64,
}

impl Directory {
    fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    /// The first number of a tag.
    pub(super) fn number(&self, reader: &mut (impl Read + Seek), layout: Layout, tag: u16) -> Option<u64> {
        let entry = self.entry(tag)?;
        let bytes = match entry.kind {
            SHORT => 2,
            LONG => 4,
            _ => return None,
        };
        reader.seek(SeekFrom::Start(entry.value_at)).ok()?;
        if entry.count.checked_mul(bytes)? > layout.word() as u64 {
            let offset = layout.number(reader, layout.word()).ok()?;
            reader.seek(SeekFrom::Start(offset)).ok()?;
        }
        layout.number(reader, bytes as usize).ok()
    }
}

/// The directories of a file's pictures in order, without those of thumbnails and masks. Those behind damage are not found.
pub(super) fn pages(reader: &mut (impl Read + Seek), layout: Layout) -> io::Result<Vec<Directory>> {
    reader.seek(SeekFrom::Start(layout.first()))?;
    let mut next = layout.number(reader, layout.word())?;
    let (mut all, mut seen) = (Vec::new(), HashSet::new());
    while next != 0 && all.len() < MAX_DIRECTORIES && seen.insert(next) {
        match directory(reader, layout, next) {
            Ok((found, then)) => {
                all.push(found);
                next = then;
            }
            Err(error) if all.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    let mut is_picture =
        |directory: &Directory| directory.number(reader, layout, NEW_SUBFILE_TYPE).unwrap_or(0) & REDUCED_OR_MASK == 0;
    let wanted: Vec<bool> = all.iter().map(&mut is_picture).collect();
    if wanted.contains(&true) {
        let mut wanted = wanted.into_iter();
        all.retain(|_| wanted.next().unwrap_or(true));
    }
    Ok(all)
}

/// A directory, and where the next one is.
fn directory(reader: &mut (impl Read + Seek), layout: Layout, at: u64) -> io::Result<(Directory, u64)> {
    reader.seek(SeekFrom::Start(at))?;
    let (count_bytes, entry_bytes) = if layout.big { (8, 20) } else { (2, 12) };
    let count = layout.number(reader, count_bytes)?;
    if count > MAX_ENTRIES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a directory of {count} entries")));
    }
    let mut entries = Vec::with_capacity(count as usize);
    let first = at + count_bytes as u64;
    for number in 0..count {
        let (tag, kind) = (layout.number(reader, 2)? as u16, layout.number(reader, 2)? as u16);
        let count = layout.number(reader, layout.word())?;
        let value_at = first + number * entry_bytes + (entry_bytes - layout.word() as u64);
        layout.number(reader, layout.word())?;
        entries.push(Entry { tag, kind, count, value_at });
    }
    let next = layout.number(reader, layout.word())?;
    Ok((Directory { at, entries }, next))
}

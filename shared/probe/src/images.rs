//! Items made of images: those of a folder, and files that hold several.
use super::reading::{ImageFolders, Reading};
use super::sequence::{self, Verdict};
use framefleet_frames::limits::check_size;
use framefleet_frames::{Colour, ImageFile, Item, ItemKind, Rational, ReadError, naming};
use framefleet_stills::{self as still, Colours, Header, Place};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A picture, by the file and page that it is, and what was read of it.
struct Read {
    file: ImageFile,
    header: Result<(Header, Colours), ReadError>,
}

/// Frames per second of sequences, where nobody says it.
const SEQUENCE_RATE: Rational = Rational { num: 25, den: 1 };
/// How many reasons are reported where no file can be read.
const MAX_REASONS: usize = 10;

/// The item that the images `files` of `folder` are. Images without a readable header are refused one by one; in a sequence
/// they keep their place, and their frame fails when it is decoded.
pub(super) fn item(
    name: String,
    folder: &Path,
    files: Vec<String>,
    reading: Reading,
    refused: &mut Vec<(String, String)>,
) -> Result<Item, ReadError> {
    let pictures = files.into_iter().map(|name| ImageFile { name, ..ImageFile::default() });
    let mut read = read(folder, pictures);
    let alike = are_alike(&read);
    let names: Vec<&str> = read.iter().map(|read| read.file.name.as_str()).collect();
    let verdict = match reading.folders {
        ImageFolders::Auto => sequence::verdict(folder, &names, alike),
        ImageFolders::Sequence if !alike => {
            let reason = "the images of a sequence must all have one size; read the folder as stills".to_owned();
            return Err(ReadError::Still { path: folder.to_owned(), reason });
        }
        ImageFolders::Sequence => sequence::forced(&names),
        ImageFolders::Stills => Verdict::Stills { why: None },
    };
    let (kind, note) = match verdict {
        Verdict::Film { missing, why } => {
            for (place, name) in missing {
                let file = ImageFile { name, ..ImageFile::default() };
                read.insert(place, Read { file, header: Err(ReadError::Missing) });
            }
            (ItemKind::Sequence, Some(why))
        }
        Verdict::Stills { why } => (ItemKind::Stills, why),
    };
    let rate = reading.rate.unwrap_or(SEQUENCE_RATE);
    let mut item = build(name, folder, read, kind, refused)?;
    if kind == ItemKind::Sequence {
        item.frame_rate = Some(rate);
        item.time_base = Some(Rational { num: rate.den, den: rate.num });
    }
    item.notes.splice(0..0, note);
    naming::note_shared_stems(&mut item.files);
    Ok(item)
}

/// The item that the pages of one file are: stills, each of a size of its own.
pub(super) fn pages(
    name: String,
    folder: &Path,
    file: String,
    count: u32,
    refused: &mut Vec<(String, String)>,
) -> Result<Item, ReadError> {
    let page = |page| ImageFile { name: file.clone(), page, ..ImageFile::default() };
    let read = read(folder, (1..=count).map(page));
    build(name, folder, read, ItemKind::Stills, refused)
}

/// The item that the frames of one animated file are, which are shown for so many milliseconds each.
pub(super) fn animation(
    name: String,
    folder: &Path,
    file: String,
    durations: &[u32],
    refused: &mut Vec<(String, String)>,
) -> Result<Item, ReadError> {
    let first = still::described(Place { path: &folder.join(&file), page: 0 })?;
    let mut pts_ns = 0;
    let frame = |(page, duration): (u32, &u32)| {
        let file = ImageFile { name: file.clone(), page, pts_ns, ..ImageFile::default() };
        pts_ns += i64::from(*duration) * 1_000_000;
        Read { file, header: Ok(first.clone()) }
    };
    let read: Vec<Read> = (1..).zip(durations).map(frame).collect();
    let total: u64 = durations.iter().map(|duration| u64::from(*duration)).sum();
    let mut item = build(name, folder, read, ItemKind::Sequence, refused)?;
    item.frame_rate = Some(Rational { num: 1000 * durations.len() as i64, den: (total as i64).max(1) });
    item.time_base = Some(Rational { num: 1, den: 1000 });
    Ok(item)
}

/// Reads the headers of pictures.
fn read(folder: &Path, pictures: impl Iterator<Item = ImageFile>) -> Vec<Read> {
    let read = |file: ImageFile| {
        let path = folder.join(&file.name);
        Read { header: still::described(Place::of(&file, &path)), file }
    };
    pictures.map(read).collect()
}

fn headers(read: &[Read]) -> impl Iterator<Item = &Header> {
    read.iter().filter_map(|read| read.header.as_ref().ok()).map(|(header, _)| header)
}

/// Whether all pictures that can be read have one size.
fn are_alike(read: &[Read]) -> bool {
    headers(read).map(|header| (header.width, header.height)).collect::<BTreeSet<_>>().len() <= 1
}

/// An item of pictures.
fn build(
    name: String,
    folder: &Path,
    read: Vec<Read>,
    kind: ItemKind,
    refused: &mut Vec<(String, String)>,
) -> Result<Item, ReadError> {
    let location = folder.to_str().ok_or_else(|| ReadError::Name(folder.to_owned()))?.to_owned();
    let headers: Vec<Header> = headers(&read).copied().collect();
    let most = |side: fn(&Header) -> u32| headers.iter().map(side).max();
    let (Some(width), Some(height)) = (most(|header| header.width), most(|header| header.height)) else {
        return Err(reasons(location, read));
    };
    let notes = profiles_left_out(&read);
    let files = keep_files(&name, read, kind, refused);
    let names: BTreeSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let bytes = names.iter().filter_map(|name| std::fs::metadata(folder.join(name)).ok()).map(|file| file.len()).sum();
    let item = Item {
        kind: kind.into(),
        width,
        height,
        bit_depth: headers.iter().map(Header::bit_depth).max().unwrap_or(8),
        alpha: headers.iter().any(Header::alpha),
        grey: headers.iter().all(Header::grey),
        frame_rate: Some(Rational { num: 0, den: 1 }),
        time_base: Some(Rational { num: SEQUENCE_RATE.den, den: SEQUENCE_RATE.num }),
        estimated_frames: files.len() as u64,
        codec: codecs(&headers),
        pixel_aspect: Some(Rational { num: 1, den: 1 }),
        colour: Some(Colour { range: "pc".to_owned(), ..Colour::default() }),
        bytes,
        scan: "progressive".to_owned(),
        name,
        location,
        files,
        notes,
        ..Item::default()
    };
    let pixel = framefleet_frames::frame::byte_length(framefleet_frames::frame::full_format(&item), 1, 1) as u64;
    check_size(folder, u64::from(item.width), u64::from(item.height), pixel)?;
    Ok(item)
}

/// Why nothing of a folder can be read: the reason of each file, but of no more than a few.
fn reasons(location: String, read: Vec<Read>) -> ReadError {
    let mut reasons: Vec<ReadError> = read.into_iter().filter_map(|read| read.header.err()).collect();
    match reasons.len() {
        0 => ReadError::Empty { place: location, passed_over: BTreeMap::new() },
        1 => reasons.remove(0),
        count => {
            let more = count.saturating_sub(MAX_REASONS);
            reasons.truncate(MAX_REASONS);
            ReadError::Several { reasons, more }
        }
    }
}

/// Files that are frames; the others are refused with their reason.
fn keep_files(item: &str, read: Vec<Read>, kind: ItemKind, refused: &mut Vec<(String, String)>) -> Vec<ImageFile> {
    let mut files = Vec::new();
    for Read { file, header } in read {
        let frame = files.len() as u64;
        match header {
            Ok((header, colours)) => files.push(described(ImageFile { frame, ..file }, &header, colours.colour)),
            Err(_) if kind == ItemKind::Sequence => files.push(ImageFile { frame, ..file }),
            Err(error) if file.page > 0 => refused.push((format!("{item}, page {}", file.page), error.to_string())),
            Err(error) => refused.push((format!("{item}/{}", file.name), error.to_string())),
        }
    }
    files
}

/// A file as its header describes it.
fn described(file: ImageFile, header: &Header, colour: Colour) -> ImageFile {
    ImageFile {
        width: header.width,
        height: header.height,
        bit_depth: header.bit_depth(),
        alpha: header.alpha(),
        grey: header.grey(),
        colour: Some(colour),
        ..file
    }
}

/// Profiles that say nothing of the pixels as they are read, by their space.
fn profiles_left_out(read: &[Read]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, colours) in read.iter().filter_map(|read| read.header.as_ref().ok()) {
        if let Some(space) = &colours.other_profile {
            *counts.entry(space).or_default() += 1;
        }
    }
    let note = |(space, count): (&str, usize)| {
        format!(
            "pictures with an ICC profile for {space}: {count}; the profile is left out, the pixels are read as RGB"
        )
    };
    counts.into_iter().map(note).collect()
}

/// Short names of the images' formats.
fn codecs(headers: &[Header]) -> String {
    let names = headers.iter().filter_map(|header| header.format.extensions_str().first().copied());
    names.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}

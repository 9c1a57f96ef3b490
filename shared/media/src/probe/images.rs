//! Items made of the images of a folder.
use super::ImageFolders;
use crate::limits::check_size;
use crate::read_error::ReadError;
use crate::still::file::{self as still, Header};
use crate::{Colour, ImageFile, Item, ItemKind, Rational, naming};
use std::collections::BTreeSet;
use std::path::Path;

/// What was read of a file.
type Described = Result<(Header, Colour), ReadError>;

/// Frames per second of sequences, whose files do not say.
const SEQUENCE_RATE: i64 = 25;

/// The item that the images `files` of `folder` are. Images without a readable header are refused one by one; in a sequence
/// they keep their place, and their frame fails when it is decoded.
pub(super) fn item(
    name: String,
    folder: &Path,
    files: Vec<String>,
    folders: ImageFolders,
    refused: &mut Vec<(String, String)>,
) -> Result<Item, ReadError> {
    let location = folder.to_str().ok_or_else(|| ReadError::Name(folder.to_owned()))?.to_owned();
    let read: Vec<(String, Described)> = files
        .into_iter()
        .map(|file| (still::described(&folder.join(&file)), file))
        .map(|(read, file)| (file, read))
        .collect();
    let headers: Vec<Header> =
        read.iter().filter_map(|(_, read)| read.as_ref().ok()).map(|(header, _)| *header).collect();
    let Some(first) = headers.first().copied() else {
        let reason = read.into_iter().find_map(|(_, read)| read.err());
        return Err(reason.unwrap_or(ReadError::Empty(location)));
    };
    let alike = headers.iter().all(|header| (header.width, header.height) == (first.width, first.height));
    let sequence = match folders {
        ImageFolders::Auto => alike && are_consecutive(read.iter().map(|(file, _)| file.as_str())),
        ImageFolders::Sequence => true,
        ImageFolders::Stills => false,
    };
    if sequence && !alike {
        let reason = "the images of a sequence must all have one size; read the folder as stills".to_owned();
        return Err(ReadError::Still { path: folder.to_owned(), reason });
    }
    let files = keep_files(&name, read, sequence, refused);
    let size = (headers.iter().map(|header| header.width).max(), headers.iter().map(|header| header.height).max());
    let item = Item {
        kind: if sequence { ItemKind::Sequence } else { ItemKind::Stills }.into(),
        width: size.0.unwrap_or(first.width),
        height: size.1.unwrap_or(first.height),
        bit_depth: headers.iter().map(Header::bit_depth).max().unwrap_or(8),
        alpha: headers.iter().any(Header::alpha),
        grey: headers.iter().all(Header::grey),
        frame_rate: Some(if sequence { Rational { num: SEQUENCE_RATE, den: 1 } } else { Rational { num: 0, den: 1 } }),
        time_base: Some(Rational { num: 1, den: SEQUENCE_RATE }),
        estimated_frames: files.len() as u64,
        codec: codecs(&headers),
        pixel_aspect: Some(Rational { num: 1, den: 1 }),
        colour: Some(Colour { range: "pc".to_owned(), ..Colour::default() }),
        bytes: files
            .iter()
            .filter_map(|file| std::fs::metadata(folder.join(&file.name)).ok())
            .map(|file| file.len())
            .sum(),
        scan: "progressive".to_owned(),
        name,
        location,
        files,
        ..Item::default()
    };
    let pixel = crate::frame::byte_length(crate::frame::full_format(&item), 1, 1) as u64;
    check_size(folder, u64::from(item.width), u64::from(item.height), pixel)?;
    Ok(item)
}

/// Files that are frames; the others are refused with their reason.
fn keep_files(
    item: &str,
    read: Vec<(String, Described)>,
    sequence: bool,
    refused: &mut Vec<(String, String)>,
) -> Vec<ImageFile> {
    let mut files = Vec::new();
    for (name, read) in read {
        let frame = files.len() as u64;
        match read {
            Ok((header, colour)) => files.push(image_file(frame, name, &header, colour)),
            Err(_) if sequence => files.push(ImageFile { frame, name, ..ImageFile::default() }),
            Err(error) => refused.push((format!("{item}/{name}"), error.to_string())),
        }
    }
    naming::note_shared_stems(&mut files);
    files
}

/// A file as its header describes it.
fn image_file(frame: u64, name: String, header: &Header, colour: Colour) -> ImageFile {
    ImageFile {
        frame,
        name,
        width: header.width,
        height: header.height,
        bit_depth: header.bit_depth(),
        alpha: header.alpha(),
        grey: header.grey(),
        colour: Some(colour),
        ..ImageFile::default()
    }
}

/// Whether names are a common stem with consecutive numbers: `shot_0099.png`, `shot_0100.png`, …
fn are_consecutive<'a>(names: impl Iterator<Item = &'a str>) -> bool {
    let mut previous: Option<(&str, &str, u64)> = None;
    let mut count = 0;
    for name in names {
        let Some((stem, extension, number)) = numbered(name) else { return false };
        if previous.is_some_and(|last| (last.0, last.1, last.2.checked_add(1)) != (stem, extension, Some(number))) {
            return false;
        }
        previous = Some((stem, extension, number));
        count += 1;
    }
    count > 1
}

/// Stem, extension and trailing number of a name.
fn numbered(name: &str) -> Option<(&str, &str, u64)> {
    let (base, extension) = name.rsplit_once('.')?;
    let stem = base.trim_end_matches(|letter: char| letter.is_ascii_digit());
    base[stem.len()..].parse().ok().map(|number| (stem, extension, number))
}

/// Short names of the images' formats.
fn codecs(headers: &[Header]) -> String {
    let names = headers.iter().filter_map(|header| header.format.extensions_str().first().copied());
    names.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}

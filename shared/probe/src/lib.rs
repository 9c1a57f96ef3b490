//! From a source to its items: which files there are, and what their headers say.
mod files;
mod images;
mod immersive;
mod pattern;
mod reading;
mod sequence;
mod video;

pub use reading::{ImageFolders, Reading};

use files::{Candidate, Candidates};
use framefleet_frames::{Item, ReadError};
use std::collections::BTreeMap;

/// What a source holds.
#[derive(Clone, Debug, Default)]
pub struct Probed {
    /// Items, in natural order of their names.
    pub items: Vec<Item>,
    /// Files that are no readable item: (name, why), in the same order.
    pub refused: Vec<(String, String)>,
    /// How many files of its folders are of no kind that is read, by extension (".md"; "" for none).
    pub passed_over: BTreeMap<String, u64>,
}

/// Finds the items of `source` and reads their headers. `source` is a video or an image; a folder (videos anywhere below it
/// are items, and so is every folder below it that holds images directly); a pattern (`shots/**/*.mov`); or a text file
/// (`.txt`, `.list`) with one path a line, relative to where the text file is. Hidden files and Framefleet's own outputs
/// are passed over; files of other kinds are counted.
pub fn probe(source: &str, folders: ImageFolders) -> Result<Probed, ReadError> {
    probe_with(source, Reading { folders, ..Reading::default() })
}

/// The same with all that can be said of how a source is read.
pub fn probe_with(source: &str, reading: Reading) -> Result<Probed, ReadError> {
    let Candidates { mut candidates, mut refused, mut passed_over } = files::find(source)?;
    if candidates.is_empty() && refused.is_empty() {
        return Err(ReadError::Empty { place: source.to_owned(), passed_over });
    }
    let mut items = Vec::new();
    candidates.sort_by(|a, b| natord::compare(a.name(), b.name()));
    for candidate in candidates {
        let name = candidate.name().to_owned();
        let item = match candidate {
            Candidate::Video { name, path } => video::item(name, &path, reading.video_stream),
            Candidate::Images { name, folder, files } => images::item(name, &folder, files, reading, &mut refused),
            Candidate::Pages { name, folder, file, count } => images::pages(name, &folder, file, count, &mut refused),
            Candidate::Animation { name, folder, file, durations } => {
                images::animation(name, &folder, file, &durations, &mut refused)
            }
        };
        match item {
            Ok(item) => items.push(item),
            Err(ReadError::NoVideo(_)) if files::may_be_sound(&name) => {
                *passed_over.entry("sound alone".to_owned()).or_default() += 1;
            }
            Err(error) => refused.push((name, error.to_string())),
        }
    }
    refused.sort_by(|a, b| natord::compare(&a.0, &b.0));
    Ok(Probed { items, refused, passed_over })
}

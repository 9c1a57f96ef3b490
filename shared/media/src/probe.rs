//! From a source to its items: which files there are, and what their headers say.
mod files;
mod images;
mod immersive;
mod video;

use crate::Item;
use crate::read_error::ReadError;
pub(crate) use files::is_image_extension;
use files::{Candidate, Candidates};

/// Whether the images of a folder are frames that follow one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ImageFolders {
    /// A sequence where names carry consecutive numbers after a common stem and all have one size, else stills.
    #[default]
    Auto,
    /// Always a sequence.
    Sequence,
    /// Always stills.
    Stills,
}

/// What a source holds.
#[derive(Clone, Debug, Default)]
pub struct Probed {
    /// Items, in natural order of their names.
    pub items: Vec<Item>,
    /// Files that are no readable item: (name, why), in the same order.
    pub refused: Vec<(String, String)>,
}

/// Finds the items of `source` and reads their headers. `source` is a video or an image; a folder (videos anywhere below it
/// are items, and so is every folder below it that holds images directly); a pattern (`shots/**/*.mov`); or a text file
/// (`.txt`, `.list`) with one path a line, relative to where the text file is. Hidden files and Framefleet's own outputs
/// are passed over.
pub fn probe(source: &str, folders: ImageFolders) -> Result<Probed, ReadError> {
    let Candidates { mut candidates, mut refused } = files::find(source)?;
    if candidates.is_empty() && refused.is_empty() {
        return Err(ReadError::Empty(source.to_owned()));
    }
    let mut items = Vec::new();
    candidates.sort_by(|a, b| natord::compare(a.name(), b.name()));
    for candidate in candidates {
        let name = candidate.name().to_owned();
        let item = match candidate {
            Candidate::Video { name, path } => video::item(name, &path),
            Candidate::Images { name, folder, files } => images::item(name, &folder, files, folders, &mut refused),
        };
        match item {
            Ok(item) => items.push(item),
            Err(error) => refused.push((name, error.to_string())),
        }
    }
    refused.sort_by(|a, b| natord::compare(&a.0, &b.0));
    Ok(Probed { items, refused })
}

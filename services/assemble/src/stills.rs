//! The process half for images: every frame to a file.
use crate::{names::still_name, stage_error};
use framefleet_media::encode::{Encoding, StillFormat, write_still};
use framefleet_media::{Frame, Item, Rendition, item};
use framefleet_stage::{Batch, Outputs, StageError};
use std::path::{Path, PathBuf};

/// Writes the frames of the batch. Images keep name and format unless another is asked for, depth, ICC profile and EXIF as
/// far as [`write_still`] says; a frame that cannot be written fails, the others go on.
pub(crate) fn write(encoding: Encoding, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
    for &number in batch.frames() {
        match batch.frame(Rendition::Full, number) {
            Some(frame) => write_frame(encoding, batch.item(), frame, out)?,
            None => out.fail(number, "no-frame", "the frame to write is not there"),
        }
    }
    Ok(())
}

fn write_frame(encoding: Encoding, item: &Item, frame: &Frame, out: &mut Outputs) -> Result<(), StageError> {
    let source = source_image(item, frame.number);
    let (name, format) = match encoding {
        Encoding::Png => (still_name(item, frame.number, StillFormat::Png), StillFormat::Png),
        Encoding::Tiff => (still_name(item, frame.number, StillFormat::Tiff), StillFormat::Tiff),
        _ => {
            let format = StillFormat::of_name(&source.as_deref().unwrap_or(Path::new("")).to_string_lossy());
            (still_name(item, frame.number, format), format)
        }
    };
    let path = out.artifact(&name).map_err(StageError::retry)?.path().to_owned();
    write_still(&path, &frame.image, format, source.as_deref()).map_err(stage_error)
}

/// The image that a frame was read from; `None` for frames of a video.
fn source_image(item: &Item, number: u64) -> Option<PathBuf> {
    item::file(item, number).map(|file| Path::new(&item.location).join(&file.name))
}

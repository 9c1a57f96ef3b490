//! The process half for images: every frame to a file.
use crate::{AssembleSettings, names::still_pattern, stage_error};
use framefleet_encode::{StillOptions, write_still};
use framefleet_formats::{Encoding, StillFormat};
use framefleet_frames::frame::channels;
use framefleet_frames::{Frame, Item, Rendition, item};
use framefleet_stage::{Batch, Job, Outputs, StageError, codes};
use std::path::Path;

/// Writes the frames of the batch. Images keep name and format unless another is asked for, depth, ICC profile (that of
/// their new colour, where steps changed it) and EXIF as far as [`write_still`] says; a frame that cannot be written fails,
/// the others go on.
pub(crate) fn write(
    settings: &AssembleSettings,
    job: &Job,
    batch: &Batch,
    out: &mut Outputs,
) -> Result<(), StageError> {
    for &number in batch.frames() {
        match batch.frame(Rendition::Full, number) {
            Some(frame) => write_frame(settings, job, batch.item(), frame, out)?,
            None => out.fail(number, codes::ABSENT, "the frame to write is not there"),
        }
    }
    Ok(())
}

fn write_frame(
    settings: &AssembleSettings,
    job: &Job,
    item: &Item,
    frame: &Frame,
    out: &mut Outputs,
) -> Result<(), StageError> {
    let file = item::file(item, frame.number).map(|file| file.name.as_str());
    let format = match settings.encoding {
        Encoding::Png => StillFormat::Png,
        Encoding::Tiff => StillFormat::Tiff,
        _ => match StillFormat::of_name(file.unwrap_or_default()) {
            // A step upstream made it transparent.
            StillFormat::Jpeg if channels(frame.image.format()) == 4 => StillFormat::Png,
            format => format,
        },
    };
    let pattern = match file {
        Some(file) => still_pattern(file, format),
        None => format!("frame_*.{}", format.extension()),
    };
    let path = out.frame_artifact(frame.number, &pattern).map_err(StageError::retry)?.path().to_owned();
    let source = file.map(|file| Path::new(&item.location).join(file));
    let options = StillOptions { source: source.as_deref(), colour: job.made_colour(), dither: settings.dither };
    write_still(&path, &frame.image, format, &options).map_err(stage_error)
}

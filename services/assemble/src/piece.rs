//! The process half for films: the frames of a group to one piece.
use crate::{AssembleSettings, stage_error};
use framefleet_encode::{Encoder, PIECE_EXTENSION};
use framefleet_formats::{Codec, VideoFormat};
use framefleet_frames::{Frame, Rendition, times::closest};
use framefleet_stage::{Batch, Job, Outputs, StageError};

/// Name of the piece that a task attaches, without extension.
pub(crate) const PIECE: &str = "piece";

/// Encodes every frame of the group, so that the film keeps its timing: for a frame that is not there (failed or skipped
/// upstream, sampled out) the one before is shown again, at the group's beginning the next one. A group without any frame
/// makes no piece; the last frame before it is shown meanwhile.
pub(crate) fn encode(
    codec: Codec,
    settings: &AssembleSettings,
    job: &Job,
    batch: &Batch,
    out: &mut Outputs,
) -> Result<(), StageError> {
    let present = |number| batch.frame(Rendition::Full, number);
    let Some(first) = batch.frames().iter().find_map(|&number| present(number)) else { return Ok(()) };
    let mut encoder = start(codec, settings, job, batch, first, out)?;
    let mut shown = first;
    for number in batch.range().start..batch.range().end {
        // Only frames that are to have a result count: others may be there for their neighbours' sake.
        if batch.frames().binary_search(&number).is_ok() {
            shown = present(number).unwrap_or(shown);
        }
        let pts_ns = batch.pts_ns(number).ok_or_else(|| missing_time(batch, number))?;
        encoder.push(&shown.image, pts_ns).map_err(stage_error)?;
    }
    encoder.finish().map_err(stage_error)?;
    Ok(())
}

fn start(
    codec: Codec,
    settings: &AssembleSettings,
    job: &Job,
    batch: &Batch,
    first: &Frame,
    out: &mut Outputs,
) -> Result<Encoder, StageError> {
    let size = (first.image.width(), first.image.height(), first.image.format());
    let item = batch.item();
    let format = VideoFormat::new(codec, item, size, settings.quality).made(job.colour(item), job.bit_depth(item));
    let times: Vec<i64> = (batch.range().start..batch.range().end).filter_map(|frame| batch.pts_ns(frame)).collect();
    let format = VideoFormat { dither: settings.dither, ..format }.for_times(closest(&times));
    let piece = out.attach(&format!("{PIECE}.{PIECE_EXTENSION}")).map_err(StageError::retry)?;
    Encoder::create(piece.path(), &format).map_err(stage_error)
}

fn missing_time(batch: &Batch, number: u64) -> StageError {
    StageError::BadInput(format!("{}: frame {number} has no presentation time", batch.item().name))
}

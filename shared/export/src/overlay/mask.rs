//! Masks, half transparent, in the colour of their track; grey without one.
use super::canvas::{Canvas, colour};
use crate::ExportError;
use crate::writer::FrameRecord;
use framefleet_media::Mask;
use framefleet_vision::run_lengths::Runs;

/// Colours the masks of a frame.
pub(super) fn draw(record: &FrameRecord<'_>, canvas: &mut Canvas) -> Result<(), ExportError> {
    for mask in record.of::<Mask>("mask")? {
        if let Some(lengths) = &mask.run_lengths {
            canvas.tinted(&Runs::parse(lengths)?, colour(mask.track))?;
        }
    }
    Ok(())
}

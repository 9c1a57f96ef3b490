//! Masks, half transparent, in the colour of their track; grey without one.
use super::canvas::{Canvas, colour};
use crate::ExportError;
use crate::writer::FrameRecord;
use framefleet_frames::Mask;

/// Colours the masks of a frame.
pub(super) fn draw(record: &FrameRecord<'_>, canvas: &mut Canvas) -> Result<(), ExportError> {
    for mask in record.of::<Mask>("mask")? {
        canvas.tinted(&mask, colour(mask.track))?;
    }
    Ok(())
}

//! Faces: box and identity; grey without one.
use super::canvas::{Canvas, colour};
use crate::ExportError;
use crate::writer::FrameRecord;
use framefleet_frames::Face;

/// Draws the faces of a frame.
pub(super) fn draw(record: &FrameRecord<'_>, canvas: &mut Canvas) -> Result<(), ExportError> {
    for face in record.of::<Face>("face")? {
        let word = match (face.identity, face.track) {
            (Some(identity), _) => format!("identity {identity}"),
            (None, Some(track)) => format!("track {track}"),
            (None, None) => String::new(),
        };
        if let [x0, y0, x1, y1] = face.r#box[..] {
            canvas.boxed([x0, y0, x1, y1], &word, colour(face.identity))?;
        }
    }
    Ok(())
}

//! Persons: box, id and skeleton; grey without a track, thin where interpolated.
use super::canvas::{Canvas, colour};
use crate::ExportError;
use crate::writer::FrameRecord;
use framefleet_frames::Pose;
use framefleet_frames::skeleton::LIMBS;

/// Points of lower visibility are not drawn.
const VISIBLE: f32 = 0.2;

/// Draws the persons of a frame.
pub(super) fn draw(record: &FrameRecord<'_>, canvas: &mut Canvas) -> Result<(), ExportError> {
    for pose in record.of::<Pose>("pose")? {
        draw_one(&pose, canvas)?;
    }
    Ok(())
}

fn draw_one(pose: &Pose, canvas: &mut Canvas) -> Result<(), ExportError> {
    let colour = colour(pose.track);
    let points = if pose.smoothed.is_empty() { &pose.keypoints } else { &pose.smoothed };
    let points = points.as_chunks::<3>().0;
    let visible =
        |index: usize| points.get(index).filter(|point| point[2] >= VISIBLE).map(|point| [point[0], point[1]]);
    for (a, b) in LIMBS {
        if let (Some(a), Some(b)) = (visible(a), visible(b)) {
            canvas.line(a, b, colour)?;
        }
    }
    for index in 0..points.len() {
        if let Some(at) = visible(index) {
            canvas.dot(at, colour)?;
        }
    }
    if let [x0, y0, x1, y1] = pose.r#box[..] {
        let between = if pose.interpolated == Some(true) { "~" } else { "" };
        let word = pose.track.map_or_else(String::new, |track| format!("{between}{track}"));
        canvas.boxed([x0, y0, x1, y1], &word, colour)?;
    }
    Ok(())
}

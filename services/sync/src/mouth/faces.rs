//! The faces that another step found, and the frames that show them.
use framefleet_frames::annotation::Value;
use framefleet_frames::{Face, Kind};
use framefleet_perception::FrameView;
use framefleet_stage::Batch;
use std::sync::LazyLock;

/// The faces of a frame and their instances.
pub fn faces_of(batch: &Batch, number: u64) -> Vec<(u32, &Face)> {
    static FACE: LazyLock<Kind> = LazyLock::new(|| Kind::new("face"));
    let faces = batch.annotations(number, &FACE).filter_map(|annotation| match &annotation.value {
        Some(Value::Face(face)) => Some((annotation.instance, face)),
        _ => None,
    });
    faces.collect()
}

/// Pixels of a view per pixel of the full frame.
pub fn shrink(view: &FrameView<'_>) -> f64 {
    let longer = |(width, height): (u32, u32)| f64::from(width.max(height));
    longer(view.size()) / longer(view.full_size())
}

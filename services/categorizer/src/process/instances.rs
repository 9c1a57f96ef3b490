//! The instances of a frame that other steps found.
use crate::settings::Of;
use framefleet_frames::annotation::Value;
use framefleet_frames::{Kind, Mask};
use framefleet_masks::Rle;
use framefleet_stage::Batch;
use framefleet_vision::VisionError;
use framefleet_vision::boxes::BBox;

/// Where an instance is in a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Its number within its kind and frame.
    pub number: u32,
    /// Pixels of the full frame.
    pub place: BBox,
    /// What it covers; `None`: all of its box.
    pub mask: Option<Rle>,
}

/// The instances of a frame, in order of their numbers; those without a box are left out.
///
/// # Errors
/// A mask whose run lengths are none.
pub fn of_frame(batch: &Batch, number: u64, of: Of) -> Result<Vec<Instance>, VisionError> {
    let Some(kind) = of.kind().map(Kind::new) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for annotation in batch.annotations(number, &kind) {
        let (sides, mask) = match &annotation.value {
            Some(Value::Mask(mask)) => (&mask.r#box, covered(mask)?),
            Some(Value::Face(face)) => (&face.r#box, None),
            Some(Value::Pose(pose)) => (&pose.r#box, None),
            _ => continue,
        };
        if let Ok(place) = BBox::try_from(sides.as_slice()) {
            found.push(Instance { number: annotation.instance, place, mask });
        }
    }
    Ok(found)
}

fn covered(mask: &Mask) -> Result<Option<Rle>, VisionError> {
    mask.run_lengths.as_ref().map(Rle::parse).transpose()
}

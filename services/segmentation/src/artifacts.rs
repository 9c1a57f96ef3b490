//! Images of what was found, beside the records.
use crate::settings::SegmentationSettings;
use framefleet_perception::{FrameView, PerceptionError};
use framefleet_stage::Outputs;
use framefleet_vision::families::{Family, Shown};
use framefleet_vision::rle::Rle;
use std::io::Write;

/// Writes the families of a frame, given in full with its masks. Instances are numbered as in the records.
pub fn write(
    frame: &FrameView<'_>,
    masks: &[Rle],
    settings: &SegmentationSettings,
    out: &mut Outputs,
) -> Result<(), PerceptionError> {
    let shown = Shown { picture: frame.rgb(), masks, context: settings.context_pixels };
    let mut families: Vec<Family> = settings.artifacts.clone();
    families.sort_unstable();
    families.dedup();
    for family in families {
        family.draw(&shown, |name, bytes| {
            out.frame_artifact(frame.number(), name)?.write_all(bytes).map_err(PerceptionError::from)
        })?;
    }
    Ok(())
}

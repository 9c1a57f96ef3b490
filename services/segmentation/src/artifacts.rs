//! Images of what was found, beside the records.
use crate::settings::SegmentationSettings;
use framefleet_masks::Rle;
use framefleet_masks::{MaskProduct, Shown};
use framefleet_perception::{FrameView, PerceptionError};
use framefleet_stage::Outputs;
use std::io::Write;

/// Writes the mask products of a frame, given in full with its masks. Instances are numbered as in the records.
pub fn write(
    frame: &FrameView<'_>,
    masks: &[Rle],
    settings: &SegmentationSettings,
    out: &mut Outputs,
) -> Result<(), PerceptionError> {
    let shown = Shown { picture: frame.rgb(), masks, context: settings.context_pixels };
    let mut products: Vec<MaskProduct> = settings.artifacts.clone();
    products.sort_unstable();
    products.dedup();
    for product in products {
        product.draw(&shown, |name, bytes| {
            out.frame_artifact(frame.number(), name)?.write_all(bytes).map_err(PerceptionError::from)
        })?;
    }
    Ok(())
}

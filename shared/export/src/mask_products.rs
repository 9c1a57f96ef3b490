//! Pictures of masks: for every frame below `<item>/<product>/`, under the names that artifacts of the segmentation stage have.
use crate::ExportError;
use crate::place::place;
use crate::writer::{FrameRecord, Writer};
use framefleet_frames::{Pictures, RunLengths};
use framefleet_masks::Rle;
use framefleet_masks::{MaskProduct, Shown};
use framefleet_vision::mat::rgb8;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Numbers of instances beyond this are no numbers of instances.
const MOST: usize = 100_000;

/// The writer.
pub(crate) struct MaskProducts<'a> {
    product: MaskProduct,
    /// Surroundings of an instance in context and blurred pictures, pixels.
    context: u32,
    folder: &'a Path,
    pictures: &'a mut dyn Pictures,
    files: Vec<PathBuf>,
}

/// The fields of a mask that pictures need.
#[derive(Deserialize)]
struct Masked {
    instance: usize,
    run_lengths: Option<RunLengths>,
}

impl<'a> MaskProducts<'a> {
    pub fn new(product: MaskProduct, context: u32, folder: &'a Path, pictures: &'a mut dyn Pictures) -> Self {
        Self { product, context, folder, pictures, files: Vec::new() }
    }
}

impl Writer for MaskProducts<'_> {
    fn frame(&mut self, record: &FrameRecord<'_>) -> Result<(), ExportError> {
        if !record.has_result() {
            return Ok(());
        }
        let (item, number) = (record.item, record.number);
        let problem = |reason| ExportError::Picture { item: item.name.clone(), frame: number, reason };
        let Some(frame) = self.pictures.picture(item, number).map_err(problem)? else { return Ok(()) };
        let picture = rgb8(&frame.image)?;
        let masks = masks(record)?;
        let shown = Shown { picture: &picture, masks: &masks, context: self.context };
        self.product.draw(&shown, |pattern, bytes| {
            let path = place(self.folder, &record.path(pattern), "")?;
            std::fs::write(&path, bytes).map_err(ExportError::write(&path))?;
            self.files.push(path);
            Ok(())
        })
    }

    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>, ExportError> {
        Ok(self.files)
    }
}

/// The masks of a frame by their numbers; what a correction took out is empty.
fn masks(record: &FrameRecord<'_>) -> Result<Vec<Rle>, ExportError> {
    let mut masks = Vec::new();
    for mask in record.of::<Masked>("mask")? {
        let Some(lengths) = &mask.run_lengths else { continue };
        if mask.instance > MOST {
            return Err(record.wrong("mask", format!("no frame has {} instances", mask.instance)));
        }
        masks.resize_with(masks.len().max(mask.instance + 1), Rle::default);
        masks[mask.instance] = Rle::parse(lengths)?;
    }
    Ok(masks)
}

//! Finding the targets of corrections when a step's finish is due: then all pictures are known, and what process made of them.
use super::{Boxes, PictureSearch, Resolved};
use crate::driver::{Orchestrator, OrchestratorError};
use crate::job::JobState;
use framefleet_frames::{AnnotationBlock, Edit, ImageFile, annotation};
use std::collections::HashMap;

impl Orchestrator {
    /// Finds the targets of the corrections of a step whose finish is due.
    pub(crate) async fn resolve_edits(&self, state: &JobState, step: usize) -> Result<Resolved, OrchestratorError> {
        let edits: Vec<Edit> = state.edits(step).cloned().collect();
        let mut search = PictureSearch::new(&edits);
        for footage in state.all_footage() {
            let name = &footage.item.name;
            if search.see_item(name) {
                footage.all_files().for_each(|file| search.see(name, &file));
            }
        }
        let mut boxes = HashMap::new();
        for (item, file) in search.questions(&edits) {
            let there = match state.task_on(step, &item, file.frame) {
                Some(key) => boxes_on(self.ledger.annotations(&key).await?.as_ref(), &file),
                None => Boxes::new(),
            };
            boxes.insert((item, file.frame), there);
        }
        Ok(search.resolve(&edits, &boxes))
    }
}

/// Where the instances of an image are, of whatever has a box.
pub fn boxes_on(block: &AnnotationBlock, file: &ImageFile) -> Boxes {
    let (width, height) = (file.width.max(1) as f32, file.height.max(1) as f32);
    let on_frame = block.frames.iter().filter(|of| of.frame == file.frame).flat_map(|of| &of.annotations);
    let place = |made| {
        let body = annotation::to_json(made).ok()?;
        let numbers: Vec<f32> =
            body.get("box")?.as_array()?.iter().filter_map(|number| Some(number.as_f64()? as f32)).collect();
        let [x0, y0, x1, y1] = numbers[..] else { return None };
        Some((made.instance, [x0 / width, y0 / height, x1 / width, y1 / height]))
    };
    on_frame.filter_map(place).collect()
}

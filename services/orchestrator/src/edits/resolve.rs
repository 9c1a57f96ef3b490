//! Finding the targets of corrections when a step's finish is due: then all pictures are known, and what process made of them.
use super::{Boxes, PictureSearch, Resolved};
use crate::driver::{Orchestrator, OrchestratorError};
use crate::state::{FinishStatus, JobState, Status};
use framefleet_ledger::TaskKey;
use framefleet_media::{AnnotationBlock, Edit, ImageFile, annotation};
use std::collections::HashMap;

impl Orchestrator {
    /// Finds the targets of the corrections of a step whose finish is due.
    pub(crate) async fn resolve_edits(&self, state: &JobState, step: usize) -> Result<Resolved, OrchestratorError> {
        let edits: Vec<Edit> = state.edits(step).cloned().collect();
        let mut search = PictureSearch::new(&edits);
        for footage in &state.footage {
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

impl JobState {
    /// Steps of this pass whose finish waits for the targets of their corrections.
    pub(crate) fn edits_due(&self) -> Vec<usize> {
        if !self.drained() || self.finished || self.stop.is_some() || self.options.preview.is_some() {
            return Vec::new();
        }
        let waits = |step: &usize| matches!(self.finish[*step], FinishStatus::Waiting) && !self.knows_edits(*step);
        self.plan.passes[self.pass].finish.iter().copied().filter(waits).collect()
    }

    /// Whether the targets of a step's corrections, if it has any, are where they say.
    pub(crate) fn knows_edits(&self, step: usize) -> bool {
        self.resolved.contains(&step) || self.edits(step).next().is_none()
    }

    /// The user's corrections of a step.
    pub(crate) fn edits(&self, step: usize) -> impl Iterator<Item = &Edit> {
        let name = &self.plan.steps[step].name;
        self.options.edits.iter().filter(move |edit| edit.step == *name)
    }

    /// Takes the corrections of a step with their targets as they are now.
    pub(crate) fn note_edits(&mut self, step: usize, edits: Vec<Edit>) {
        let name = &self.plan.steps[step].name;
        self.options.edits.retain(|edit| edit.step != *name);
        self.options.edits.extend(edits);
        self.resolved.insert(step);
    }

    /// The task that made a step's annotations on a frame.
    fn task_on(&self, step: usize, item: &str, frame: u64) -> Option<TaskKey> {
        let item = self.footage.iter().position(|footage| footage.item.name == item)?;
        let batch = frame / self.footage[item].batch_frames;
        match self.status(step, item, usize::try_from(batch / self.group(step, item)).ok()?) {
            Status::Done(key, _) => Some(*key),
            _ => None,
        }
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

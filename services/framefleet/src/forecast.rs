//! What a run would do, found out by indexing the items and asking the ledger, without doing any of it.
use framefleet_media::Item;
use framefleet_pipeline::Plan;
use framefleet_stage::{IndexRequest, SourceStage, StageError};
use orchestrator::{Fact, JobOptions, JobState, Lookup};
use serde::Serialize;
use std::sync::Arc;

/// One step's frames.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StepForecast {
    /// The step.
    pub step: String,
    /// Frames to do, as far as that is known before anything is done: frames whose inputs fail will be skipped.
    pub to_do: u64,
    /// Frames that earlier runs did.
    pub reused: u64,
    /// Frames that sampling leaves out.
    pub skipped: u64,
}

/// Indexes the items and asks the ledger which tasks are done.
pub fn forecast(
    plan: Arc<Plan>,
    items: Vec<Item>,
    options: JobOptions,
    source: &dyn SourceStage,
    lookup: Lookup,
) -> Result<Vec<StepForecast>, StageError> {
    let mut state = JobState::forecasting(Arc::clone(&plan), items.clone(), options);
    for (item, footage) in items.iter().enumerate() {
        let mut batches = Vec::new();
        let request = IndexRequest::fresh(framefleet_media::frame::batch_frames(footage));
        let (corrected, damage) = source.index(footage, request, &mut |found| {
            batches.extend(found);
            true
        })?;
        state.apply(
            Fact::Indexed { item, from: 0, batches, complete: true, damage, corrected: Some(Box::new(corrected)) },
            lookup,
        );
    }
    state.advance(lookup);
    let steps = plan.steps.iter().enumerate().map(|(index, step)| {
        let frames = state.frames(index);
        let skipped = state.frames_in_range(index).saturating_sub(frames.all);
        StepForecast { step: step.name.clone(), to_do: frames.left, reused: frames.reused, skipped }
    });
    Ok(steps.collect())
}

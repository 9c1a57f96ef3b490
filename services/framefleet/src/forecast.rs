//! What a run would do, found out by indexing the items and asking the ledger, without doing any of it.
use framefleet_media::{Changes, Item, KnownFolder, changes};
use framefleet_pipeline::Plan;
use framefleet_stage::{IndexRequest, SourceStage, StageError};
use orchestrator::{Batch, Fact, JobOptions, JobState, Lookup};
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

/// What happened to a folder of images since the output last saw it.
#[derive(Clone, Debug, Serialize)]
pub struct FolderChanges {
    /// The folder.
    pub item: String,
    /// Its pictures.
    #[serde(flatten)]
    pub changes: Changes,
}

/// Indexes the items and asks the ledger which tasks are done. `known` is what the output knows of each.
pub fn forecast(
    plan: Arc<Plan>,
    items: Vec<(Item, KnownFolder)>,
    options: JobOptions,
    source: &dyn SourceStage,
    lookup: Lookup,
) -> Result<(Vec<StepForecast>, Vec<FolderChanges>), StageError> {
    let all = items.iter().map(|(item, _)| item.clone()).collect();
    let mut state = JobState::forecasting(Arc::clone(&plan), all, options);
    let mut folders = Vec::new();
    for (item, (mut footage, known)) in items.into_iter().enumerate() {
        known.recognise(&mut footage);
        let known = known.into_batches();
        let batch_frames = framefleet_media::frame::batch_frames(&footage);
        let mut batches = Vec::new();
        let request = IndexRequest { batch_frames, known: known.clone() };
        let (corrected, damage) = source.index(&footage, request, &mut |found| {
            batches.extend(found);
            true
        })?;
        let changes = if known.is_empty() { Changes::default() } else { changes(&known, &batches) };
        if changes != Changes::default() {
            folders.push(FolderChanges { item: footage.name, changes });
        }
        let batches = batches.into_iter().map(Batch::from).collect();
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
    Ok((steps.collect(), folders))
}

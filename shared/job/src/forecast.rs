//! What a run would do, found out by indexing the items and asking the ledger, without doing any of it.
use crate::error::JobError;
use crate::output::folders;
use crate::prepare::PreparedJob;
use framefleet_folders::{Changes, KnownFolder, changes};
use framefleet_frames::Item;
use framefleet_ledger::{Ledger, Output, TaskKey};
use framefleet_orchestration::{Batch, Fact, JobOptions, JobState, Lookup};
use framefleet_pipeline::Plan;
use framefleet_stage::{IndexRequest, SourceStage, StageError};
use serde::Serialize;
use std::sync::Arc;

/// What a run would do.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// The plan.
    pub plan: Arc<Plan>,
    /// Frames of the steps, in the plan's order.
    pub steps: Vec<StepForecast>,
    /// Folders of images that have changed.
    pub folders: Vec<FolderChanges>,
}

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

impl PreparedJob {
    /// What a run would do, by the footage and by what the output holds.
    pub async fn forecast(&self) -> Result<Forecast, JobError> {
        let output = Output::parse(&self.request().output).map_err(|error| JobError::Request(error.to_string()))?;
        let ledger = Ledger::read(output).await.ok();
        let mut items = self.items().to_vec();
        if let Some(ledger) = &ledger {
            folders::recognise(&mut items, ledger).await?;
        }
        let plan = Arc::new(self.plan(&items)?);
        let (source, options) = (self.source(), self.request().options(&items));
        let mut known = Vec::new();
        for item in items {
            let folder = match &ledger {
                Some(ledger) => folders::known(&item, ledger).await?,
                None => KnownFolder::default(),
            };
            known.push((item, folder));
        }
        let found = {
            let plan = Arc::clone(&plan);
            let lookup = move |key: &TaskKey| ledger.as_ref().and_then(|ledger| ledger.outcomes(key));
            tokio::task::spawn_blocking(move || forecast(plan, known, options, source.as_ref(), &lookup))
        };
        let (steps, folders) = found.await.map_err(|error| JobError::Failed(error.to_string()))??;
        Ok(Forecast { plan, steps, folders })
    }
}

/// Indexes the items and asks the ledger which tasks are done. `items` are with what the output knows of each.
fn forecast(
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
        let batch_frames = framefleet_frames::frame::batch_frames(&footage);
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

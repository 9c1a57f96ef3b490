//! What an output holds of its steps: the manifest of each, and the files that were derived from it.
use crate::store::Store;
use crate::{Ledger, LedgerError, layout};
use framefleet_proto::v1::CompletedStep;
use futures::{StreamExt, TryStreamExt};
use prost::Message;

/// Steps that are read together.
const CONCURRENCY: usize = 8;

impl Ledger {
    /// What the output holds of every step, by name.
    pub async fn completed_steps(&self) -> Result<Vec<CompletedStep>, LedgerError> {
        read_steps(self.store()).await
    }
}

/// What an output holds of every step, by name.
pub(crate) async fn read_steps(store: &Store) -> Result<Vec<CompletedStep>, LedgerError> {
    let mut paths = store.list(layout::STEPS).await?;
    paths.sort();
    let read = |(path, _): (String, u64)| async move {
        let Some(bytes) = store.read(&path).await? else { return Ok(None) };
        CompletedStep::decode(bytes).map(Some).map_err(|error| store.damaged(&path, error))
    };
    let found: Vec<_> = futures::stream::iter(paths).map(read).buffered(CONCURRENCY).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// The name of a step.
pub fn step_name(step: &CompletedStep) -> &str {
    step.manifest.as_ref().map_or("", |manifest| &manifest.step)
}

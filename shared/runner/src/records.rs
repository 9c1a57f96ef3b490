//! A step's records as finish reads them: streamed from the ledger, as often as it likes.
use framefleet_ledger::{Ledger, TaskKey};
use framefleet_proto::v1::{PartKind, StepManifest};
use framefleet_stage::{Record, Records, RecordsError};
use futures::StreamExt as _;
use std::path::PathBuf;
use tokio::runtime::Handle;

/// The records of the process tasks of a step. Used from blocking threads only.
pub(crate) struct LedgerRecords {
    pub ledger: Ledger,
    pub manifest: StepManifest,
    pub handle: Handle,
}

impl Records for LedgerRecords {
    fn read(&self) -> Box<dyn Iterator<Item = Result<Record, RecordsError>> + '_> {
        let mut rows = self.ledger.rows(&self.manifest);
        Box::new(std::iter::from_fn(move || {
            let row = self.handle.block_on(rows.next())?;
            Some(row.map_err(|error| RecordsError(error.to_string())).map(|row| Record {
                item: row.item,
                frame: row.frame,
                pts_ns: row.pts_ns,
                file: row.file,
                outcome: row.outcome,
                annotations: row.annotations,
            }))
        }))
    }

    fn attachments(&self, prefix: &str) -> Result<Vec<(String, String, PathBuf)>, RecordsError> {
        let mut found = Vec::new();
        for item in &self.manifest.items {
            let name = item.item.as_ref().map(|item| item.name.clone()).unwrap_or_default();
            for task in &item.tasks {
                let key = TaskKey::from_bytes(&task.key).map_err(|error| RecordsError(error.to_string()))?;
                let entry = self.handle.block_on(self.ledger.find(&key));
                let Some(entry) = entry.map_err(|error| RecordsError(error.to_string()))? else { continue };
                for part in entry
                    .parts
                    .iter()
                    .filter(|part| part.kind() == PartKind::Attachment && part.name.starts_with(prefix))
                {
                    let path = self
                        .handle
                        .block_on(self.ledger.attachment(&key, &part.name))
                        .map_err(|error| RecordsError(error.to_string()))?;
                    found.push((name.clone(), part.name.clone(), path));
                }
            }
        }
        Ok(found)
    }
}

//! A step's records as finish reads them: streamed from the ledger, as often as it likes.
use framefleet_ledger::{Ledger, LedgerError, Manifest, TaskKey};
use framefleet_proto::v1::{Part, PartKind};
use framefleet_stage::{Record, Records, RecordsError};
use futures::{StreamExt as _, TryStreamExt as _};
use std::path::PathBuf;
use tokio::runtime::Handle;

/// The records of the process tasks of a step. Used from blocking threads only.
pub(crate) struct LedgerRecords {
    ledger: Ledger,
    manifest: Manifest,
    handle: Handle,
}

impl LedgerRecords {
    /// The records of a step. Made in the runtime, used outside of it.
    pub fn new(ledger: Ledger, manifest: Manifest) -> Self {
        Self { ledger, manifest, handle: Handle::current() }
    }
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
        let failed = |error: LedgerError| RecordsError(error.to_string());
        let (mut found, mut tasks) = (Vec::new(), self.ledger.tasks(&self.manifest));
        while let Some(task) = self.handle.block_on(tasks.try_next()).map_err(failed)? {
            let key = TaskKey::from_bytes(&task.key).map_err(|error| RecordsError(error.to_string()))?;
            let Some(entry) = self.handle.block_on(self.ledger.find(&key)).map_err(failed)? else { continue };
            let kept = |part: &&Part| part.kind() == PartKind::Attachment && part.name.starts_with(prefix);
            for part in entry.parts.iter().filter(kept) {
                let path = self.handle.block_on(self.ledger.attachment(&key, &part.name)).map_err(failed)?;
                found.push((self.manifest.item_name(&task).to_owned(), part.name.clone(), path));
            }
        }
        Ok(found)
    }
}

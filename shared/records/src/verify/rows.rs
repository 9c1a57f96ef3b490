//! A step's rows and summary, for the digest; its record lines and Parquet rows are those of the ledger.
use super::Check;
use super::read_back::{Lines, parquet_rows};
use crate::json::{hidden_fields, line, without};
use crate::{RecordsError, summary};
use framefleet_ledger::{Manifest, layout};
use framefleet_objects::record;
use framefleet_proto::v1::CompletedStep;
use futures::TryStreamExt;
use serde_json::Value;

impl Check {
    /// Adds a step's rows and summary to the digest; with `deep`, compares the record lines with them.
    pub(super) async fn rows(&mut self, step: &CompletedStep, manifest: &Manifest) {
        self.findings.hash(b"step", manifest.step.as_bytes());
        if let Err(error) = self.try_rows(step, manifest).await {
            self.findings.problem(error);
        }
        match summary::summary(&self.ledger, manifest).await {
            Ok(summary) => self.findings.hash(b"summary", Value::from(summary).to_string().as_bytes()),
            Err(error) => self.findings.problem(error),
        }
    }

    async fn try_rows(&mut self, step: &CompletedStep, manifest: &Manifest) -> Result<(), RecordsError> {
        let path = layout::records(&manifest.step, "jsonl");
        let hidden = hidden_fields(&step.parquet_only);
        let mut lines = match self.deep {
            true => Lines::open(self.ledger.store(), &path).await?,
            false => None,
        };
        let ledger = self.ledger.clone();
        let mut rows = ledger.rows(manifest);
        let mut count = 0_u64;
        while let Some(row) = rows.try_next().await? {
            let record = record(&row, &manifest.kinds)?;
            self.findings.hash(b"row", &line(&record));
            count += 1;
            if let Some(found) = &mut lines
                && found.next().await? != line(&without(record, &hidden))
            {
                self.findings.problem(format!(
                    "{path} line {count} is not what the ledger has of {} frame {}",
                    row.item, row.frame
                ));
                lines = None;
            }
        }
        if let Some(found) = &mut lines
            && !found.next().await?.is_empty()
        {
            self.findings.problem(format!("{path} has more lines than the ledger has rows"));
        }
        if self.deep && step.parquet {
            let path = layout::records(&manifest.step, "parquet");
            match parquet_rows(ledger.store(), &path).await {
                Ok(found) if found == count => {}
                Ok(found) => self.findings.problem(format!("{path} has {found} rows, the ledger {count}")),
                Err(problem) => self.findings.problem(format!("{path}: {problem}")),
            }
        }
        Ok(())
    }
}

//! The parts of all entries have the bytes that were written.
use super::Check;
use framefleet_ledger::presence::GonePictures;
use framefleet_ledger::{LedgerError, describe, layout, outcomes};
use framefleet_proto::v1::{CompletedStep, PartKind};
use std::collections::HashSet;

impl Check {
    /// Checks the parts of all entries, those of no result included. Artifacts of completed steps lie among their files.
    pub(super) async fn parts(&mut self, steps: &[CompletedStep]) -> Result<(), LedgerError> {
        let published: HashSet<&[u8]> =
            steps.iter().flat_map(|step| &step.files).map(|file| file.digest.as_ref()).collect();
        let mut missing = Vec::new();
        for (key, entry) in self.ledger.entries_where(|_, _| true) {
            if entry.parts.iter().any(|part| layout::kind(part) == PartKind::Annotations) {
                match self.ledger.block_bytes(&key).await {
                    Ok((bytes, _)) => self.findings.count(bytes.len() as u64),
                    Err(error) => self.findings.problem(error),
                }
            }
            if let Err(reason) = outcomes::check(&entry) {
                self.findings.problem(format!("{}: {reason}", describe(&entry)));
            }
            for part in entry.parts.iter().filter(|part| layout::kind(part) != PartKind::Annotations) {
                let moved = layout::kind(part) == PartKind::Artifact && published.contains(part.digest.as_ref());
                let path = layout::part(&key, part);
                if !moved && part.frame.is_some() && self.ledger.store().length(&path).await?.is_none() {
                    missing.push((key, part.clone()));
                } else if !moved {
                    self.file(&path, &part.digest, part.length).await?;
                }
            }
        }
        let tasks = missing.iter().map(|(key, _)| *key).collect();
        let gone = GonePictures::find(self.ledger.store(), steps, &tasks).await?;
        for (key, part) in missing.into_iter().filter(|(key, part)| !gone.have(key, part)) {
            self.findings.problem(format!("{} is missing", layout::part(&key, &part)));
        }
        Ok(())
    }
}
